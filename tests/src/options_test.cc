// What programs tell of their own command lines, from their tables.
#include "tools/options.h"

#include <gtest/gtest.h>

namespace imgq::tools {
namespace {

TEST(Help, IsNeverWiderThanEightyColumns) {
  bool flag = false;
  const Command program{"imgq", "", "", "", {}};
  const Command command{
      "frobnicate",
      std::string(30, 'a') + " " + std::string(30, 'b') + " " + std::string(30, 'c'),
      "imgq frobnicate --with-a-very-long-option-name=value some/file.jpg  # why\n"
      "imgq frobnicate  # short",
      "A paragraph that goes on and on, and on, until it is certainly wider than a line "
      "may be.\n\nAnother.",
      {{"Group",
        {{"-x,--extremely-long-option-name", &flag,
          "a long text that has to be broken somewhere since it does not fit", "VALUE"}}}}};
  std::string text = help_text(program, command);
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, kHelpColumns) << text.substr(begin, end - begin);
    begin = end + 1;
  }
  EXPECT_LT(text.find("Examples:"), text.find("Usage:"));
}

class Offers : public testing::Test {
 protected:
  // With ": " where a tab is.
  std::string after(const std::vector<std::string>& words) {
    std::string lines = offers(program_, words);
    for (size_t tab; (tab = lines.find('\t')) != std::string::npos;) lines.replace(tab, 1, ": ");
    return lines;
  }

 private:
  bool flag_ = false;
  std::string value_;
  Command program_{"imgq",
                   "",
                   "",
                   "",
                   {{"Everywhere",
                     {{"-q,--quiet", &flag_, "say less"},
                      {"--spool", &value_, "the spool", "DIR", "@dir"},
                      {"--old", &value_, "", "DIR"}}}},
                   {},
                   nullptr,
                   {{"run",
                     "make",
                     "",
                     "",
                     {{"The result", {{"-m,--mode", &value_, "how", "MODE", "fit fill"}}}},
                     {"FILE", "an image", nullptr, "@file"}},
                    {"hidden", "", "", "", {}}}};
};

TEST_F(Offers, AreTheCommandsThatAreToldOf) {
  EXPECT_EQ(after({""}), "run: make\n");
  EXPECT_EQ(after({"--spool", "run", "-q", "r"}), "run: make\n");
  EXPECT_EQ(after({"x"}), "");
  EXPECT_EQ(after({"x", ""}), "");
  EXPECT_EQ(after({}), "run: make\n");
}

TEST_F(Offers, AreTheOptionsThatAreToldOfOfTheProgramAndTheCommand) {
  EXPECT_EQ(after({"--"}), "--quiet: say less\n--spool: the spool\n");
  EXPECT_EQ(after({"run", "-"}),
            "-q: say less\n--quiet: say less\n--spool: the spool\n-m: how\n--mode: how\n");
}

TEST_F(Offers, AreTheWordsOfAValueHoweverItStands) {
  EXPECT_EQ(after({"run", "--mode", ""}), "fit: \nfill: \n");
  EXPECT_EQ(after({"run", "-m", "fil"}), "fill: \n");
  EXPECT_EQ(after({"run", "--mode=fil"}), "--mode=fill: \n");
  EXPECT_EQ(after({"run", "--mode", "="}), "fit: \nfill: \n");
  EXPECT_EQ(after({"run", "--mode", "=", "fil"}), "fill: \n");
  EXPECT_EQ(after({"--mode", "fil"}), "") << "not an option of the program";
}

TEST_F(Offers, LeaveFilesAndDirectoriesToTheShell) {
  EXPECT_EQ(after({"run", "pic"}), "@file\n");
  EXPECT_EQ(after({"--spool", ""}), "@dir\n");
}

}  // namespace
}  // namespace imgq::tools
