#include "src/supervise/folder_files.h"

#include <gtest/gtest.h>

#include <utility>

namespace imgq::supervise {
namespace {

using Heard = FolderFiles::Heard;
using Fate = SubmittedFile::Fate;
using Names = std::vector<std::string>;

constexpr int64_t kSettle = 3000;

// A folder with one file whose writing is told, and a clock.
class Settles : public testing::Test {
 protected:
  void look(Names names = {"a.jpg"}) {
    files_.begin_look();
    std::vector<FoundFile> found;
    for (std::string& name : names) found.push_back({std::move(name), mark_});
    files_.seen(found, now_ms_);
  }
  void heard(Heard what) { files_.heard("a.jpg", what, now_ms_); }
  void write_more() { mark_.modified_ns = ++mark_.size_bytes; }

  // What may be taken at the next look.
  Names taken() {
    look();
    Names names;
    for (const WantedFile& file : files_.take(10)) {
      if (!file.only_if_known) names.push_back(file.name);
    }
    return names;
  }
  bool waits_until(int64_t when_ms) {
    now_ms_ = when_ms - 1;
    if (!taken().empty()) return false;
    now_ms_ = when_ms;
    return taken() == Names{"a.jpg"};
  }
  void became(Fate fate) { files_.became({"a.jpg", mark_, {}, fate}, now_ms_); }

  // Found lying there, and no job of an earlier day.
  void find_it() {
    look();
    EXPECT_TRUE(files_.take(10).at(0).only_if_known);
    became(Fate::new_to_us);
  }

  int64_t now_ms_ = 1'000'000;
  const int64_t begin_ms_ = now_ms_;
  FileMark mark_{100, 1, 1};
  FolderFiles files_{kSettle};
};

TEST_F(Settles, AFileThatWasMovedInIsTakenAtOnce) {
  heard(Heard::moved_in);
  EXPECT_EQ(files_.take(10).at(0).name, "a.jpg");
}

TEST_F(Settles, WhatIsInAFolderThatWasMovedInIsTakenAtOnce) {
  look({"old/a.jpg"});
  EXPECT_TRUE(files_.take(10).at(0).only_if_known);
  files_.became({"old/a.jpg", mark_, {}, Fate::new_to_us}, now_ms_);
  files_.begin_look();
  files_.heard("holiday", Heard::moved_in, now_ms_);  // perhaps too late for this look
  files_.seen({{"old/a.jpg", mark_}}, now_ms_);
  EXPECT_EQ(files_.take(10).at(0).name, "holiday");  // which is no file, in the end
  files_.became({"holiday", {}, {}, Fate::vanished}, now_ms_);
  look({"holiday/a.jpg", "old/a.jpg"});
  const auto taken = files_.take(10);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].name, "holiday/a.jpg");
  EXPECT_FALSE(taken[0].only_if_known);
  look({"holiday/a.jpg", "holiday/later.jpg", "old/a.jpg"});
  EXPECT_TRUE(files_.take(10).at(0).only_if_known);
}

TEST_F(Settles, AFileIsTakenOnceItIsUntouchedSinceItsClose) {
  heard(Heard::being_written);
  now_ms_ += 500;
  heard(Heard::closed);
  EXPECT_EQ(files_.next_due_ms(), now_ms_ + kSettle);
  EXPECT_TRUE(waits_until(now_ms_ + kSettle));
}

TEST_F(Settles, WhoeverOpensItAgainIsWaitedFor) {
  heard(Heard::closed);
  now_ms_ += kSettle - 100;
  EXPECT_EQ(taken(), Names{});
  heard(Heard::being_written);
  write_more();
  now_ms_ += 10 * kSettle;
  EXPECT_EQ(taken(), Names{});
  heard(Heard::closed);
  EXPECT_TRUE(waits_until(now_ms_ + kSettle));
}

TEST_F(Settles, AFileThatIsWrittenAfterItWasMovedInIsWaitedFor) {
  heard(Heard::moved_in);
  heard(Heard::being_written);
  EXPECT_EQ(files_.take(10).size(), 0U);
  heard(Heard::closed);
  EXPECT_TRUE(waits_until(now_ms_ + kSettle));
}

TEST_F(Settles, WhatIsFoundWaitsTenTimesAndAtLeastAMinute) {
  find_it();
  EXPECT_TRUE(waits_until(begin_ms_ + 60'000));
  files_.change(20'000);
  became(Fate::later);
  now_ms_ = begin_ms_ + 100'000;
  write_more();  // where nobody hears it
  look();
  look();
  EXPECT_TRUE(waits_until(now_ms_ + 200'000));
}

TEST_F(Settles, WhatChangesUnheardWaitsFromThenOn) {
  find_it();
  now_ms_ += 59'000;
  write_more();
  look();
  EXPECT_TRUE(waits_until(now_ms_ + 60'000));
}

TEST_F(Settles, WhatIsFoundAndThenSeenToBeClosedSettlesAsUsual) {
  find_it();
  heard(Heard::closed);
  EXPECT_TRUE(waits_until(now_ms_ + kSettle));
}

TEST_F(Settles, WhoeverDoesNotCloseIsTakenToHaveGoneInTheEnd) {
  heard(Heard::being_written);
  EXPECT_TRUE(waits_until(now_ms_ + 600'000));
}

TEST_F(Settles, AnEmptyFileThatNobodyClosedIsYetToBeWritten) {
  mark_.size_bytes = 0;
  find_it();
  EXPECT_TRUE(waits_until(begin_ms_ + 600'000));
}

TEST_F(Settles, WhereEventsWereLostACloseMayBeAmongThem) {
  heard(Heard::being_written);
  look();
  files_.missed_some();
  EXPECT_TRUE(waits_until(now_ms_ + 60'000));
}

TEST_F(Settles, WhatIsAJobIsNotTakenAgainUntilItChanges) {
  heard(Heard::moved_in);
  (void)files_.take(10);
  became(Fate::submitted);
  now_ms_ += 1'000'000;
  look();
  EXPECT_TRUE(files_.take(10).empty());
  mark_.changed_ns += 1;
  look();
  EXPECT_TRUE(files_.take(10).at(0).only_if_known);
}

TEST_F(Settles, WhatIsHeardWhileItBecomesAJobCounts) {
  heard(Heard::moved_in);
  (void)files_.take(10);
  heard(Heard::being_written);
  became(Fate::submitted);
  heard(Heard::closed);
  write_more();
  EXPECT_TRUE(waits_until(now_ms_ + kSettle));
}

TEST_F(Settles, WhatIsPutOffIsTriedAgainAndWhatIsRefusedIsNotUntilAChange) {
  for (const Fate fate : {Fate::later, Fate::no_room}) {
    heard(Heard::moved_in);
    (void)files_.take(10);
    became(fate);
    EXPECT_TRUE(waits_until(now_ms_ + 5000)) << static_cast<int>(fate);
  }
  became(Fate::refused);
  now_ms_ += 1'000'000;
  EXPECT_EQ(taken(), Names{});
  files_.change(kSettle);
  EXPECT_EQ(taken(), Names{"a.jpg"});
}

TEST_F(Settles, WhatHasGoneIsForgottenUnlessItWasHeardOfMeanwhile) {
  heard(Heard::closed);
  look({});  // begins after that
  files_.begin_look();
  heard(Heard::closed);
  files_.seen({}, now_ms_);
  EXPECT_TRUE(waits_until(now_ms_ + kSettle));
}

}  // namespace
}  // namespace imgq::supervise
