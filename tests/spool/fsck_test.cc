// Each finding of fsck: told, and mended where it can be.
#include "spool/fsck.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <sstream>

#include "spool/internal/keys.h"
#include "spool/internal/locate.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/probe.h"
#include "spool/query.h"
#include "spool/submit.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/digest.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;
using Kind = Finding::Kind;

class Fsck : public lab::SpoolTest {
 protected:
  Owner owner_ = must(Owner::enter(spool_));

  FsckReport look() { return must(fsck(spool_, Repair::report_only)); }
  FsckReport mend() { return must(fsck(spool_, Repair::mend)); }

  // What is said of a path: kind, or nothing.
  static std::optional<Kind> said(const FsckReport& report, const std::string& path) {
    for (const Finding& finding : report.findings) {
      if (finding.path == path) return finding.kind;
    }
    return std::nullopt;
  }
  // Told as mendable and touched by nobody; then mended; then clean.
  void expect_mended(const std::string& path) {
    const auto before = tree();
    const FsckReport told = look();
    EXPECT_EQ(said(told, path), Kind::mendable) << path << "\n" << text(told);
    EXPECT_FALSE(told.clean());
    EXPECT_EQ(tree(), before);
    EXPECT_EQ(said(mend(), path), Kind::mended) << path;
    EXPECT_TRUE(look().clean()) << text(look());
  }
  std::vector<std::string> tree() {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path(""))) {
      paths.push_back(entry.path().string());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  static std::string text(const FsckReport& report) {
    std::ostringstream out;
    for (const Finding& finding : report.findings) lab::operator<<(out, finding) << "\n";
    return out.str();
  }
  void remove(const std::string& relative) { std::filesystem::remove(path(relative)); }
  void rename(const std::string& from, const std::string& to) {
    std::filesystem::rename(path(from), path(to));
  }
  void link(const JobId& id, const std::string& to) {
    std::filesystem::create_hard_link(path(layout::ticket(id)), path(to));
  }
};

TEST_F(Fsck, ASpoolWithJobsInEveryStateIsClean) {
  for (const State each : kAllStates) job_in(each, owner_);
  const FsckReport report = look();
  EXPECT_TRUE(report.clean()) << text(report);
  EXPECT_EQ(report.jobs, 7);
  EXPECT_EQ(report.results, 1);
}

TEST_F(Fsck, AWaitingJobWithoutATokenGetsOne) {
  const JobId id = submit_one();
  remove(layout::staging({id, 1}));
  expect_mended(layout::staging({id, 2}));
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 2}}));
}

TEST_F(Fsck, ATokenMadeAnewHasANumberThatWasNotTriedYet) {
  const JobId id = job_in(State::delayed, owner_);
  std::filesystem::remove_all(path("delayed"));
  std::filesystem::create_directory(path("delayed"));
  mend();
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 2}}));
}

TEST_F(Fsck, ASecondTokenIsRemoved) {
  const JobId id = submit_one();
  link(id, layout::staging({id, 2}));
  expect_mended(layout::staging({id, 1}));
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 2}}));
}

TEST_F(Fsck, ATokenOfARunningJobThatAlsoWaitsIsRemoved) {
  const JobId id = job_in(State::processing, owner_);
  link(id, layout::hold({id, 1}));
  expect_mended(layout::hold({id, 1}));
  EXPECT_EQ(state(id), State::processing);
}

TEST_F(Fsck, ATokenOfAnEndedJobThatWaitsGoesWhereItBelongs) {
  for (const State ended : {State::completed, State::failed, State::cancelled}) {
    const JobId id = job_in(ended, owner_);
    link(id, layout::staging({id, 3}));
    expect_mended(layout::staging({id, 3}));
    EXPECT_EQ(state(id), ended);
  }
}

TEST_F(Fsck, AMissingTokenOfAnEndedJobIsMadeAnew) {
  for (const Ending ending : {Ending::completed, Ending::failed, Ending::cancelled}) {
    const JobId id = job_in(ending == Ending::completed ? State::completed
                            : ending == Ending::failed  ? State::failed
                                                        : State::cancelled,
                            owner_);
    remove(layout::ended(ending, id));
    expect_mended(layout::ended(ending, id));
    EXPECT_TRUE(lab::is_there(path(layout::ended(ending, id))));
  }
}

TEST_F(Fsck, ATokenInTheWrongEndedStateIsMoved) {
  const JobId id = job_in(State::failed, owner_);
  rename("failed/" + id.text(), "cancelled/" + id.text());
  expect_mended("cancelled/" + id.text());
  EXPECT_TRUE(lab::is_there(path("failed/" + id.text())));
}

TEST_F(Fsck, ATokenAmongTheEndedOfAJobThatHasNotEndedWaitsAgain) {
  const JobId id = submit_one();
  rename(layout::staging({id, 1}), "failed/" + id.text());
  expect_mended("failed/" + id.text());
  EXPECT_EQ(state(id), State::staging);
  EXPECT_EQ(waiting().size(), 1u);
}

TEST_F(Fsck, ALostTicketIsRestoredFromItsToken) {
  const JobId id = submit_one();
  remove(layout::ticket(id));
  expect_mended(layout::staging({id, 1}));
  EXPECT_EQ(must(find(spool_, id)).ticket.name, "photo.jpg");
}

TEST_F(Fsck, ATokenWithNeitherTicketNorSourceIsSetAside) {
  const JobId id = submit_one();
  remove(layout::ticket(id));
  remove(layout::source(id));
  expect_mended(layout::staging({id, 1}));
  EXPECT_TRUE(waiting().empty());
  EXPECT_EQ(lab::names_in(path("corrupt")).size(), 1u);
}

TEST_F(Fsck, ATicketThatCannotBeReadIsDamageAndGoesToCorruptWithItsParts) {
  const JobId id = submit_one();
  lab::write_file(path(layout::ticket(id)), "garbage");
  EXPECT_EQ(said(look(), layout::ticket(id)), Kind::damage);
  EXPECT_TRUE(lab::is_there(path(layout::ticket(id))));
  EXPECT_EQ(said(mend(), layout::ticket(id)), Kind::damage);
  EXPECT_EQ(lab::names_in(path("corrupt")).size(), 3u);  // ticket, token, source
  EXPECT_TRUE(look().clean());
}

TEST_F(Fsck, ATryRecordThatCannotBeReadGoesToCorrupt) {
  const JobId id = job_in(State::delayed, owner_);
  lab::write_file(path(layout::try_record(id, 1)), "garbage");
  EXPECT_EQ(said(look(), layout::try_record(id, 1)), Kind::damage);
  mend();
  EXPECT_TRUE(look().clean());
  EXPECT_EQ(state(id), State::delayed);
}

TEST_F(Fsck, AnOutcomeThatCannotBeReadStaysWhereItIs) {
  const JobId id = job_in(State::completed, owner_);
  lab::write_file(path(layout::outcome(id)), "garbage");
  EXPECT_EQ(said(look(), layout::outcome(id)), Kind::damage);
  EXPECT_EQ(said(mend(), layout::outcome(id)), Kind::damage);
  EXPECT_TRUE(lab::is_there(path(layout::outcome(id))));  // else the job would run again
}

TEST_F(Fsck, ARecordOfANewerVersionIsANote) {
  const JobId id = submit_one();
  std::string body = lab::read_file(path(layout::ticket(id)));
  body = body.substr(0, body.size() - 78);
  body.replace(body.find("\"imgq\":1"), 8, "\"imgq\":2");
  lab::write_file(path(layout::ticket(id)), body + ",\"digest\":\"" + sha256_hex(body) + "\"}\n");
  EXPECT_EQ(said(look(), layout::ticket(id)), Kind::note);
  EXPECT_TRUE(mend().clean());
  EXPECT_TRUE(lab::is_there(path(layout::ticket(id))));
}

TEST_F(Fsck, JobsAreToldByTheirHoursTheNewestFirst) {
  const int64_t hour_ms = 3'600'000;
  std::vector<std::string> expected;
  for (const int hours_ago : {1, 2, 30}) {
    for (const int number : {1, 2}) {
      const JobId id = past_job(now_ms() - hours_ago * hour_ms, Ending::completed, number);
      lab::write_file(path(layout::ticket(id)), "torn");
      expected.push_back(layout::ticket(id));
    }
  }
  std::vector<std::string> told;
  for (const Finding& finding : look().findings) told.push_back(finding.path);
  std::erase_if(told, [](const std::string& path) { return !path.ends_with(".job"); });
  EXPECT_EQ(told, expected);
}

TEST_F(Fsck, ManyJobsAndKeysAreReadAtOnceButNoMoreThanSixteen) {
  for (int number = 0; number < 40; ++number) {
    Draft keyed = draft();
    keyed.key = std::to_string(number);
    submit_one(std::move(keyed));
  }
  for (const char* part : {".job", "keys/"}) {
    std::mutex mutex;
    std::condition_variable come;
    int reading = 0, most = 0;
    bool met = false;
    const auto meet = [&] {
      std::unique_lock lock(mutex);
      most = std::max(most, ++reading);
      met = met || reading == 16;
      come.notify_all();
      (void)come.wait_for(lock, std::chrono::seconds(10), [&] { return met; });
      met = true;
      --reading;
    };
    faults::clear();
    faults::add({.call = "pread", .path = part, .times = 32, .run = meet});
    EXPECT_TRUE(look().clean());
    EXPECT_EQ(most, 16) << part;
  }
}

TEST_F(Fsck, AResultThatIsMissingShortOrAlteredIsDamage) {
  const JobId missing = job_in(State::completed, owner_), small = job_in(State::completed, owner_),
              altered = job_in(State::completed, owner_);
  const auto file = [](const JobId& id) { return layout::result(id, id.text() + ".1.main.jpg"); };
  remove(file(missing));
  lab::write_file(path(file(small)), "x");
  lab::write_file(path(file(altered)), "A thumbnail");
  for (const FsckReport& report : {look(), mend()}) {
    for (const JobId& id : {missing, small, altered})
      EXPECT_EQ(said(report, file(id)), Kind::damage);
  }
}

TEST_F(Fsck, ResultsOfOtherAttemptsAreRemoved) {
  const JobId done = job_in(State::completed, owner_);
  const std::string extra = layout::result(done, done.text() + ".7.main.jpg");
  lab::write_file(path(extra), "of a fenced owner");
  expect_mended(extra);
  const JobId waits = job_in(State::delayed, owner_);
  const std::string lost = layout::result(waits, waits.text() + ".1.main.jpg");
  lab::write_file(path(lost), "of an owner that may only be frozen");
  EXPECT_EQ(said(mend(), lost), Kind::note);
  EXPECT_TRUE(lab::is_there(path(lost)));
  const JobId runs = job_in(State::processing, owner_);
  lab::write_file(path(layout::result(runs, runs.text() + ".1.main.jpg")), "being published");
  EXPECT_TRUE(look().clean());
}

TEST_F(Fsck, AMissingSourceOfAWaitingJobIsDamageOfAnEndedOneNot) {
  const JobId waits = submit_one(), done = job_in(State::completed, owner_);
  remove(layout::source(waits));
  remove(layout::source(done));
  const FsckReport report = look();
  EXPECT_EQ(said(report, layout::source(waits)), Kind::damage);
  EXPECT_EQ(said(report, layout::source(done)), std::nullopt);
}

TEST_F(Fsck, ASubmissionCutShortIsANoteWhileYoungAndSetAsideLater) {
  const JobId young = JobId::generate(), old = id_at(now_ms() - 7'200'000);
  for (const JobId& id : {young, old}) {
    std::filesystem::create_directories(path(layout::hour_folder(id)));
    lab::write_file(path(layout::source(id)), "somebody's image");
  }
  EXPECT_EQ(said(look(), layout::source(young)), Kind::note);
  expect_mended(layout::source(old));
  EXPECT_TRUE(lab::is_there(path(layout::source(young))));
  EXPECT_EQ(lab::names_in(path("corrupt")).size(), 1u);
}

TEST_F(Fsck, AMarkThatIsLeftAloneIsSetAside) {
  const JobId id = id_at(now_ms() - 7'200'000);
  std::filesystem::create_directories(path(layout::hour_folder(id)));
  lab::write_file(path(layout::placed(id)), "a ticket");
  expect_mended(layout::source(id));
  EXPECT_FALSE(lab::is_there(path(layout::placed(id))));
}

TEST_F(Fsck, APurgeCutShortIsFinished) {
  const JobId id = job_in(State::completed, owner_);
  remove(layout::ticket(id));
  remove(layout::ended(Ending::completed, id));
  expect_mended(layout::outcome(id));
  EXPECT_FALSE(lab::is_there(path(layout::source(id))));
  EXPECT_TRUE(lab::names_in(path("corrupt")).empty());
}

TEST_F(Fsck, ADeadOwnerIsRecovered) {
  const JobId id = submit_one();
  const pid_t pid = lab::start_child([this] {
    const auto owner = must(Owner::enter(spool_));
    claim_all(owner);
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_EQ(lab::wait_for(pid), 128 + SIGKILL);
  std::string dead;
  for (const std::string& name : must(owners_of(spool_))) {
    if (name != owner_.name()) dead = layout::owner_folder(name);
  }
  expect_mended(dead);
  EXPECT_EQ(waiting(), (std::vector<Token>{{id, 2}}));
}

TEST_F(Fsck, OldTemporaryFilesAreSweptLivingOnesNoted) {
  const auto living = must(TempFile::create(spool_));
  auto before = sys::identity();
  before.pid = 2'147'483'647;  // above any that the kernel gives
  const std::string stale = layout::temp("00000000000000aa", before);
  lab::write_file(path(stale), "x");
  EXPECT_EQ(said(look(), living.path()), Kind::note);
  expect_mended(stale);
  EXPECT_TRUE(lab::is_there(path(living.path())));
}

TEST_F(Fsck, UnknownFilesAreNotedAndNeverTouched) {
  const JobId id = submit_one();
  const std::vector<std::string> strangers = {"README",
                                              "tmp/notes",
                                              "staging/x",
                                              "delayed/x",
                                              "hold/x",
                                              "failed/x",
                                              "cancelled/x",
                                              "processing/x",
                                              layout::hour_folder(id) + "/x",
                                              "processing/" + owner_.name() + "/x",
                                              "keys/x"};
  for (const std::string& stranger : strangers) lab::write_file(path(stranger), "mine");
  const FsckReport report = look();
  EXPECT_TRUE(report.clean()) << text(report);
  for (const std::string& stranger : strangers)
    EXPECT_EQ(said(report, stranger), Kind::note) << stranger;
  mend();
  for (const std::string& stranger : strangers) EXPECT_EQ(lab::read_file(path(stranger)), "mine");
}

TEST_F(Fsck, PartsInTheWrongHourAreStrangers) {
  const JobId id = submit_one();
  std::filesystem::create_directories(path("jobs/2020-01-01/00"));
  lab::write_file(path("jobs/2020-01-01/00/" + id.text() + ".job"), "x");
  EXPECT_EQ(said(look(), "jobs/2020-01-01/00/" + id.text() + ".job"), Kind::note);
}

TEST_F(Fsck, AMissingKeyIsLinkedAnew) {
  Draft keyed = draft();
  keyed.key = "k";
  submit_one(std::move(keyed));
  remove(key_path("k"));
  expect_mended(key_path("k"));
}

TEST_F(Fsck, AKeyOfAJobThatIsGoneIsRemoved) {
  Draft keyed = draft();
  keyed.key = "k";
  const JobId id = submit_one(std::move(keyed));
  remove(layout::ticket(id));
  remove(layout::source(id));
  remove(layout::staging({id, 1}));
  expect_mended(key_path("k"));
  EXPECT_FALSE(lab::is_there(path(key_path("k"))));
}

TEST_F(Fsck, AKeyThatLeadsToAnotherTicketIsSetAside) {
  const JobId id = submit_one();
  std::filesystem::create_directories(path(key_folder("k")));
  link(id, key_path("k"));
  expect_mended(key_path("k"));
  EXPECT_EQ(state(id), State::staging);
}

TEST_F(Fsck, AMissingFolderIsMade) {
  for (const char* folder : {"hold", "cancelled", "corrupt", "keys", "tmp"}) {
    std::filesystem::remove_all(path(folder));
    expect_mended(folder);
    EXPECT_TRUE(std::filesystem::is_directory(path(folder)));
  }
}

TEST_F(Fsck, WhatWasSetAsideIsNoted) {
  lab::write_file(path("corrupt/x"), "x");
  EXPECT_EQ(said(look(), "corrupt/x"), Kind::note);
}

TEST_F(Fsck, AnInstanceThatIsJustLeavingIsNotWrong) {
  const std::string folder = layout::owner_folder(must(Owner::enter(spool_)).name());
  remove(folder + "/.alive");
  EXPECT_TRUE(look().clean()) << text(look());
  EXPECT_TRUE(mend().clean());
  EXPECT_FALSE(lab::is_there(path(folder)));
}

TEST_F(Fsck, AJobThatMovesWhileItIsLookedAtIsNotWrong) {
  const auto ids = submit_many(30);
  const pid_t mover = lab::start_child([this] {
    auto owner = must(Owner::enter(spool_));
    for (int round = 0; round < 8; ++round) {
      for (const Claim& claim : claim_all(owner).taken) must(owner.release(claim));
    }
    for (const Claim& claim : claim_all(owner).taken) complete(owner, claim);
    must(owner.leave());  // one that died would be a finding
  });
  int looks = 0;
  while (state(ids.back()) != State::completed) {
    const FsckReport report = mend();
    EXPECT_TRUE(report.clean()) << text(report);
    ++looks;
  }
  EXPECT_EQ(lab::wait_for(mover), 0);
  EXPECT_GT(looks, 0);
}

TEST_F(Fsck, EverythingAtOnceIsMendedInOneGo) {
  const auto ids = submit_many(5);
  remove(layout::staging({ids[0], 1}));
  link(ids[1], layout::staging({ids[1], 2}));
  remove(layout::ticket(ids[2]));
  rename(layout::staging({ids[3], 1}), "failed/" + ids[3].text());
  mend();
  EXPECT_TRUE(look().clean()) << text(look());
  EXPECT_EQ(claim_all(owner_).taken.size(), 5u);
}

TEST_F(Fsck, ErrorsOfTheDiskEndItAsErrors) {
  submit_one();
  for (const char* call : {"list", "openat", "pread"}) {
    faults::clear();
    faults::add({.call = call, .code = EIO, .times = -1});
    EXPECT_EQ(code_of(fsck(spool_, Repair::report_only)), EIO) << call;
  }
}

TEST_F(Fsck, WhatCannotBeMendedNowIsToldAsDamage) {
  const JobId id = submit_one();
  remove(layout::staging({id, 1}));
  faults::add({.call = "linkat", .code = ENOSPC, .times = -1});
  EXPECT_EQ(said(mend(), layout::staging({id, 2})), Kind::damage);
}

TEST_F(Fsck, AHealthySpoolPassesEveryProbe) {
  for (const Probe& one : probe(spool_)) {
    EXPECT_TRUE(one.good) << one.what << ": " << one.cure;
    EXPECT_TRUE(one.cure.empty());
  }
  EXPECT_TRUE(temps().empty());
}

TEST_F(Fsck, EachProbeFailsWithItsCause) {
  struct Case {
    faults::Rule rule;
    const char* what;
  };
  const Case cases[] = {
      {{.call = "linkat", .code = EPERM, .times = -1}, "hard links"},
      {{.call = "renameat", .code = EXDEV, .times = -1}, "rename"},
      {{.call = "flock", .code = ENOLCK, .times = -1}, "flock"},
      {{.call = "fsync", .path = "/tmp", .code = EINVAL, .times = -1}, "fsync of a directory"},
      {{.call = "write", .code = ENOSPC, .times = -1}, "writing"},
      {{.call = "mkdirat", .code = EACCES, .times = -1}, "making and removing"},
      {{.call = "fstatat", .path = "staging", .code = ENOENT, .times = -1}, "one file system"},
      {{.call = "openat", .path = "tmp/", .code = EACCES, .times = -1}, "writing"},
  };
  for (const Case& one : cases) {
    faults::clear();
    faults::add(one.rule);
    bool told = false;
    for (const Probe& result : probe(spool_)) {
      if (result.what.find(one.what) == std::string::npos) continue;
      told = true;
      EXPECT_FALSE(result.good) << result.what;
      EXPECT_FALSE(result.cure.empty()) << result.what;
    }
    EXPECT_TRUE(told) << one.what;
  }
}

}  // namespace
}  // namespace imgq
