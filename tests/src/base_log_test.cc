#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

#include "src/util/json.h"
#include "src/util/log.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

// What goes to stderr while it lives.
class Captured {
 public:
  Captured() : saved_(::dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader_ = ends[0];
    EXPECT_EQ(::dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    ::close(ends[1]);
  }
  ~Captured() { (void)text(); }
  std::string read_some() {
    std::string some(65536, '\0');
    const ssize_t got = ::read(reader_, some.data(), some.size());
    some.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    return some;
  }
  std::string text() {
    if (saved_ < 0) return "";
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    saved_ = -1;
    std::string all;
    std::array<char, 65536> buffer{};
    ssize_t got = 0;
    while ((got = ::read(reader_, buffer.data(), buffer.size())) > 0) {
      all.append(buffer.data(), static_cast<size_t>(got));
    }
    ::close(reader_);
    return all;
  }

 private:
  int saved_ = -1;
  int reader_ = -1;
};

class Log : public testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("JOURNAL_STREAM");
    log::set_level(log::Level::info);
    log::set_style(log::Style::text);
  }
  void TearDown() override {
    ::unsetenv("JOURNAL_STREAM");
    log::set_style(log::Style::text);
  }
};

TEST_F(Log, ALineHasProgramLevelMessageAndFields) {
  Captured captured;
  log::line(log::Level::warning, "worker killed", {{"job", "0193"}, {"signal", "11"}});
  EXPECT_EQ(captured.text(), "base_log_test: warning: worker killed job=0193 signal=11\n");
}

TEST_F(Log, IsSetUpByTheWordsOfTheConfiguration) {
  ASSERT_TRUE(log::set_up("error", "json"));
  Captured captured;
  log::line(log::Level::warning, "not this");
  log::line(log::Level::error, "this");
  const std::string told = captured.text();
  EXPECT_EQ(told.front(), '{') << told;
  EXPECT_EQ(told.find("not this"), std::string::npos) << told;
}

TEST_F(Log, AnUnknownWordIsAnErrorThatNamesTheKnownOnes) {
  const Status loud = log::set_up("loud", "text");
  ASSERT_FALSE(loud);
  EXPECT_NE(loud.error().text().find("notice, info or debug, not 'loud'"), std::string::npos)
      << loud.error().text();
  const Status xml = log::set_up("info", "xml");
  ASSERT_FALSE(xml);
  EXPECT_NE(xml.error().text().find("text or json, not 'xml'"), std::string::npos);
}

TEST_F(Log, WhatIsBelowTheLevelIsNotWritten) {
  Captured captured;
  log::line(log::Level::debug, "not this");
  log::set_level(log::Level::error);
  log::line(log::Level::warning, "nor this");
  log::line(log::Level::error, "this");
  EXPECT_EQ(captured.text(), "base_log_test: error: this\n");
}

TEST_F(Log, NoNameForgesALine) {
  Captured captured;
  log::line(log::Level::info, "submitted",
            {{"name", "a\nimgqd: error: forged"}, {"other", "\x1b[2J\xff q\"x"}});
  EXPECT_EQ(captured.text(),
            "base_log_test: info: submitted name=\"a\\x0aimgqd: error: forged\" "
            "other=\"\\x1b[2J\\xff q\\\"x\"\n");
}

TEST_F(Log, JsonLinesAreJsonWhateverIsInThem) {
  log::set_style(log::Style::json);
  Captured captured;
  log::line(log::Level::error, "odd \"name\"", {{"name", "a\nb\xff\\"}, {"empty", ""}});
  const std::string text = captured.text();
  ASSERT_EQ(text.back(), '\n');
  const auto object = parse_json(std::string_view(text).substr(0, text.size() - 1), "line");
  ASSERT_TRUE(object) << text;
  EXPECT_EQ(text_in(*object, "level"), "error");
  EXPECT_EQ(text_in(*object, "message"), "odd \"name\"");
  EXPECT_EQ(text_in(*object, "name"), "a\nb\xef\xbf\xbd\\");
  EXPECT_EQ(text_in(*object, "empty"), "");
}

TEST_F(Log, ALineOfManyLongFieldsStaysOneWholeLine) {
  for (const log::Style style : {log::Style::text, log::Style::json}) {
    log::set_style(style);
    Captured captured;
    const std::string big(5000, '\n');
    log::line(log::Level::error, big,
              {{"a", big}, {"b", big}, {"c", big}, {"d", big}, {"e", big}, {"f", big}});
    const std::string text = captured.text();
    EXPECT_LE(text.size(), 4096U);  // PIPE_BUF
    EXPECT_EQ(text.find('\n'), text.size() - 1);
    if (style == log::Style::json) {
      EXPECT_TRUE(parse_json(std::string_view(text).substr(0, text.size() - 1), "line")) << text;
    }
  }
}

// Else a reader that stands still would stop whoever logs.
TEST_F(Log, LinesThatNobodyReadsAreLostAndCounted) {
  Captured captured;
  ASSERT_EQ(::fcntl(STDERR_FILENO, F_SETPIPE_SZ, 8192), 8192);
  const std::string big(3000, 'x');
  const std::string line = "base_log_test: error: " + big.substr(0, 1024 - 3) + "...\n";
  const int64_t began = sys::monotonic_ms();
  for (int i = 0; i < 13; ++i) log::line(log::Level::error, big);
  EXPECT_LT(sys::monotonic_ms() - began, 5'000);  // once a second of patience, not ten times
  const std::string before = captured.read_some();
  EXPECT_EQ(before.size() % line.size(), 0U) << before;  // whole lines
  const size_t read = before.size() / line.size();
  EXPECT_GE(read, 1U);
  EXPECT_LE(read, 7U);
  log::line(log::Level::error, "again");
  EXPECT_EQ(captured.text(),
            "base_log_test: warning: lines of this log were lost: nobody read it lines=" +
                std::to_string(13 - read) + "\nbase_log_test: error: again\n");
}

// As when a worker ends meanwhile: the next look at the pipe is not to be taken for room in it.
TEST_F(Log, ASignalDoesNotMakeAFullPipeReady) {
  Captured captured;
  ASSERT_EQ(::fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096), 4096);
  log::line(log::Level::error, "fills the pipe's one page, as far as poll(2) says");
  struct sigaction noted{};
  noted.sa_handler = [](int) {};
  struct sigaction before{};
  ASSERT_EQ(::sigaction(SIGALRM, &noted, &before), 0);
  const struct itimerval soon{{0, 50'000}, {0, 50'000}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &soon, nullptr), 0);
  for (int i = 0; i < 200; ++i) log::line(log::Level::error, std::string(1000, 'x'));
  const struct itimerval never{};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &never, nullptr), 0);
  ASSERT_EQ(::sigaction(SIGALRM, &before, nullptr), 0);
  EXPECT_EQ(captured.text().find("xxx"), std::string::npos);
  log::line(log::Level::error, "tells how many were lost, so that no later test does");
}

TEST_F(Log, UnderTheJournalALineCarriesItsPriority) {
  Captured captured;
  struct stat about{};
  ASSERT_EQ(::fstat(STDERR_FILENO, &about), 0);
  const std::string stream = std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino);
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  log::line(log::Level::warning, "hot");
  ::setenv("JOURNAL_STREAM", "1:1", 1);
  log::line(log::Level::warning, "redirected");
  EXPECT_EQ(captured.text(),
            "<4>base_log_test: warning: hot\nbase_log_test: warning: redirected\n");
}

}  // namespace
}  // namespace imgq
