// imgqd itself: how it starts, stops, dies, shares a spool, and waits for a full disk.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <thread>

#include "spool/control.h"
#include "spool/cordon.h"
#include "spool/list.h"
#include "src/util/sys.h"
#include "tests/src/lab.h"

namespace imgq::test {
namespace {

int64_t completed(const Lab& lab) {
  const auto counts = count(lab.spool());
  return counts ? counts->jobs[static_cast<size_t>(State::completed)] : 0;
}

// Or a zombie, as of an orphan whose new parent does not wait for it: without a command line.
bool is_gone(pid_t pid) { return read_file("/proc/" + std::to_string(pid) + "/cmdline").empty(); }

bool nothing_is_processing(const Lab& lab) {
  const auto running = list(lab.spool(), State::processing, Order::oldest_first, 1);
  return running && running->empty();
}

TEST(Daemon, KilledAgainAndAgainCompletesEveryJobOnce) {
  Lab lab;
  const auto jobs = lab.submit_many(24, "ms-200");
  for (const int done : {2, 8, 14}) {
    Program daemon = lab.daemon({"--workers", "3"});
    ASSERT_TRUE(eventually([&] { return completed(lab) >= done; })) << daemon.log();
    const auto workers = daemon.children();
    daemon.kill();
    for (const pid_t worker : workers) {
      EXPECT_TRUE(eventually([&] { return is_gone(worker); })) << "worker outlives it";
    }
  }
  const auto last = lab.daemon({"--workers", "3"});
  ASSERT_TRUE(lab.all_reach(jobs, State::completed)) << last.log();
  for (const JobId& job : jobs) {
    for (const Try& attempt : lab.view(job).tries) EXPECT_EQ(attempt.kind, Try::Kind::lost);
  }
  EXPECT_TRUE(eventually([&] { return nothing_is_processing(lab); }));
  lab.expect_in_order();
}

TEST(Daemon, SharesASpoolWithAnother) {
  Lab lab;
  const auto jobs = lab.submit_many(30, "ms-200");
  const auto one = lab.daemon({"--workers", "2"});
  const auto two = lab.daemon({"--workers", "2"});
  ASSERT_TRUE(lab.all_reach(jobs, State::completed)) << one.log() << two.log();
  std::set<std::string> owners;
  for (const JobId& job : jobs) {
    owners.insert(lab.view(job).outcome->owner);
    EXPECT_EQ(lab.view(job).outcome->attempt, 1);
  }
  EXPECT_EQ(owners.size(), 2U);
  lab.expect_in_order();
}

TEST(Daemon, ToldToStopLetsRunningJobsEndAndGivesTheRestBack) {
  Lab lab;
  const JobId running = lab.submit("ms-1000");
  const auto waiting = lab.submit_many(5);
  Program daemon = lab.daemon({"--workers", "1", "--log-level", "debug"});
  ASSERT_TRUE(eventually([&] { return daemon.said("given to a worker"); })) << daemon.log();
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0) << daemon.log();
  EXPECT_TRUE(nothing_is_processing(lab));
  EXPECT_TRUE(names_in(lab.spool_path() + "/processing").empty());
  for (const JobId& job : waiting) {
    EXPECT_EQ(lab.state(job), State::staging);
    EXPECT_TRUE(lab.view(job).tries.empty());
  }
  EXPECT_EQ(lab.state(running), State::completed);
  lab.expect_in_order();
}

TEST(Daemon, OfACordonedHostEndsWhatItHasAndClaimsAgainOnceItIsNot) {
  Lab lab;
  const std::string here = sys::identity().host;
  const JobId running = lab.submit("ms-1000");
  const auto daemon = lab.daemon({"--workers", "1", "--log-level", "debug"});
  ASSERT_TRUE(eventually([&] { return daemon.said("given to a worker"); })) << daemon.log();
  ASSERT_TRUE(cordon(lab.spool(), here));
  const JobId late = lab.submit();
  ASSERT_TRUE(lab.reaches(running, State::completed)) << daemon.log();
  ASSERT_TRUE(eventually([&] { return daemon.said("this host is cordoned"); })) << daemon.log();
  EXPECT_EQ(lab.state(late), State::staging);
  ASSERT_TRUE(uncordon(lab.spool(), here));
  EXPECT_TRUE(lab.reaches(late, State::completed)) << daemon.log();
  EXPECT_EQ(lab.view(late).outcome->attempt, 1);
  lab.expect_in_order();
}

TEST(Daemon, OfACordonedHostSaysWhatItWaitsForWhenAskedToDrain) {
  Lab lab;
  const std::string here = sys::identity().host;
  ASSERT_TRUE(cordon(lab.spool(), here));
  const JobId job = lab.submit();
  Program daemon = lab.daemon({"--drain"});
  ASSERT_TRUE(eventually([&] { return daemon.said("what is left waits for daemons of other"); }))
      << daemon.log();
  EXPECT_EQ(lab.state(job), State::staging);
  ASSERT_TRUE(cancel(lab.spool(), job));  // or another host did it
  EXPECT_EQ(daemon.wait(), 0) << daemon.log();
  Program again = lab.daemon({"--drain"});
  EXPECT_EQ(again.wait(), 0) << "nothing is left: " << again.log();
}

TEST(Daemon, ToldTwiceGivesRunningJobsBackAtOnceAndUnharmed) {
  Lab lab;
  const JobId endless = lab.submit("sleep");
  Program daemon = lab.daemon({"--workers", "1"});
  ASSERT_TRUE(lab.reaches(endless, State::processing)) << daemon.log();
  daemon.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return daemon.said("told to stop"); }));
  daemon.signal(SIGINT);
  EXPECT_EQ(daemon.wait(), 0) << daemon.log();
  EXPECT_EQ(lab.state(endless), State::staging);
  EXPECT_TRUE(lab.view(endless).tries.empty());
}

TEST(Daemon, ToldToReloadServesByTheNewLimits) {
  Lab lab;
  const auto daemon = lab.daemon({"--workers", "1"});
  ASSERT_TRUE(lab.reaches(lab.submit(), State::completed)) << daemon.log();
  lab.configure("limits.wall_seconds = 1\n");
  daemon.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return daemon.said("reloaded; workers"); })) << daemon.log();
  const JobId endless = lab.submit("sleep", bytes(kTinyPng), 1);
  ASSERT_TRUE(lab.reaches(endless, State::failed)) << daemon.log();
  EXPECT_EQ(lab.cause(endless).code, "timed_out");
}

TEST(Daemon, ToldToReloadABrokenConfigurationGoesOnWithTheOldOne) {
  Lab lab;
  const auto daemon = lab.daemon();
  ASSERT_TRUE(lab.reaches(lab.submit(), State::completed)) << daemon.log();
  lab.configure("limits.wall_secs = 1\n");
  daemon.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return daemon.said("not reloaded"); })) << daemon.log();
  EXPECT_TRUE(lab.reaches(lab.submit(), State::completed)) << daemon.log();
}

TEST(Daemon, ThoughtDeadByAnotherForgetsItsJobsAndGoesOnAnew) {
  Lab lab("daemon.lease = \"5s\"\n");
  const JobId job = lab.submit("ms-1000");
  auto frozen = lab.daemon({"--workers", "1"});
  ASSERT_TRUE(lab.reaches(job, State::processing)) << frozen.log();
  frozen.signal(SIGSTOP);
  {
    Program other = lab.daemon({"--workers", "1"});
    ASSERT_TRUE(lab.reaches(job, State::completed)) << other.log();
    frozen.signal(SIGCONT);
    ASSERT_TRUE(eventually([&] { return frozen.said("going on anew"); })) << frozen.log();
    other.signal(SIGTERM);
    EXPECT_EQ(other.wait(), 0) << other.log();
  }
  EXPECT_TRUE(lab.reaches(lab.submit(), State::completed)) << frozen.log();
  EXPECT_EQ(lab.view(job).outcome->attempt, 2);
  lab.expect_in_order();
}

TEST(Daemon, StoppedForLongerThanTheWallLimitCountsWhatItsWorkersDidMeanwhile) {
  Lab lab("limits.wall_seconds = 1\n");
  const JobId job = lab.submit("ms-200");
  const auto frozen = lab.daemon({"--workers", "1", "--log-level", "debug"});
  ASSERT_TRUE(eventually([&] { return frozen.said("given to a worker"); })) << frozen.log();
  frozen.signal(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds(2));  // what counts is that time passes
  frozen.signal(SIGCONT);
  ASSERT_TRUE(lab.reaches(job, State::completed)) << frozen.log();
  EXPECT_EQ(lab.view(job).outcome->attempt, 1);
  EXPECT_TRUE(lab.view(job).tries.empty());
}

TEST(Daemon, WaitsWhileThereIsLessRoomThanItShallLeave) {
  Lab lab;
  lab.configure("");
  lab.folder().write("imgq.toml", "daemon.poll = \"1s\"\ndaemon.min_free = 4000000000000000\n");
  const JobId job = lab.submit();
  const auto daemon = lab.daemon();
  ASSERT_TRUE(eventually([&] { return daemon.said("claims pause"); })) << daemon.log();
  EXPECT_EQ(lab.state(job), State::staging);
  lab.configure("");
  daemon.signal(SIGHUP);
  EXPECT_TRUE(lab.reaches(job, State::completed)) << daemon.log();
  EXPECT_TRUE(eventually([&] { return daemon.said("claims go on"); })) << daemon.log();
  EXPECT_TRUE(lab.view(job).tries.empty());
}

TEST(Daemon, AskedToDrainGivesUpOnASpoolThatStaysFull) {
  Lab lab;
  lab.folder().write("imgq.toml", "daemon.poll = \"1s\"\ndaemon.min_free = 4000000000000000\n");
  const JobId job = lab.submit();
  Program daemon = lab.daemon({"--drain"});
  EXPECT_EQ(daemon.wait(), 75) << daemon.log();
  EXPECT_EQ(lab.state(job), State::staging);
}

// A small file system of its own; gone with it.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    mounted_ = ::mkdir(path.c_str(), 0700) == 0 &&
               ::mount("imgq-test", path.c_str(), "tmpfs", 0, "size=2m,nr_inodes=400") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) (void)::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  // Leaves nothing free.
  void fill() const {
    const Fd file(::open((path_ + "/ballast").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(4096, 'x');
    while (::write(file.get(), block.data(), block.size()) > 0) {
    }
  }
  // Leaves room, but none for another name.
  void use_up_names() const {
    for (int i = 0;; ++i) {
      const std::string path = path_ + "/ballast." + std::to_string(i);
      if (!Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600))) return;
    }
  }
  void make_room() const { (void)::unlink((path_ + "/ballast").c_str()); }

 private:
  std::string path_;
  bool mounted_ = false;
};

// What a service manager is told through its socket.
class ServiceManager {
 public:
  explicit ServiceManager(const std::string& path)
      : path_(path), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_LT(path.size(), sizeof(address.sun_path));
    std::copy(path.begin(), path.end(), address.sun_path);
    const auto* bound = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), bound, sizeof(address)), 0);
  }
  std::string address() const { return "NOTIFY_SOCKET=" + path_; }
  const std::string& heard() const { return heard_; }
  bool hears(std::string_view text) {
    return eventually([&, text] {
      listen();
      return heard_.find(text) != std::string::npos;
    });
  }

 private:
  void listen() {
    std::array<char, 4096> text{};
    ssize_t got = 0;
    while ((got = ::recv(socket_.get(), text.data(), text.size(), MSG_DONTWAIT)) > 0) {
      heard_ += std::string(text.data(), static_cast<size_t>(got)) + "\n";
    }
  }
  std::string path_;
  Fd socket_;
  std::string heard_;
};

TEST(Daemon, OnAFullDiskWaitsWithoutSpendingAttemptsAndGoesOnWhenThereIsRoom) {
  const Folder folder;
  const SmallDisk disk(folder.file("disk"));
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small file system here";
  Lab lab("", folder.file("disk") + "/spool");
  const auto jobs = lab.submit_many(4, "ms-200");
  disk.fill();
  const auto daemon = lab.daemon({"--workers", "2"});
  ASSERT_TRUE(eventually([&] { return daemon.said("No space left"); })) << daemon.log();
  for (const JobId& job : jobs) EXPECT_NE(lab.state(job), State::failed);
  disk.make_room();
  ASSERT_TRUE(lab.all_reach(jobs, State::completed)) << daemon.log();
  for (const JobId& job : jobs) EXPECT_TRUE(lab.view(job).tries.empty());
  EXPECT_TRUE(nothing_is_processing(lab) || eventually([&] { return nothing_is_processing(lab); }));
}

TEST(Daemon, OnAFullDiskLeavesWaitingJobsAlone) {
  const Folder folder;
  const SmallDisk disk(folder.file("disk"));
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small file system here";
  Lab lab("", folder.file("disk") + "/spool");
  const JobId job = lab.submit();
  disk.fill();
  const auto daemon = lab.daemon();
  ASSERT_TRUE(eventually([&] { return daemon.said("claims pause"); })) << daemon.log();
  const std::string staging = lab.spool_path() + "/staging";
  ASSERT_TRUE(eventually([&] { return names_in(staging).size() == 1; })) << daemon.log();
  const auto waiting = names_in(staging);
  std::this_thread::sleep_for(std::chrono::seconds(4));  // it is tried out after 1 s, and after 3 s
  EXPECT_EQ(names_in(staging), waiting);
  disk.make_room();
  EXPECT_TRUE(lab.reaches(job, State::completed)) << daemon.log();
}

TEST(Daemon, LeavesAJobThatCannotBeMovedAndGoesOnWithTheOthers) {
  Lab lab;
  const JobId stuck = lab.submit();
  const std::string token = lab.spool_path() + "/staging/" + stuck.text() + ".1";
  if (::mount(token.c_str(), token.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    GTEST_SKIP() << "cannot mount here";
  }
  const auto daemon = lab.daemon();
  const bool others = lab.reaches(lab.submit(), State::completed);
  (void)::umount2(token.c_str(), MNT_DETACH);
  EXPECT_TRUE(others) << daemon.log();
  EXPECT_TRUE(daemon.said("cannot be claimed; tried again in a minute")) << daemon.log();
  EXPECT_EQ(lab.state(stuck), State::staging);
  const auto next = lab.daemon();
  EXPECT_TRUE(lab.reaches(stuck, State::completed)) << next.log();
}

TEST(Daemon, EndsWhenItsSpoolIsRemoved) {
  Lab lab;
  Program daemon = lab.daemon();
  ASSERT_TRUE(lab.reaches(lab.submit(), State::completed)) << daemon.log();
  EXPECT_TRUE(eventually([&lab] {  // until nothing is left: the daemon removes files there itself
    std::error_code taken;
    std::filesystem::remove_all(lab.spool_path(), taken);
    return !exists(lab.spool_path());
  }));
  EXPECT_EQ(daemon.wait(), 69) << daemon.log();
  EXPECT_TRUE(daemon.said("the spool was removed: " + lab.spool_path())) << daemon.log();
}

TEST(Daemon, SaysWhatIsWrongAndHowToMendItWhenItCannotStart) {
  Lab lab;
  const std::string missing = lab.folder().file("missing");
  Program no_spool = lab.daemon({"--spool", missing});
  EXPECT_EQ(no_spool.wait(), 69);
  EXPECT_TRUE(no_spool.said("--create")) << no_spool.log();
  EXPECT_FALSE(exists(missing));
  Program no_option = lab.daemon({"--colour"});
  EXPECT_EQ(no_option.wait(), 64);
  for (const char* count : {"0", "-1", "many", "5000"}) {
    Program no_count = lab.daemon({std::string("--workers=") + count});
    EXPECT_EQ(no_count.wait(), 64) << count;
  }
  Program no_mode = lab.daemon({"--sync", "sometimes"});
  EXPECT_EQ(no_mode.wait(), 64);
  lab.configure("daemon.wrokers = 1\n");
  Program no_key = lab.daemon();
  EXPECT_EQ(no_key.wait(), 78);
  EXPECT_TRUE(no_key.said("workers")) << no_key.log();
}

// What is mounted over an empty directory hides what was put into it.
TEST(Daemon, MakesASpoolOnlyWhenItIsTold) {
  Lab lab;
  const std::string made = lab.folder().file("made");
  Program asked = lab.daemon({"--spool", made, "--create", "--drain"});
  EXPECT_EQ(asked.wait(), 0) << asked.log();
  EXPECT_TRUE(exists(made + "/format"));
  const std::string empty = lab.folder().file("empty");
  ASSERT_EQ(::mkdir(empty.c_str(), 0700), 0);
  Program mount_point = lab.daemon({"--spool", empty, "--drain"});
  EXPECT_EQ(mount_point.wait(), 69) << mount_point.log();
  EXPECT_TRUE(std::filesystem::is_empty(empty));
  Program foreign = lab.daemon({"--spool", lab.folder().path(), "--create", "--drain"});
  EXPECT_EQ(foreign.wait(), 69) << foreign.log();
  EXPECT_FALSE(exists(lab.folder().file("format")));
  Program own = lab.daemon({"--spool", lab.folder().file("state/imgq"), "--drain"});
  EXPECT_EQ(own.wait(), 0) << own.log();
}

TEST(Daemon, RefusesAnotherSpoolThanTheOneThatWasThereUntilItIsAccepted) {
  Lab lab;
  const std::string path = lab.folder().file("mounted");
  const auto ends_with = [&](std::vector<std::string> options, int wanted) {
    options.insert(options.begin(), {"--spool", path, "--drain"});
    Program daemon = lab.daemon(std::move(options));
    EXPECT_EQ(daemon.wait(), wanted) << daemon.log();
    EXPECT_EQ(daemon.said("--accept-new-spool"), wanted == 69) << daemon.log();
  };
  ends_with({"--create"}, 0);
  ends_with({}, 0);
  std::filesystem::rename(path, path + ".away");  // unmounted
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  ends_with({}, 69);
  ends_with({"--create"}, 69);
  EXPECT_TRUE(std::filesystem::is_empty(path));
  ASSERT_TRUE(Spool::create(path));  // by somebody else: another spool
  ends_with({}, 69);
  ends_with({"--accept-new-spool"}, 0);
  ends_with({}, 0);
  std::filesystem::remove_all(path);
  std::filesystem::rename(path + ".away", path);
  ends_with({}, 69);
  // What the configuration says counts more than what was there.
  const auto first = Spool::open(path);
  ASSERT_TRUE(first);
  lab.configure("spool_uuid = \"" + first->uuid() + "\"\n");
  ends_with({}, 0);
}

TEST(Daemon, EndsWhenNoWorkerCanBeStarted) {
  Lab lab;
  const JobId job = lab.submit();
  Program daemon = lab.daemon({"--drain"}, {"IMGQ_WORKER=/bin/false"});
  EXPECT_GT(daemon.wait(), 0);
  EXPECT_TRUE(daemon.said("/bin/false")) << daemon.log();
  EXPECT_EQ(lab.state(job), State::staging);
}

TEST(Daemon, WatchesAStateFolderThatWasMadeAnew) {
  Lab lab;
  const Program daemon = lab.daemon({}, {"IMGQ_DAEMON_POLL=60s"});
  ASSERT_TRUE(lab.reaches(lab.submit(), State::completed)) << daemon.log();
  const std::string staging = lab.spool_path() + "/staging";
  ASSERT_EQ(::rmdir(staging.c_str()), 0);
  ASSERT_TRUE(eventually([&] { return daemon.said("cannot watch"); })) << daemon.log();
  ASSERT_EQ(::mkdir(staging.c_str(), 0700), 0);
  EXPECT_TRUE(lab.reaches(lab.submit(), State::completed)) << daemon.log();
  lab.expect_in_order();
}

TEST(Daemon, MakesTheFoldersOfTheNextHourAhead) {
  Lab lab;
  std::filesystem::path spool(lab.spool_path());
  const auto hours = [&spool](const char* top) {
    size_t count = 0;
    for (const auto& day : std::filesystem::directory_iterator(spool / top)) {
      for (const auto& hour : std::filesystem::directory_iterator(day)) count += hour.exists();
    }
    return count;
  };
  const Program daemon = lab.daemon();
  EXPECT_TRUE(eventually([&] { return hours("jobs") == 1 && hours("completed") == 1; }))
      << daemon.log();
}

// What could not be moved on when its job ended: the folder answered so for as long as was waited.
TEST(Daemon, SettlesAClaimThatStaysWithIt) {
  Lab lab;
  const Program daemon = lab.daemon({}, {"IMGQ_DAEMON_LEASE=5s"});
  const JobId id = lab.submit();
  ASSERT_TRUE(lab.reaches(id, State::completed)) << daemon.log();
  const std::filesystem::path spool(lab.spool_path());
  const auto token = spool / "completed" / id.folder() / id.text();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(token); }));
  const auto owner = std::filesystem::directory_iterator(spool / "processing")->path();
  std::filesystem::rename(token, owner / (id.text() + ".1"));
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(token); })) << daemon.log();
  lab.expect_in_order();
}

// As a submission leaves it whose file system went away.
JobId lost_job(const Lab& lab) {
  const JobId id = lab.submit();
  std::filesystem::remove(std::filesystem::path(lab.spool_path()) / "staging" / (id.text() + ".1"));
  return id;
}

TEST(Daemon, RunsAJobThatWaitsNowhereAndSaysSo) {
  Lab lab("daemon.mend_after = \"1s\"\n");
  const JobId lost = lost_job(lab);
  const Program daemon = lab.daemon();
  ASSERT_TRUE(lab.reaches(lost, State::completed)) << daemon.log();
  EXPECT_EQ(lab.view(lost).outcome->attempt, 2);
  EXPECT_TRUE(daemon.said("its submitter was told of a failure job=" + lost.text() + " attempt=2"))
      << daemon.log();
  lab.expect_in_order();
}

TEST(Daemon, LooksForJobsThatWaitNowhereAfterAPause) {
  const std::string soon = "daemon.mend_after = \"1s\"\n";
  Lab lab(soon);
  const Program daemon = lab.daemon();
  ASSERT_TRUE(lab.all_reach(lab.submit_many(2, "ms-1000"), State::completed)) << daemon.log();
  lab.folder().write("imgq.toml",
                     soon + "daemon.poll = \"1s\"\ndaemon.min_free = 4000000000000000\n");
  daemon.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return daemon.said("reloaded"); })) << daemon.log();
  const JobId waiting = lab.submit();
  ASSERT_TRUE(eventually([&] { return daemon.said("claims pause"); })) << daemon.log();
  const JobId lost = lost_job(lab);
  lab.configure(soon);
  daemon.signal(SIGHUP);
  EXPECT_TRUE(lab.reaches(waiting, State::completed)) << daemon.log();
  EXPECT_TRUE(lab.reaches(lost, State::completed)) << daemon.log();
}

TEST(Daemon, SaysThatItCannotPurge) {
  Lab lab;
  const std::string failed = lab.spool_path() + "/failed";
  ASSERT_EQ(::rmdir(failed.c_str()), 0);
  const Fd file(::open(failed.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const Program daemon = lab.daemon();
  EXPECT_TRUE(eventually([&] { return daemon.said("cannot purge ended jobs"); })) << daemon.log();
}

TEST(Daemon, TellsTheServiceManagerHowItIs) {
  Lab lab;
  ServiceManager manager(lab.folder().file("notify"));
  Program daemon = lab.daemon({}, {manager.address(), "WATCHDOG_USEC=300000"});
  EXPECT_TRUE(manager.hears("READY=1\n")) << manager.heard();
  EXPECT_TRUE(manager.hears("WATCHDOG=1\n")) << manager.heard();
  EXPECT_TRUE(manager.hears("STATUS=0 running")) << manager.heard();
  (void)lab.submit("sleep");
  EXPECT_TRUE(manager.hears("STATUS=1 running")) << manager.heard();
  daemon.signal(SIGTERM);
  EXPECT_TRUE(manager.hears("STOPPING=1\n")) << manager.heard();
  EXPECT_TRUE(manager.hears("EXTEND_TIMEOUT_USEC=")) << manager.heard();  // it drains
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0);
}

TEST(Daemon, StartedOnAFullDiskIsReadyAndMakesRoomByItsRetention) {
  const Folder folder;
  const SmallDisk disk(folder.file("disk"));
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small file system here";
  Lab lab("", folder.file("disk") + "/spool");
  (void)lab.submit_many(3);
  EXPECT_EQ(lab.daemon({"--drain"}).wait(), 0);
  ASSERT_EQ(completed(lab), 3);
  disk.use_up_names();
  lab.configure("retention.jobs = 1\n");
  ServiceManager manager(folder.file("notify"));
  const auto daemon = lab.daemon({}, {manager.address()});
  EXPECT_TRUE(manager.hears("STATUS=Paused: No space left")) << daemon.log();
  EXPECT_TRUE(manager.hears("READY=1\n")) << daemon.log();
  EXPECT_TRUE(eventually([&] { return completed(lab) == 1; })) << daemon.log();
  EXPECT_TRUE(eventually([&] { return daemon.said("entered the spool"); })) << daemon.log();
}

}  // namespace
}  // namespace imgq::test
