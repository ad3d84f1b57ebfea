#include "src/supervise/take_in.h"

#include <sys/stat.h>

#include <cstdio>

#include "tests/spool/lab.h"

namespace imgq::supervise {
namespace {

using After = Intake::After;
using Fate = TakenIn::Fate;
using Names = std::vector<std::string>;

// A hot folder with one file, and where its originals are moved to.
class TakeIn : public lab::SpoolTest {
 protected:
  TakeIn() {
    plan_.intake.directory = scratch_ / "in";
    plan_.intake.move_to = scratch_ / "done";
    plan_.request = "{}";
    plan_.max_file_bytes = 1000;
    for (const std::string& folder : {plan_.intake.directory, plan_.intake.move_to}) {
      EXPECT_EQ(::mkdir(folder.c_str(), 0700), 0);
    }
    lab::write_file(photo(), "first");
  }
  std::string photo() const { return scratch_ / "in/photo.jpg"; }

  // While the first is becoming a job, another file takes its name.
  void replace_meanwhile() const {
    faults::add({.call = "fsync", .run = [this] {
                   lab::write_file(scratch_ / "second", "second, and longer");
                   EXPECT_EQ(std::rename((scratch_ / "second").c_str(), photo().c_str()), 0);
                 }});
  }
  TakenIn take(After after) {
    plan_.intake.after = after;
    return take_in(spool_, plan_, {"photo.jpg"}).at(0);
  }
  Names inside() const { return lab::names_in(plan_.intake.directory); }
  Names moved() const { return lab::names_in(plan_.intake.move_to); }

  IntakePlan plan_;
};

TEST_F(TakeIn, RemovesTheOriginalOnceItIsAJob) {
  EXPECT_EQ(take(After::remove).fate, Fate::submitted);
  EXPECT_EQ(inside(), Names{});
  EXPECT_EQ(waiting().size(), 1U);
}

TEST_F(TakeIn, AFileThatTookTheNameMeanwhileIsNotRemovedInItsPlace) {
  replace_meanwhile();
  EXPECT_EQ(take(After::remove).fate, Fate::submitted);
  EXPECT_EQ(inside(), Names{"photo.jpg"});
  EXPECT_EQ(lab::read_file(photo()), "second, and longer");
  EXPECT_EQ(take(After::remove).fate, Fate::submitted);
  EXPECT_EQ(waiting().size(), 2U);
}

TEST_F(TakeIn, AFileThatTookTheNameMeanwhileIsNotMovedInItsPlace) {
  replace_meanwhile();
  EXPECT_EQ(take(After::move).fate, Fate::submitted);
  EXPECT_EQ(lab::read_file(photo()), "second, and longer");
  EXPECT_EQ(moved(), Names{});
  EXPECT_EQ(take(After::move).why, "");
  EXPECT_EQ(moved(), Names{"photo.jpg"});
  EXPECT_EQ(waiting().size(), 2U);
}

TEST_F(TakeIn, AnOriginalThatSomebodyRemovedMeanwhileIsNoTrouble) {
  faults::add({.call = "fsync", .run = [this] { EXPECT_EQ(std::remove(photo().c_str()), 0); }});
  const TakenIn taken = take(After::remove);
  EXPECT_EQ(taken.fate, Fate::submitted);
  EXPECT_EQ(taken.why, "");
}

TEST_F(TakeIn, AnOriginalThatCannotBeMovedStaysAndIsTold) {
  plan_.intake.move_to = scratch_ / "nowhere";
  const TakenIn taken = take(After::move);
  EXPECT_EQ(taken.fate, Fate::submitted);
  EXPECT_NE(taken.why.find("nowhere"), std::string::npos) << taken.why;
  EXPECT_EQ(inside(), Names{"photo.jpg"});
}

}  // namespace
}  // namespace imgq::supervise
