#include "spool/job_id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "spool/layout.h"
#include "src/util/clock.h"
#include "tests/spool/fault_sys.h"

namespace imgq {
namespace {

constexpr const char* kGood = "019374a1-5c00-7abc-8def-0123456789ab";

TEST(JobId, ReadsWhatItWrites) {
  const JobId id = JobId::generate();
  const auto read = JobId::parse(id.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, id);
  EXPECT_EQ(id.text().size(), 36u);
}

TEST(JobId, EachIsGreaterThanTheOneBefore) {
  std::vector<JobId> ids;
  for (int i = 0; i < 20'000; ++i) ids.push_back(JobId::generate());
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

TEST(JobId, ThreadsNeverMakeTheSameTwice) {
  std::vector<std::vector<JobId>> made(4);
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 5000; ++i) mine.push_back(JobId::generate());
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    for (const JobId& id : mine) all.insert(id.text());
  }
  EXPECT_EQ(all.size(), 20'000u);
}

TEST(JobId, SaysWhenItWasMade) {
  const int64_t before = now_ms();
  const JobId id = JobId::generate();
  EXPECT_GE(id.unix_ms(), before);
  EXPECT_LE(id.unix_ms(), now_ms() + 1);
}

TEST(JobId, KeepsItsOrderWhenTheClockFails) {
  const faults::Scope scope;
  const JobId before = JobId::generate();
  faults::add({.call = "clock_realtime", .code = EINVAL});
  EXPECT_THROW((void)JobId::generate(), std::exception);
  EXPECT_LT(before, JobId::generate());
}

TEST(JobId, KeepsItsOrderWhenTheClockStepsBackALittle) {
  const faults::Scope scope;
  const JobId before = JobId::generate();
  faults::step_clock(-60);
  EXPECT_LT(before, JobId::generate());
}

// Else all ids of a long-lived program would lie in one hour, years away from retention.
TEST(JobId, FollowsAClockThatWasFarAheadAndIsSetRight) {
  const faults::Scope scope;
  faults::step_clock(10LL * 365 * 86'400);
  const JobId ahead = JobId::generate();
  faults::clear();
  const JobId right = JobId::generate();
  EXPECT_LT(right, ahead);
  EXPECT_LE(right.unix_ms(), now_ms() + 1);
  EXPECT_LT(right, JobId::generate());
}

TEST(JobId, KnowsItsDayAndHour) {
  struct Case {
    const char* text;
    const char* folder;
  };
  const Case cases[] = {
      {"00000000-0000-7000-8000-000000000000", "1970-01-01/00"},
      {"0000004d-7bff-7000-8000-000000000000", "1970-01-01/00"},
      {"0000036e-e800-7000-8000-000000000000", "1970-01-01/16"},
      {"00dc6acf-ac00-7000-8000-000000000000", "2000-01-01/00"},
      {"00dd3c3b-b400-7000-8000-000000000000", "2000-02-10/15"},
      {"019374a1-5c00-7abc-8def-0123456789ab", "2024-11-28/20"},
      {"e677d21f-dbff-7fff-bfff-ffffffffffff", "9999-12-31/23"},
  };
  for (const Case& one : cases) {
    const auto id = JobId::parse(one.text);
    ASSERT_TRUE(id) << one.text;
    EXPECT_TRUE(layout::is_day(id->folder().substr(0, 10)));
    EXPECT_TRUE(layout::is_hour(id->folder().substr(11)));
  }
  EXPECT_EQ(JobId::parse(cases[0].text)->folder(), cases[0].folder);
  EXPECT_EQ(JobId::parse(cases[3].text)->folder(), cases[3].folder);
  EXPECT_EQ(JobId::parse(cases[6].text)->folder(), cases[6].folder);
}

TEST(JobId, AgreesWithTheCLibraryAboutEveryDay) {
  for (int64_t day = 0; day < 60'000; day += 7) {
    const time_t seconds = day * 86'400 + 3600 * (day % 24);
    struct tm parts = {};
    ASSERT_NE(::gmtime_r(&seconds, &parts), nullptr);
    char folder[32], text[64];
    ASSERT_GT(std::strftime(folder, sizeof folder, "%Y-%m-%d/%H", &parts), 0u);
    const auto ms = static_cast<unsigned long long>(seconds) * 1000;
    (void)std::snprintf(text, sizeof text, "%08llx-%04llx-7000-8000-000000000000", ms >> 16,
                        ms & 0xffff);
    ASSERT_EQ(JobId::parse(text)->folder(), folder) << text;
  }
}

TEST(JobId, RefusesATimeBeyondTheYear9999) {
  EXPECT_FALSE(JobId::parse("e677d21f-dc00-7000-8000-000000000000"));
  EXPECT_FALSE(JobId::parse("ffffffff-ffff-7fff-bfff-ffffffffffff"));
}

TEST(JobId, RefusesEveryTextThatDiffersInForm) {
  const std::string good = kGood;
  ASSERT_TRUE(JobId::parse(good));
  for (size_t at = 0; at < good.size(); ++at) {
    std::string cut = good, bad = good, longer = good;
    cut.erase(at, 1);
    bad[at] = 'g';
    longer.insert(at, 1, '0');
    EXPECT_FALSE(JobId::parse(cut)) << cut;
    EXPECT_FALSE(JobId::parse(bad)) << bad;
    EXPECT_FALSE(JobId::parse(longer)) << longer;
    bad[at] = '/';
    EXPECT_FALSE(JobId::parse(bad)) << bad;
    bad[at] = '\0';
    EXPECT_FALSE(JobId::parse(bad)) << bad;
  }
}

TEST(JobId, RefusesUpperCaseOtherVersionsAndVariants) {
  EXPECT_FALSE(JobId::parse("019374A1-5c00-7abc-8def-0123456789ab"));
  EXPECT_FALSE(JobId::parse("019374a1-5c00-4abc-8def-0123456789ab"));
  EXPECT_FALSE(JobId::parse("019374a1-5c00-7abc-cdef-0123456789ab"));
  EXPECT_FALSE(JobId::parse("019374a1-5c00-7abc-7def-0123456789ab"));
  EXPECT_FALSE(JobId::parse(""));
  EXPECT_FALSE(JobId::parse("../../../../../../../etc/passwd-----"));
}

TEST(JobId, ShowsBadTextEscapedAndShortened) {
  const auto id = JobId::parse("\x1b[31m" + std::string(100, 'x') + "\n");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, 0);
  EXPECT_EQ(id.error().path.find('\x1b'), std::string::npos);
  EXPECT_EQ(id.error().path.substr(0, 8), "\\x1b[31m");
  EXPECT_LT(id.error().path.size(), 60u);
}

}  // namespace
}  // namespace imgq
