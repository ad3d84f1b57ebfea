#include "src/supervise/submit_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq::supervise {
namespace {

using After = HotFolder::After;
using Fate = SubmittedFile::Fate;
using Names = std::vector<std::string>;

// A hot folder with one file, and where its originals are moved to.
class TakeIn : public lab::SpoolTest {
 protected:
  TakeIn() {
    plan_.hot_folder.directory = scratch_ / "in";
    plan_.hot_folder.move_to = scratch_ / "done";
    plan_.request = "{}";
    plan_.config.limits.max_file_bytes = 1000;
    plan_.config.min_free_bytes = 0;
    for (const std::string& folder : {plan_.hot_folder.directory, plan_.hot_folder.move_to}) {
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
  SubmittedFile take(After after) {
    plan_.hot_folder.after = after;
    return submit_files(spool_, plan_, {"photo.jpg"}).at(0);
  }
  Names inside() const { return lab::names_in(plan_.hot_folder.directory); }
  Names moved() const { return lab::names_in(plan_.hot_folder.move_to); }

  HotFolderPlan plan_;
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
  const SubmittedFile taken = take(After::remove);
  EXPECT_EQ(taken.fate, Fate::submitted);
  EXPECT_EQ(taken.why, "");
}

TEST_F(TakeIn, AnOriginalThatCannotBeMovedStaysAndIsTold) {
  plan_.hot_folder.move_to = scratch_ / "nowhere";
  const SubmittedFile taken = take(After::move);
  EXPECT_EQ(taken.fate, Fate::submitted);
  EXPECT_NE(taken.why.find("nowhere"), std::string::npos) << taken.why;
  EXPECT_EQ(inside(), Names{"photo.jpg"});
}

TEST_F(TakeIn, LeavesTheRoomFreeThatTheSpoolShallKeep) {
  const uint64_t free = lab::must(spool_.room()).free_bytes;
  plan_.config.min_free_bytes = free + (uint64_t{1} << 40);
  const SubmittedFile taken = take(After::remove);
  EXPECT_EQ(taken.fate, Fate::no_room);
  EXPECT_NE(taken.why.find("min_free"), std::string::npos) << taken.why;
  EXPECT_EQ(inside(), Names{"photo.jpg"});
  EXPECT_EQ(lab::names_in(path("tmp")), Names{});
  plan_.config.min_free_bytes = 1;
  EXPECT_EQ(take(After::remove).fate, Fate::submitted);
}

TEST_F(TakeIn, WaitsForRoomOnAFullDiskInsteadOfRefusingTheFile) {
  faults::add({.call = "fsync", .code = ENOSPC});
  EXPECT_EQ(take(After::remove).fate, Fate::no_room);
  EXPECT_EQ(inside(), Names{"photo.jpg"});
}

TEST_F(TakeIn, AFilePutThereAgainIsAJobOfItsOwnThoughItLooksTheSame) {
  const Owner owner = lab::must(Owner::enter(spool_));
  for (const After after : {After::remove, After::move}) {
    lab::write_file(photo(), "first");
    lab::set_mtime(photo(), 1'000'000'000);
    const Fd held(sys::open(photo().c_str(), O_RDONLY));  // nobody gets its inode number meanwhile
    const SubmittedFile first = take(after);
    ASSERT_EQ(waiting().size(), 1U);
    lab::must(owner.fail(claim_one(owner), {"not_an_image", ""}, "{}", Sync::none));
    lab::write_file(photo(), "first");
    lab::set_mtime(photo(), 1'000'000'000);
    const SubmittedFile second = take(after);
    EXPECT_EQ(second.why, "");
    EXPECT_NE(second.job, first.job);
    EXPECT_EQ(waiting().size(), 1U);
    (void)claim_one(owner);
  }
}

TEST_F(TakeIn, AnOriginalThatStayedIsTheSameJobUnlessThatHasFailed) {
  const std::string target = plan_.hot_folder.move_to;
  const Owner owner = lab::must(Owner::enter(spool_));
  plan_.hot_folder.move_to = scratch_ / "nowhere";
  const SubmittedFile first = take(After::move);
  EXPECT_EQ(take(After::move).job, first.job);
  lab::must(owner.fail(claim_one(owner), {"not_an_image", ""}, "{}", Sync::none));
  plan_.hot_folder.move_to = target;
  const SubmittedFile again = take(After::move);
  EXPECT_EQ(again.job, first.job);
  EXPECT_NE(again.why.find("failed"), std::string::npos) << again.why;
  EXPECT_EQ(inside(), Names{"photo.jpg"});
}

TEST_F(TakeIn, AFileThatIsKeptIsKnownByItsJobWithoutBeingCopied) {
  const Owner owner = lab::must(Owner::enter(spool_));
  const SubmittedFile first = take(After::keep);
  (void)complete(owner, claim_one(owner));
  plan_.config.min_free_bytes = lab::must(spool_.room()).free_bytes + (uint64_t{1} << 40);
  const SubmittedFile again = take(After::keep);
  EXPECT_EQ(again.fate, Fate::submitted);
  EXPECT_EQ(again.job, first.job);
}

TEST_F(TakeIn, AFileThatMayNotBeOpenedIsKnownAgainUntilItsRightsChange) {
  faults::add({.call = "openat", .path = "photo.jpg", .code = EACCES});
  const SubmittedFile taken = take(After::remove);
  EXPECT_EQ(taken.fate, Fate::refused);
  const auto mark = [this] { return lab::must(read_hot_folder(plan_, 10)).at(0).mark; };
  EXPECT_EQ(mark(), taken.mark);
  EXPECT_TRUE(lab::eventually([&] {  // the file system's clock ticks a few times in a blink
    return ::chmod(photo().c_str(), 0600) == 0 && mark() != taken.mark;
  }));
}

TEST_F(TakeIn, NothingIsTakenFromAFolderToWhichItsOriginalsWouldComeBack) {
  const std::string target = plan_.hot_folder.move_to;
  plan_.hot_folder.after = After::move;
  plan_.hot_folder.move_to = scratch_ / "link";
  ASSERT_EQ(::symlink(plan_.hot_folder.directory.c_str(), plan_.hot_folder.move_to.c_str()), 0);
  plan_.config.hot_folders = {plan_.hot_folder};
  EXPECT_FALSE(read_hot_folder(plan_, 10));
  EXPECT_EQ(take(After::move).fate, Fate::later);
  HotFolder back = plan_.hot_folder;  // from where it is moved to, by the link
  back.directory = target;
  plan_.hot_folder.move_to = target;
  plan_.config.hot_folders = {plan_.hot_folder, back};
  EXPECT_FALSE(read_hot_folder(plan_, 10));
  EXPECT_EQ(take(After::move).fate, Fate::later);
  EXPECT_EQ(waiting().size(), 0U);
  plan_.config.hot_folders = {plan_.hot_folder};
  EXPECT_EQ(take(After::move).fate, Fate::submitted);
}

}  // namespace
}  // namespace imgq::supervise
