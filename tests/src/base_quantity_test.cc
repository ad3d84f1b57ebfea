#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "src/base/exit_code.h"
#include "src/util/fd.h"
#include "src/util/io.h"
#include "src/util/memory_limit.h"
#include "src/util/processors.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq {
namespace {

using std::chrono::seconds;

TEST(Sizes, AreTakenWithTheUnitsOfBothKinds) {
  EXPECT_EQ(*parse_size("5000"), 5000);
  EXPECT_EQ(*parse_size("0"), 0);
  EXPECT_EQ(*parse_size("10kB"), 10'000);
  EXPECT_EQ(*parse_size("64MiB"), 64LL << 20);
  EXPECT_EQ(*parse_size("3K"), 3072);
  EXPECT_EQ(*parse_size("2GB"), 2'000'000'000);
}

TEST(Sizes, ThatAreNotWholeNumbersWithAUnitAreRefused) {
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "1.5MB", "MB", "1mb", "1kb", "0x10", "1e3", "1 MB", "١"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Sizes, ThatDoNotFitAreRefusedInsteadOfWrapped) {
  EXPECT_EQ(*parse_size("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(parse_size("9223372036854775808"));
  EXPECT_FALSE(parse_size("99999999999999999999999"));
  EXPECT_FALSE(parse_size("9000000TiB"));
}

TEST(Durations, AreTakenWithTheirUnits) {
  EXPECT_EQ(*parse_duration("90"), seconds(90));
  EXPECT_EQ(*parse_duration("90s"), seconds(90));
  EXPECT_EQ(*parse_duration("15min"), seconds(900));
  EXPECT_EQ(*parse_duration("36h"), seconds(36 * 3600));
  EXPECT_EQ(*parse_duration("7d"), seconds(7 * 86400));
}

TEST(Durations, ThatMakeNoSenseAreRefused) {
  for (const char* text : {"", "-5s", "1y", "5 s", "s", "200w00", "99999999999999d", "1000000w"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Counts, KeepTheirBoundsAndSayThem) {
  EXPECT_EQ(*parse_count("7", 1, 7), 7);
  EXPECT_FALSE(parse_count("8", 1, 7));
  EXPECT_FALSE(parse_count("-1", 0, 7));
  const auto refused = parse_count("many", 1, 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().action, "'many' is not a whole number from 1 to 100");
}

TEST(DidYouMean, FindsTheNearWordAndNoFarOne) {
  const std::vector<std::string> words = {"submit", "status", "stats", "run", "wait"};
  EXPECT_EQ(did_you_mean("submiit", words), "submit");
  EXPECT_EQ(did_you_mean("statsu", words), "status");
  EXPECT_EQ(did_you_mean("wajt", words), "wait");
  EXPECT_EQ(did_you_mean("frobnicate", words), "");
  EXPECT_EQ(did_you_mean("x", words), "");
  EXPECT_EQ(did_you_mean("", words), "");
  EXPECT_EQ(did_you_mean(std::string(100'000, 'a'), words), "");
}

TEST(Printable, LeavesTextAloneAndEscapesWhatATerminalObeys) {
  EXPECT_EQ(printable("Übung 1.jpg"), "Übung 1.jpg");
  EXPECT_EQ(printable("a\nb"), "a\\x0ab");
  EXPECT_EQ(printable("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(printable("a\\x0ab"), "a\\\\x0ab");
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "C1 control";
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\xe2\\x80\\xae") << "right-to-left override";
  EXPECT_EQ(printable("\x7f"), "\\x7f");
}

TEST(Utf8, IsToldFromWhatOnlyLooksLikeIt) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  EXPECT_FALSE(is_utf8("\xc0\xaf")) << "overlong";
  EXPECT_FALSE(is_utf8("\xed\xa0\x80")) << "surrogate";
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80")) << "above U+10FFFF";
  EXPECT_FALSE(is_utf8("\xe2\x82")) << "cut";
}

TEST(Shortened, NeverCutsACharacter) {
  EXPECT_EQ(shortened("aé", 2), "a");
  EXPECT_EQ(shortened("aé", 3), "aé");
  EXPECT_EQ(shortened("", 0), "");
}

TEST(HumanBytes, RoundToTheNextUnit) {
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(999'950), "1.0 MB");
  EXPECT_EQ(human_bytes(3'400'000), "3.4 MB");
}

TEST(IsoTime, IsUtcWithMillisecondsWhereThereAreAny) {
  EXPECT_EQ(iso_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(iso_time(1'795'499'829'123), "2026-11-24T05:57:09.123Z");
}

TEST(ExitCodes, FollowFromWhatTheSystemAnswered) {
  EXPECT_EQ(exit_for({ENOENT, "", ""}), Exit::spool_unavailable);
  EXPECT_EQ(exit_for({EPROTO, "", ""}), Exit::spool_unavailable);
  EXPECT_EQ(exit_for({ENOSPC, "", ""}), Exit::try_later);
  EXPECT_EQ(exit_for({EROFS, "", ""}), Exit::try_later);
  EXPECT_EQ(exit_for({EDQUOT, "", ""}), Exit::try_later);
  EXPECT_EQ(exit_for({EACCES, "", ""}), Exit::no_permission);
  EXPECT_EQ(exit_for({EIO, "", ""}), Exit::io_error);
  EXPECT_EQ(exit_for({0, "digest differs", ""}), Exit::io_error);
}

class Folder : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(path_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(path_); }
  std::string path_ = testing::TempDir() + "imgq-io.XXXXXX";
};

TEST_F(Folder, IsListedInOrderWithWhatIsHidden) {
  for (const char* name : {"b", "a", ".c"}) std::ofstream(path_ + "/" + name) << name;
  EXPECT_EQ(*list_names(AT_FDCWD, path_), (std::vector<std::string>{".c", "a", "b"}));
  EXPECT_EQ(list_names(AT_FDCWD, path_ + "/a").error().code, ENOTDIR);
  EXPECT_EQ(list_names(AT_FDCWD, path_ + "/none").error().code, ENOENT);
}

TEST_F(Folder, IsListedThroughALinkOnlyWhereThatIsAsked) {
  std::ofstream(path_ + "/a") << "a";
  std::filesystem::create_directory_symlink(path_, path_ + "/link");
  EXPECT_FALSE(list_names(AT_FDCWD, path_ + "/link"));
  EXPECT_EQ(list_names(AT_FDCWD, path_ + "/link/.")->size(), 2U);
}

TEST_F(Folder, HasFilesThatAreReadWholeOrNotAtAll) {
  std::ofstream(path_ + "/a") << std::string(100'000, 'x');
  const auto read = [&](size_t limit) {
    const Fd file(::open((path_ + "/a").c_str(), O_RDONLY | O_CLOEXEC));
    return read_all(file.get(), "a", limit);
  };
  EXPECT_EQ(read(100'000)->size(), 100'000U);
  EXPECT_EQ(read(99'999).error().code, EFBIG);
}

// The files of a control group /a/b, in a folder of its own.
class Processors : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "imgq-cgroup-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directories(root_ + "/a/b");
    std::ofstream(root_ + "/membership") << "12:cpu:/old\n0::/a/b\n";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void quota(const std::string& group, const std::string& text) const {
    std::ofstream(root_ + group + "/cpu.max") << text << "\n";
  }
  int usable() const { return usable_processors(root_ + "/membership", root_); }
  std::string root_;
};

TEST_F(Processors, AreAsManyAsTheSmallestQuotaAndAtLeastOne) {
  const int all = usable();
  EXPECT_GE(all, 1);
  quota("/a/b", "max 100000");
  quota("/a", "100000000 100000");
  EXPECT_EQ(usable(), all);
  quota("/a", "101000 100000");
  EXPECT_EQ(usable(), std::min(all, 2));
  quota("", "20000 100000");
  EXPECT_EQ(usable(), 1);
  quota("", "garbage");
  EXPECT_EQ(usable(), std::min(all, 2));
}

class Memory : public Processors {
 protected:
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text << "\n";
  }
  int64_t limit() const { return memory_limit(root_ + "/membership", root_).value_or(-1); }
};

TEST_F(Memory, IsWhatTheTightestGroupAllows) {
  EXPECT_EQ(limit(), -1);
  write("/a/b/memory.max", "max");
  write("/a/memory.max", "garbage");
  EXPECT_EQ(limit(), -1);
  write("/a/memory.max", "300000000");
  EXPECT_EQ(limit(), 300'000'000);
  write("/a/b/memory.high", "200000000");
  EXPECT_EQ(limit(), 200'000'000);
  write("/memory.max", "100000000");
  EXPECT_EQ(limit(), 100'000'000);
}

TEST_F(Memory, IsLimitedByVersionOneOfControlGroupsToo) {
  write("/membership", "4:hugetlb,memory:/c/d\n0::/a/b");
  write("/memory/c/d/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(limit(), -1);
  write("/memory/c/memory.limit_in_bytes", "268435456");
  EXPECT_EQ(limit(), 268'435'456);
}

// As in a container, whose own group is the root of what it sees.
TEST_F(Memory, IsFoundWhereThePathOfTheGroupIsNotSeen) {
  write("/membership", "4:memory:/docker/0123");
  write("/memory/memory.limit_in_bytes", "268435456");
  EXPECT_EQ(limit(), 268'435'456);
}

TEST_F(Processors, AreAsManyAsTheAffinityMaskAllows) {
  int seen = 0;
  std::thread([&] {
    cpu_set_t mask;
    ASSERT_EQ(::sched_getaffinity(0, sizeof mask, &mask), 0);
    int first = 0;
    while (!CPU_ISSET(first, &mask)) ++first;
    CPU_ZERO(&mask);
    CPU_SET(first, &mask);
    ASSERT_EQ(::sched_setaffinity(0, sizeof mask, &mask), 0);
    seen = usable();
  }).join();
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace imgq
