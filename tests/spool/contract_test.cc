// What hosts that share a file system lean on: each clause, kept and broken.
#include "spool/contract.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "spool/layout.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::must;
using Verdict = Clause::Verdict;

constexpr ContractSize kFew = {5, 2, 2};

class Contract : public lab::SpoolTest {
 protected:
  Contract() : other_(must(Spool::open(spool_.path()))) {}
  ~Contract() override {
    faults::clear();
    const bool clean = temps().empty();
    EXPECT_TRUE(clean || names_were_withheld_);
  }

  // The clauses by their words.
  std::map<std::string, Clause> tried() {
    std::map<std::string, Clause> all;
    const auto done =
        try_contract(spool_, other_, kFew, [&all](const Clause& one) { all[one.what] = one; });
    EXPECT_TRUE(done) << done.error().text();
    return all;
  }

  // The one clause that is broken; the others are not.
  std::string broken() {
    faults::add({.call = "sleep", .code = EINTR, .times = -1});
    std::string found;
    for (const auto& [what, clause] : tried()) {
      if (clause.verdict == Verdict::broken) found += what + ": " + clause.found + "\n";
    }
    return found;
  }

  // The path of a file in the folder that the clauses are tried in.
  std::string in_ground(const std::string& name) const {
    auto grounds = lab::names_in(path("tmp"));
    std::erase_if(grounds, layout::is_writer_lock);
    return grounds.size() == 1 ? path("tmp/" + grounds[0] + "/" + name) : "";
  }
  void make_again(const std::string& name) const {
    if (!lab::is_there(in_ground(name))) lab::write_file(in_ground(name), "again");
  }

  // As if the first one's rename had not been: for the second of two racers.
  void make_once_gone(const std::string& name) const {
    EXPECT_TRUE(lab::eventually([&] { return !lab::is_there(in_ground(name)); }));
    make_again(name);
  }

  Spool other_;
  bool names_were_withheld_ = false;  // then what cannot be seen cannot be removed
};

TEST_F(Contract, IsKeptByALocalFolder) {
  const auto all = tried();
  EXPECT_EQ(all.size(), 15U);
  for (const auto& [what, clause] : all) {
    EXPECT_NE(clause.verdict, Verdict::broken) << what << ": " << clause.found;
    EXPECT_FALSE(clause.found.empty()) << what;
  }
}

TEST_F(Contract, TwoFoldersAreNoMountsOfOne) {
  const auto stranger = must(Spool::create(scratch_ / "stranger"));
  faults::add({.call = "sleep", .code = EINTR, .times = -1});
  const auto done = try_contract(spool_, stranger, kFew, [](const Clause&) { FAIL(); });
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("these are two folders, not one"), std::string::npos)
      << done.error().text();
}

TEST_F(Contract, ARenameThatTwoAreToldToHaveDoneIsABrokenOne) {
  faults::add(
      {.call = "renameat", .path = "/own3 ", .skip = 1, .run = [this] { make_once_gone("own3"); }});
  EXPECT_EQ(broken(),
            "rename to a name of one's own, by two at once: both moved one file, 1 of 5\n");
}

TEST_F(Contract, ARenameThatNobodyMayDoIsABrokenOne) {
  faults::add({.call = "renameat", .path = "own", .code = EIO, .times = -1});
  EXPECT_EQ(broken(),
            "rename to a name of one's own, by two at once: the file was gone, or could not be "
            "moved, 5 of 5\n");
}

TEST_F(Contract, ACommonNameThatTwoGotIsWorthANote) {
  faults::add({.call = "renameat", .path = "/common3 ", .skip = 1, .run = [this] {
                 make_once_gone("common3");
               }});
  const Clause clause = tried()["rename of one file to one name, by two at once"];
  EXPECT_EQ(clause.verdict, Verdict::note);
  EXPECT_NE(clause.found.find("1 of 5"), std::string::npos) << clause.found;
}

TEST_F(Contract, ALinkThatReplacesIsABrokenOne) {
  faults::add({.call = "linkat", .path = "/link2", .skip = 1, .run = [this] {
                 EXPECT_TRUE(lab::eventually([&] { return lab::is_there(in_ground("link2")); }));
                 std::filesystem::remove(in_ground("link2"));
               }});
  EXPECT_EQ(broken(),
            "hard link to one name, by two at once: both gave it to a file of theirs, 1 of 5\n");
}

TEST_F(Contract, LocksThatKeepNobodyOutAreBrokenOnes) {
  faults::add({.call = "openat", .path = "/lock", .skip = 1, .run = [this] {
                 std::filesystem::remove(in_ground("lock"));
                 make_again("lock");  // another file: its lock is free
               }});
  faults::add({.call = "openat", .path = "/dead", .skip = 1, .run = [this] {
                 std::filesystem::remove(in_ground("dead"));
                 make_again("dead");
               }});
  EXPECT_EQ(broken(),
            "flock keeps the other mount out: two hold one lock\n"
            "flock of a process that is killed: it kept nobody out while it lived\n");
}

TEST_F(Contract, LocksThatAreNotToBeHadAreBrokenOnes) {
  faults::add({.call = "flock", .path = "lock", .code = ENOLCK, .times = -1});
  faults::add({.call = "flock", .path = "dead", .code = ENOLCK, .times = -1});
  EXPECT_EQ(broken(),
            "flock keeps the other mount out: no lock to be had: No locks available\n"
            "flock of a process that is killed: no lock to be had\n");
}

TEST_F(Contract, LocksThatAreNeverFreeAgainAreBrokenOnes) {
  faults::add({.call = "flock", .path = "lock", .code = EWOULDBLOCK, .skip = 3, .times = -1});
  faults::add({.call = "flock", .path = "dead", .code = EWOULDBLOCK, .skip = 1, .times = -1});
  EXPECT_EQ(broken(),
            "flock keeps the other mount out: one that was given back cannot be taken\n"
            "flock of a process that is killed: still locked after 90 s\n");
}

TEST_F(Contract, NamesThatAreNeverSeenAreBroken) {
  names_were_withheld_ = true;
  faults::add({.call = "listed", .path = "seen", .code = ENOENT, .times = -1});
  faults::add({.call = "fstatat", .path = "asked", .code = ENOENT, .times = -1});
  faults::add(
      {.call = "fstatat", .path = "seen", .times = -1, .run = [this] { make_again("seen0"); }});
  EXPECT_EQ(broken(),
            "a new name is listed by the other mount: not within 10 s\n"
            "a new name that was looked for before is found there: not within 10 s\n"
            "a removed name is gone there: not within 10 s\n");
}

TEST_F(Contract, AFileThatStaysShortIsBroken) {
  faults::add({.call = "pread", .path = "seen", .code = EIO, .times = -1});
  EXPECT_EQ(broken(), "a file with a new name is whole there: not within 10 s\n");
}

TEST_F(Contract, NamesThatAreSeenLateAreWorthANote) {
  faults::add({.call = "sleep", .code = EINTR, .times = -1});
  faults::add({.call = "listed", .path = "seen0", .code = ENOENT, .times = 90});  // of 50 ms each
  const Clause clause = tried()["a new name is listed by the other mount"];
  EXPECT_EQ(clause.verdict, Verdict::note);
  EXPECT_NE(clause.found.find("late"), std::string::npos) << clause.found;
}

TEST_F(Contract, ATouchThatChangesNothingIsABrokenOne) {
  faults::add({.call = "futimens_now", .code = EPERM, .times = -1});
  EXPECT_EQ(broken(),
            "a touch of a file changes its time, for the other mount too: not within 2 s: the "
            "living would look dead\n");
}

TEST_F(Contract, ASyncThatIsRefusedIsABrokenOne) {
  const std::string what = "fsync of a file and of a folder, and syncfs: ";
  faults::add({.call = "fsync", .path = "synced", .code = EIO, .times = -1});
  EXPECT_EQ(broken(), what + "of a file: Input/output error\n");
  faults::clear();
  faults::add({.call = "fsync", .path = "tmp/", .code = EINVAL, .skip = 1, .times = -1});
  EXPECT_EQ(broken(), what + "of a folder: Invalid argument\n");
  faults::clear();
  faults::add({.call = "syncfs", .code = EIO, .times = -1});
  EXPECT_EQ(broken(), what + "syncfs: Input/output error\n");
  faults::clear();
  faults::add({.call = "syncfs", .code = EOPNOTSUPP, .times = -1});
  EXPECT_EQ(broken(), "");
}

TEST_F(Contract, AFileThatGoesStaleIsWorthANote) {
  faults::add({.call = "pread", .path = "held", .code = ESTALE, .times = -1});
  const Clause clause = tried()["a file that the other mount removes while it is open"];
  EXPECT_EQ(clause.verdict, Verdict::note);
  EXPECT_NE(clause.found.find("Stale file handle"), std::string::npos) << clause.found;
}

TEST_F(Contract, AFolderOfWhichAnotherIsRememberedForEverIsBroken) {
  faults::add({.call = "openat", .path = "anew/file", .code = ENOENT, .times = -1});
  EXPECT_EQ(broken(),
            "a folder that was removed and made anew can be used by the other mount: not within "
            "3 s: No such file or directory\n");
}

TEST_F(Contract, AFolderThatThreeMadeAndOneCannotUseIsBroken) {
  faults::add({.call = "openat", .path = "folder1/2", .code = EIO, .times = -1});
  EXPECT_EQ(broken(),
            "a folder that three make at once, under the lock that imgq takes: 1 of 2 cannot be "
            "used by all: a file in it: Input/output error\n");
}

TEST_F(Contract, AFolderOfThreeOfWhichNotAllIsSeenIsBroken) {
  names_were_withheld_ = true;
  faults::add({.call = "listed", .path = "folder0/1", .code = ENOENT, .times = -1});
  EXPECT_EQ(broken(),
            "a folder that three make at once, under the lock that imgq takes: 1 of 2 cannot be "
            "used by all: of three files in it are seen 2\n");
}

TEST_F(Contract, ClocksThatAreApartAreWorthANote) {
  faults::step_clock(600);
  const Clause clause = tried()["the file system's clock and this host's"];
  EXPECT_EQ(clause.verdict, Verdict::note);
  EXPECT_EQ(clause.found.substr(0, 1), "6") << clause.found;  // 600 s, in ms
}

}  // namespace
}  // namespace imgq
