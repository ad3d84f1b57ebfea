#include "src/supervise/submit_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "spool/control.h"
#include "spool/list.h"
#include "spool/placed.h"
#include "src/supervise/finish_file.h"
#include "src/supervise/folder_lock.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq::supervise {
namespace {

using After = HotFolder::After;
using Fate = SubmittedFile::Fate;
using Done = FinishedFile::Fate;
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

  SubmittedFile take(After after) {
    plan_.hot_folder.after = after;
    return submit_files(spool_, plan_, {{"photo.jpg"}}).at(0);
  }
  // The job of an earlier start, if it is one.
  SubmittedFile recognise() { return submit_files(spool_, plan_, {{"photo.jpg", true}}).at(0); }

  FinishedFile finish(const SubmittedFile& file) {
    return finish_files(spool_, plan_, {{*file.job, file.name, file.original}}).at(0);
  }
  void complete_all() {
    for (const Claim& claim : claim_all(owner_).taken) (void)complete(owner_, claim);
  }
  void fail_one() {
    lab::must(owner_.fail(claim_one(owner_), {"not_an_image", ""}, "{}", Sync::none));
  }
  FinishedFile all_the_way(After after) {
    const SubmittedFile taken = take(after);
    complete_all();
    return finish(taken);
  }
  static int killed_after(int calls, const std::function<void()>& body) {
    return lab::in_child([&] {
      faults::clear();
      faults::add({.call = "", .skip = calls, .run = [] { ::_exit(42); }});
      body();
    });
  }
  // Of this spool, in whatever state.
  size_t jobs() const {
    const auto counts = lab::must(count(spool_));
    return static_cast<size_t>(std::accumulate(counts.jobs.begin(), counts.jobs.end(), int64_t{0}));
  }
  Names inside() const { return lab::names_in(plan_.hot_folder.directory); }
  Names moved() const { return lab::names_in(plan_.hot_folder.move_to); }

  HotFolderPlan plan_;
  Owner owner_ = lab::must(Owner::enter(spool_));
};

TEST_F(TakeIn, TheOriginalStaysUntilTheJobHasCompleted) {
  for (const After after : {After::move, After::remove}) {
    lab::write_file(photo(), after == After::move ? "first" : "second");
    const SubmittedFile taken = take(after);
    EXPECT_TRUE(taken.awaited);
    EXPECT_EQ(finish(taken).fate, Done::waiting);
    EXPECT_EQ(inside(), Names{"photo.jpg"});
    complete_all();
    EXPECT_EQ(finish(taken).fate, Done::done);
    EXPECT_EQ(inside(), Names{});
    EXPECT_TRUE(lab::must(is_placed(spool_, *taken.job)));
  }
  EXPECT_EQ(moved(), Names{"photo.jpg"});
  EXPECT_FALSE(take(After::keep).awaited);
}

TEST_F(TakeIn, TheOriginalOfAJobThatFailedStaysUntilThatIsTriedAgain) {
  const SubmittedFile taken = take(After::remove);
  fail_one();
  const FinishedFile failed = finish(taken);
  EXPECT_EQ(failed.fate, Done::ended_badly);
  EXPECT_EQ(failed.why, "its job is failed");
  EXPECT_EQ(inside(), Names{"photo.jpg"});
  lab::must(retry(spool_, *taken.job));
  complete_all();
  EXPECT_EQ(finish(taken).fate, Done::done);
  EXPECT_EQ(inside(), Names{});
}

TEST_F(TakeIn, AJobThatIsGoneIsNotAwaitedAnyMore) {
  const SubmittedFile taken = take(After::remove);
  complete_all();
  lab::must(purge(spool_, *taken.job));
  EXPECT_EQ(finish(taken).fate, Done::forgotten);
  EXPECT_EQ(inside(), Names{"photo.jpg"});
}

// The two halves of a file whose writer was slow are a job each; both halves stay together.
TEST_F(TakeIn, WhatIsNoLongerTheFileThatWasSubmittedStays) {
  for (const After after : {After::move, After::remove}) {
    lab::write_file(photo(), "first");
    lab::set_mtime(photo(), 1'000'000'000);
    const SubmittedFile taken = take(after);
    complete_all();
    lab::write_file(photo(), "first and second");
    const FinishedFile finished = finish(taken);
    EXPECT_EQ(finished.fate, Done::done);
    EXPECT_NE(finished.why, "");
    EXPECT_EQ(lab::read_file(photo()), "first and second");
    lab::write_file(photo(), "FIRST");
    lab::set_mtime(photo(), 1'000'000'001);
    EXPECT_NE(finish(taken).why, "");
    lab::set_mtime(photo(), 1'000'000'000);
    EXPECT_EQ(finish(taken).why, "");
    EXPECT_EQ(inside(), Names{});
  }
}

TEST_F(TakeIn, OtherRightsMakeNoOtherFileOfIt) {
  const SubmittedFile taken = take(After::remove);
  ASSERT_TRUE(lab::eventually([&] {  // the file system's clock ticks a few times in a blink
    return ::chmod(photo().c_str(), 0600) == 0 &&
           lab::must(read_hot_folder(plan_, 10)).files.at(0).mark != taken.mark;
  }));
  EXPECT_EQ(take(After::remove).job, taken.job);
  EXPECT_EQ(waiting().size(), 1U);
  complete_all();
  EXPECT_EQ(finish(taken).why, "");
  EXPECT_EQ(inside(), Names{});
}

TEST_F(TakeIn, AFileThatTookTheNameMeanwhileIsNeitherMovedNorRemovedInItsPlace) {
  for (const After after : {After::move, After::remove}) {
    const SubmittedFile taken = take(after);
    complete_all();
    // After the first look, and before the second, under the name where nobody replaces it.
    const std::string folder = scratch_ / (after == After::move ? "done" : "in");
    faults::add({.call = "fstatat", .path = ".imgq-", .run = [&folder] {
                   const Names names = lab::names_in(folder);
                   ASSERT_EQ(names.size(), 1U);
                   lab::write_file(folder + "/" + names.at(0), "second, and longer");
                 }});
    EXPECT_NE(finish(taken).why, "");
    EXPECT_EQ(lab::read_file(photo()), "second, and longer");
    EXPECT_EQ(inside(), Names{"photo.jpg"});
    EXPECT_EQ(moved(), Names{});
    faults::clear();
    EXPECT_NE(take(after).job, taken.job);
    complete_all();
    lab::write_file(photo(), "first");
  }
}

TEST_F(TakeIn, AnOriginalThatSomebodyRemovedMeanwhileIsNoTrouble) {
  const SubmittedFile taken = take(After::remove);
  EXPECT_EQ(std::remove(photo().c_str()), 0);
  complete_all();
  EXPECT_EQ(finish(taken).fate, Done::done);
}

TEST_F(TakeIn, AnOriginalThatCannotBeMovedStaysAndIsTold) {
  plan_.hot_folder.move_to = scratch_ / "nowhere";
  const SubmittedFile taken = take(After::move);
  complete_all();
  const FinishedFile finished = finish(taken);
  EXPECT_EQ(finished.fate, Done::later);
  EXPECT_NE(finished.why.find("nowhere"), std::string::npos) << finished.why;
  EXPECT_EQ(inside(), Names{"photo.jpg"});
  plan_.hot_folder.move_to = scratch_ / "done";
  EXPECT_EQ(finish(taken).fate, Done::done);
  EXPECT_EQ(moved(), Names{"photo.jpg"});
}

// Killed before each system call, the next knows the file again: one job, the file in one place.
TEST_F(TakeIn, ASubmissionThatIsKilledAnywhereIsCarriedThroughByTheNext) {
  plan_.hot_folder.after = After::remove;
  for (int skip = 0;; ++skip) {
    lab::write_file(photo(), "a photograph " + std::to_string(skip));
    const size_t jobs_before = jobs();
    const int end = killed_after(skip, [this] { (void)take(After::remove); });
    SubmittedFile again = recognise();
    if (again.fate == Fate::new_to_us) again = take(After::remove);
    ASSERT_EQ(again.fate, Fate::submitted) << skip << again.why;
    complete_all();
    EXPECT_EQ(finish(again).fate, Done::done) << skip;
    EXPECT_EQ(jobs(), jobs_before + 1) << skip;
    EXPECT_EQ(inside(), Names{}) << skip;
    if (end == 0) break;
    ASSERT_EQ(end, 42);
  }
}

TEST_F(TakeIn, WhatIsDoneForACompletedJobIsCarriedThroughByTheNextWhereverItIsKilled) {
  for (const After after : {After::remove, After::move}) {
    for (int skip = 0;; ++skip) {
      lab::write_file(photo(), "a photograph " + std::to_string(skip));
      const SubmittedFile taken = take(after);
      complete_all();
      const size_t jobs_before = jobs();
      const size_t moved_before = moved().size();
      const int end = killed_after(skip, [&] { (void)finish(taken); });
      EXPECT_TRUE(put_back_originals(spool_, plan_));
      const SubmittedFile again = recognise();
      if (again.fate != Fate::vanished) {
        ASSERT_EQ(again.job, taken.job) << skip << again.why;
        EXPECT_EQ(finish(again).fate, Done::done) << skip;
      }
      EXPECT_EQ(jobs(), jobs_before) << skip;
      EXPECT_EQ(inside(), Names{}) << skip;
      EXPECT_EQ(moved().size(), moved_before + (after == After::move ? 1 : 0)) << skip;
      if (end == 0) break;
      ASSERT_EQ(end, 42);
    }
  }
}

TEST_F(TakeIn, AnOriginalThatIsPutThereAgainOnceItWasMovedIsAnotherJob) {
  const SubmittedFile first = take(After::move);
  complete_all();
  EXPECT_EQ(finish(first).fate, Done::done);
  ASSERT_EQ(std::rename((scratch_ / "done/photo.jpg").c_str(), photo().c_str()), 0);
  EXPECT_EQ(recognise().fate, Fate::new_to_us);
  const SubmittedFile again = take(After::move);
  EXPECT_NE(again.job, first.job);
  EXPECT_EQ(recognise().job, again.job);
  complete_all();
  EXPECT_EQ(finish(again).fate, Done::done);
  EXPECT_EQ(moved(), Names{"photo.jpg"});
}

TEST_F(TakeIn, HundredsOfOneNameAreKeptWithTheirExtension) {
  constexpr int kMany = 300;
  for (int i = 1; i <= kMany; ++i) {
    lab::write_file(scratch_ / "one", std::to_string(i));
    const Fd from = lab::must(open_folder(scratch_.path()));
    const Fd to = lab::must(open_folder(plan_.hot_folder.move_to));
    ASSERT_TRUE(rename_unless_taken(from.get(), "one", to.get(), "photo.jpg")) << i;
  }
  std::set<std::string> contents;
  for (int i = 1; i <= kMany; ++i) {
    contents.insert(lab::read_file(scratch_ / ("done/" + numbered("photo.jpg", i))));
  }
  EXPECT_EQ(contents.size(), static_cast<size_t>(kMany));
  EXPECT_EQ(numbered("photo.jpg", 7), "photo-7.jpg");
  EXPECT_EQ(numbered("photo", 2), "photo-2");
  EXPECT_EQ(numbered(".photo", 2), ".photo-2");
  EXPECT_EQ(numbered(std::string(251, 'x') + ".jpg", 10), std::string(248, 'x') + "-10.jpg");
}

TEST_F(TakeIn, LeavesTheRoomFreeThatTheSpoolShallKeep) {
  const uint64_t free = lab::must(spool_.room()).free_bytes;
  plan_.config.min_free_bytes = free + (uint64_t{1} << 40);
  const SubmittedFile taken = take(After::remove);
  EXPECT_EQ(taken.fate, Fate::no_room);
  EXPECT_NE(taken.why.find("min_free"), std::string::npos) << taken.why;
  EXPECT_EQ(inside(), Names{"photo.jpg"});
  EXPECT_EQ(temps(), Names{});
  plan_.config.min_free_bytes = 1;
  EXPECT_EQ(take(After::remove).fate, Fate::submitted);
}

TEST_F(TakeIn, WaitsForRoomOnAFullDiskInsteadOfRefusingTheFile) {
  faults::add({.call = "fsync", .code = ENOSPC});
  EXPECT_EQ(take(After::remove).fate, Fate::no_room);
  EXPECT_EQ(inside(), Names{"photo.jpg"});
}

TEST_F(TakeIn, AFilePutThereAgainIsAJobOfItsOwnThoughItLooksTheSame) {
  for (const After after : {After::remove, After::move}) {
    lab::write_file(photo(), "first");
    lab::set_mtime(photo(), 1'000'000'000);
    const Fd held(sys::open(photo().c_str(), O_RDONLY));  // nobody gets its inode number meanwhile
    const SubmittedFile first = take(after);
    complete_all();
    EXPECT_EQ(finish(first).fate, Done::done);
    lab::write_file(photo(), "first");
    lab::set_mtime(photo(), 1'000'000'000);
    EXPECT_NE(take(after).job, first.job);
    EXPECT_EQ(waiting().size(), 1U);
    complete_all();
  }
}

TEST_F(TakeIn, AnOriginalThatStayedIsTheSameJobAlsoWhenThatHasFailed) {
  const SubmittedFile first = take(After::move);
  EXPECT_EQ(take(After::move).job, first.job);
  fail_one();
  const SubmittedFile again = take(After::move);
  EXPECT_EQ(again.job, first.job);
  EXPECT_TRUE(again.known);
  EXPECT_EQ(waiting().size(), 0U);
}

TEST_F(TakeIn, AFileThatIsKeptIsKnownByItsJobWithoutBeingCopied) {
  const SubmittedFile first = take(After::keep);
  complete_all();
  plan_.config.min_free_bytes = lab::must(spool_.room()).free_bytes + (uint64_t{1} << 40);
  const SubmittedFile again = take(After::keep);
  EXPECT_EQ(again.fate, Fate::submitted);
  EXPECT_EQ(again.job, first.job);
}

// A folder whose results go to a place of their own.
class PutsResults : public TakeIn {
 protected:
  PutsResults() {
    plan_.hot_folder.results = scratch_ / "results";
    EXPECT_EQ(::mkdir(plan_.hot_folder.results.c_str(), 0700), 0);
  }
  Names results() const { return lab::names_in(plan_.hot_folder.results); }
  std::string content(const std::string& name) const {
    return lab::read_file(plan_.hot_folder.results + "/" + name);
  }
  SubmittedFile complete_with(After after, const std::string& bytes) {
    const SubmittedFile taken = take(after);
    EXPECT_TRUE(taken.awaited);
    (void)complete(owner_, claim_one(owner_), bytes);
    return taken;
  }
};

TEST_F(PutsResults, UnderTheNamesOfGetBeforeTheOriginalGoes) {
  const mode_t before = ::umask(027);
  const SubmittedFile taken = complete_with(After::remove, "small");
  EXPECT_EQ(finish(taken).fate, Done::done);
  ::umask(before);
  EXPECT_EQ(results(), Names{"photo.jpg"});
  EXPECT_EQ(content("photo.jpg"), "small");
  struct stat about{};
  ASSERT_EQ(::stat((plan_.hot_folder.results + "/photo.jpg").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0640U);
  EXPECT_EQ(inside(), Names{});
}

TEST_F(PutsResults, AnotherContentOfTheNameIsKeptAndTheSameIsThereAlready) {
  for (const char* bytes : {"one", "two", "one", "three"}) {
    lab::write_file(photo(), bytes);
    EXPECT_EQ(finish(complete_with(After::remove, bytes)).fate, Done::done);
  }
  EXPECT_EQ(results(), (Names{"photo-2.jpg", "photo-3.jpg", "photo.jpg"}));
  EXPECT_EQ(content("photo.jpg"), "one");
  EXPECT_EQ(content("photo-2.jpg"), "two");
  EXPECT_EQ(content("photo-3.jpg"), "three");
}

TEST_F(PutsResults, AsLongAsThatFailsTheOriginalStaysAndItIsTriedAgain) {
  const std::string place = plan_.hot_folder.results;
  const SubmittedFile taken = complete_with(After::remove, "small");
  plan_.hot_folder.results = scratch_ / "nowhere";
  const FinishedFile failed = finish(taken);
  EXPECT_EQ(failed.fate, Done::later);
  EXPECT_NE(failed.why.find("nowhere"), std::string::npos) << failed.why;
  EXPECT_EQ(inside(), Names{"photo.jpg"});
  plan_.hot_folder.results = place;
  for (int skip = 0; skip < 12; ++skip) {
    faults::add({.call = "openat", .code = skip % 2 == 0 ? EOPNOTSUPP : ENOSPC, .skip = skip});
    (void)finish(taken);
    faults::clear();
    if (results().empty()) {
      EXPECT_EQ(inside(), Names{"photo.jpg"}) << skip;
    }
  }
  EXPECT_EQ(finish(taken).fate, Done::done);
  EXPECT_EQ(results(), Names{"photo.jpg"});
  EXPECT_EQ(content("photo.jpg"), "small");
}

TEST_F(PutsResults, OnceThoughItIsKilledAnywhere) {
  for (const After after : {After::keep, After::move}) {
    for (int skip = 0;; ++skip) {
      const std::string bytes = "a photograph " + std::to_string(skip);
      lab::write_file(photo(), bytes);
      lab::write_file(plan_.hot_folder.results + "/photo.jpg", "another");
      const SubmittedFile taken = complete_with(after, bytes);
      const int end = killed_after(skip, [&] { (void)finish(taken); });
      EXPECT_TRUE(put_back_originals(spool_, plan_));
      const SubmittedFile again = recognise();
      if (again.awaited) {
        EXPECT_EQ(finish(again).fate, Done::done) << skip;
      }
      EXPECT_EQ(results(), (Names{"photo-2.jpg", "photo.jpg"})) << skip;
      EXPECT_EQ(std::remove((plan_.hot_folder.results + "/photo-2.jpg").c_str()), 0) << skip;
      if (end == 0) break;
      ASSERT_EQ(end, 42);
    }
  }
}

TEST_F(PutsResults, OfAFileThatIsKeptOnlyOnce) {
  const SubmittedFile taken = complete_with(After::keep, "small");
  EXPECT_TRUE(recognise().awaited);
  EXPECT_EQ(finish(taken).fate, Done::done);
  EXPECT_EQ(std::remove((plan_.hot_folder.results + "/photo.jpg").c_str()), 0);
  EXPECT_FALSE(recognise().awaited);  // whoever took it away has it
}

TEST_F(PutsResults, KeepingTheFoldersOfWhatIsInSubfolders) {
  plan_.hot_folder.subfolders = true;
  plan_.hot_folder.after = After::move;
  std::filesystem::create_directories(scratch_ / "in/holiday/sea");
  ASSERT_EQ(std::rename(photo().c_str(), (scratch_ / "in/holiday/sea/photo.jpg").c_str()), 0);
  const auto found = lab::must(read_hot_folder(plan_, 10)).files;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "holiday/sea/photo.jpg");
  const SubmittedFile taken = submit_files(spool_, plan_, {{found[0].name}}).at(0);
  ASSERT_EQ(taken.fate, Fate::submitted) << taken.why;
  complete_all();
  EXPECT_EQ(finish(taken).why, "");
  EXPECT_EQ(lab::names_in(scratch_ / "results/holiday/sea"), Names{"photo.jpg"});
  EXPECT_EQ(lab::names_in(scratch_ / "done/holiday/sea"), Names{"photo.jpg"});
  EXPECT_EQ(lab::names_in(scratch_ / "in/holiday/sea"), Names{});
}

// Somebody who may write to the folder puts a link in the place of a subfolder.
TEST_F(TakeIn, NoLinkLeadsOutOfTheFolder) {
  plan_.hot_folder.subfolders = true;
  ASSERT_EQ(::mkdir((scratch_ / "secret").c_str(), 0700), 0);
  lab::write_file(scratch_ / "secret/photo.jpg", "secret");
  ASSERT_EQ(::symlink((scratch_ / "secret").c_str(), (scratch_ / "in/holiday").c_str()), 0);
  EXPECT_EQ(submit_files(spool_, plan_, {{"holiday/photo.jpg"}}).at(0).fate, Fate::vanished);
  const auto found = lab::must(read_hot_folder(plan_, 10));
  EXPECT_EQ(found.files.size(), 1U);
  ASSERT_EQ(found.left_out.size(), 1U);
  EXPECT_EQ(found.left_out[0].why, "it is a symbolic link");
}

TEST_F(TakeIn, WhatIsNotTakenIsNamedWithItsCause) {
  for (const char* name : {"a.JPG.1a2b.Partial", "b.OPDOWNLOAD", "c.jpg~", ".hidden", ".imgq-x"}) {
    lab::write_file(scratch_ / (std::string("in/") + name), "x");
  }
  for (const char* name : {"holiday", "@eaDir", "#recycle"}) {
    ASSERT_EQ(::mkdir((scratch_ / (std::string("in/") + name)).c_str(), 0700), 0);
  }
  ASSERT_EQ(::mkfifo((scratch_ / "in/pipe").c_str(), 0600), 0);
  const auto why = [this] {
    std::map<std::string, std::string> causes;
    for (const LeftOut& one : lab::must(read_hot_folder(plan_, 10)).left_out) {
      causes[one.name] = one.why + (one.may_change ? " (yet)" : "");
    }
    return causes;
  };
  const std::map<std::string, std::string> expected = {
      {".hidden", "its name begins with a dot (yet)"},
      {"a.JPG.1a2b.Partial", "its name is that of an unfinished file: *.partial (yet)"},
      {"b.OPDOWNLOAD", "its name is that of an unfinished file: *.opdownload (yet)"},
      {"c.jpg~", "its name is that of an unfinished file: *~ (yet)"},
      {"holiday", "it is a folder: subfolders = true takes what is in it"},
      {"pipe", "it is no regular file"}};
  EXPECT_EQ(why(), expected);
  plan_.hot_folder.unfinished = {"photo*"};
  EXPECT_EQ(why().count("c.jpg~"), 0U);
  EXPECT_EQ(why().at("photo.jpg"), "its name is that of an unfinished file: photo* (yet)");
}

TEST_F(TakeIn, WhereOriginalsAndResultsGoIsNotReadThoughItLiesBelow) {
  plan_.hot_folder.subfolders = true;
  plan_.hot_folder.move_to = scratch_ / "in/done";
  ASSERT_EQ(::mkdir(plan_.hot_folder.move_to.c_str(), 0700), 0);
  lab::write_file(scratch_ / "in/done/old.jpg", "old");
  EXPECT_EQ(lab::must(read_hot_folder(plan_, 10)).files.size(), 1U);
}

TEST_F(TakeIn, OneAtATimeServesAFolderWhateverLinksLeadThere) {
  FolderLock mine, others;
  const auto take = [](FolderLock& lock, const std::string& path) {
    return lock.take(lab::must(open_folder(path)));
  };
  EXPECT_EQ(take(mine, scratch_ / "in"), FolderLock::Held::yes);
  EXPECT_EQ(take(mine, scratch_ / "in"), FolderLock::Held::yes);
  ASSERT_EQ(::symlink("in", (scratch_ / "link").c_str()), 0);
  EXPECT_EQ(take(others, scratch_ / "link"), FolderLock::Held::by_another);
  EXPECT_EQ(take(mine, scratch_ / "done"), FolderLock::Held::yes);  // the path leads there now
  EXPECT_EQ(take(others, scratch_ / "in"), FolderLock::Held::yes);
  others.release();
  EXPECT_EQ(take(mine, scratch_ / "in"), FolderLock::Held::yes);
  faults::add({.call = "flock", .code = ENOLCK});
  EXPECT_EQ(take(others, scratch_ / "in"), FolderLock::Held::yes);  // as if it were alone
}

TEST_F(TakeIn, AFileThatMayNotBeOpenedIsKnownAgainUntilItsRightsChange) {
  faults::add({.call = "openat", .path = "photo.jpg", .code = EACCES});
  const SubmittedFile taken = take(After::remove);
  EXPECT_EQ(taken.fate, Fate::refused);
  const auto mark = [this] { return lab::must(read_hot_folder(plan_, 10)).files.at(0).mark; };
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
