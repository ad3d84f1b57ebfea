// What imgqd does with the world beside the spool: the hook, and hot folders.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "spool/control.h"
#include "spool/list.h"
#include "tests/src/lab.h"

namespace imgq::test {
namespace {

// A program for the hook: a shell script that appends what it is told to `told`.
std::string make_hook(const Lab& lab, const std::string& more) {
  const std::string told = lab.folder().file("told");
  lab.folder().write("hook", "#!/bin/sh\necho \"$1 $2 $IMGQ_CODE $IMGQ_NAME $IMGQ_SPOOL\" >> " +
                                 told + "\n" + more + "\n");
  EXPECT_EQ(::chmod(lab.folder().file("hook").c_str(), 0700), 0);
  return "daemon.hook = \"" + lab.folder().file("hook") + "\"\n";
}

TEST(Hook, IsToldOfEachEndAfterItIsPublished) {
  Lab lab;
  lab.configure(make_hook(lab, ""));
  const JobId good = lab.submit();
  const JobId bad = lab.submit("good", "no image");
  Program daemon = lab.daemon({"--drain"});
  EXPECT_EQ(daemon.wait(), 0) << daemon.log();
  const std::string told = read_file(lab.folder().file("told"));
  const std::string rest = " image.png " + lab.spool_path() + "\n";
  EXPECT_NE(told.find(good.text() + " completed " + rest), std::string::npos) << told;
  EXPECT_NE(told.find(bad.text() + " failed not_an_image" + rest), std::string::npos) << told;
}

TEST(Hook, ThatFailsOrIsMissingNeverTouchesTheJob) {
  Lab lab;
  lab.configure(make_hook(lab, "exit 3"));
  const JobId first = lab.submit();
  Program failing = lab.daemon({"--drain"});
  EXPECT_EQ(failing.wait(), 0) << failing.log();
  EXPECT_EQ(lab.state(first), State::completed);
  EXPECT_TRUE(failing.said("the hook failed")) << failing.log();
  lab.configure("daemon.hook = \"/nonexistent/hook\"\n");
  const JobId second = lab.submit();
  Program missing = lab.daemon({"--drain"});
  EXPECT_EQ(missing.wait(), 0) << missing.log();
  EXPECT_EQ(lab.state(second), State::completed);
  EXPECT_TRUE(missing.said("cannot run the hook")) << missing.log();
  EXPECT_EQ(names_in(lab.spool_path() + "/hooks"), std::vector<std::string>{second.text()});
  lab.configure(make_hook(lab, ""));
  Program third = lab.daemon({"--drain"});
  EXPECT_EQ(third.wait(), 0) << third.log();
  EXPECT_NE(read_file(lab.folder().file("told")).find(second.text()), std::string::npos);
  EXPECT_TRUE(names_in(lab.spool_path() + "/hooks").empty());
}

// A hook that goes on only when the file `go` is there.
constexpr const char* kUntilGo = "until [ -e \"${0%/*}/go\" ]; do sleep 0.02; done";

size_t times_told(const Lab& lab) {
  const std::string told = read_file(lab.folder().file("told"));
  return static_cast<size_t>(std::count(told.begin(), told.end(), '\n'));
}

TEST(Hook, IsRunAgainWhenItsDaemonWasKilled) {
  Lab lab;
  lab.configure(make_hook(lab, kUntilGo));
  const JobId id = lab.submit();
  Program daemon = lab.daemon();
  ASSERT_TRUE(eventually([&] { return exists(lab.folder().file("told")); })) << daemon.log();
  daemon.kill();
  EXPECT_EQ(names_in(lab.spool_path() + "/hooks"), std::vector<std::string>{id.text()});
  lab.folder().write("go", "");
  Program next = lab.daemon({"--drain"});
  EXPECT_EQ(next.wait(), 0) << next.log();
  EXPECT_EQ(times_told(lab), 2U);
  lab.expect_in_order();
  EXPECT_TRUE(names_in(lab.spool_path() + "/hooks").empty());
}

TEST(Hook, IsWaitedForByADrain) {
  Lab lab;
  lab.configure(make_hook(lab, kUntilGo));
  const auto jobs = lab.submit_many(10);
  Program daemon = lab.daemon();
  ASSERT_TRUE(lab.all_reach(jobs, State::completed)) << daemon.log();
  daemon.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return daemon.said("told to stop"); }));
  lab.folder().write("go", "");
  EXPECT_EQ(daemon.wait(), 0) << daemon.log();
  EXPECT_EQ(times_told(lab), jobs.size());
}

TEST(Hook, IsRunForWhatOthersEnd) {
  Lab lab;
  lab.configure(make_hook(lab, ""));
  const Program daemon = lab.daemon();
  const JobId id = lab.submit("sleep");
  ASSERT_TRUE(lab.reaches(id, State::processing)) << daemon.log();
  lab.spool().owe_hooks(true);
  ASSERT_TRUE(cancel(lab.spool(), id));
  EXPECT_TRUE(eventually([&] { return times_told(lab) == 1; })) << daemon.log();
  EXPECT_EQ(read_file(lab.folder().file("told")).find(id.text() + " cancelled cancelled "), 0U);
}

TEST(Hook, IsRunOnceByTwoDaemons) {
  Lab lab;
  const auto jobs = lab.submit_many(20);
  lab.configure(make_hook(lab, ""));
  Program one = lab.daemon({"--drain"});
  Program two = lab.daemon({"--drain"});
  EXPECT_EQ(one.wait(), 0) << one.log();
  EXPECT_EQ(two.wait(), 0) << two.log();
  EXPECT_EQ(times_told(lab), jobs.size());
  EXPECT_TRUE(names_in(lab.spool_path() + "/hooks").empty());
}

TEST(Hook, ThatSomebodyKillsIsStillOwed) {
  Lab lab;
  lab.configure(make_hook(lab, "[ -e \"$0.died\" ] || { touch \"$0.died\"; kill -KILL $$; }"));
  lab.submit();
  for (const size_t times : {1U, 2U}) {
    Program daemon = lab.daemon({"--drain"});
    EXPECT_EQ(daemon.wait(), 0) << daemon.log();
    EXPECT_EQ(times_told(lab), times);
  }
  EXPECT_TRUE(names_in(lab.spool_path() + "/hooks").empty());
}

TEST(Hook, IsNotOwedWhereNoneIsConfigured) {
  Lab lab;
  const JobId id = lab.submit();
  Program daemon = lab.daemon({"--drain"});
  EXPECT_EQ(daemon.wait(), 0) << daemon.log();
  EXPECT_EQ(lab.state(id), State::completed);
  EXPECT_TRUE(names_in(lab.spool_path() + "/hooks").empty());
}

TEST(Hook, ThatHangsHoldsUpNeitherJobsNorASecondTellingToStop) {
  Lab lab;
  lab.configure(make_hook(lab, "exec sleep 1000"));
  const auto jobs = lab.submit_many(8);
  Program daemon = lab.daemon();
  ASSERT_TRUE(lab.all_reach(jobs, State::completed)) << daemon.log();
  EXPECT_TRUE(eventually([&] { return exists(lab.folder().file("told")); }));
  daemon.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return daemon.said("told to stop"); }));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0) << daemon.log();
  EXPECT_EQ(names_in(lab.spool_path() + "/hooks").size(), jobs.size());  // owed still
}

TEST(Start, SaysThatASpoolCannotBeMade) {
  Lab lab;
  Program daemon = lab.daemon({"--spool", "/proc/spool", "--create"});
  EXPECT_EQ(daemon.wait(), 73) << daemon.log();
  EXPECT_TRUE(daemon.said("/proc/spool")) << daemon.log();
}

size_t times(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class HotFolder : public testing::Test {
 protected:
  HotFolder() {
    ::mkdir(in().c_str(), 0700);
    ::mkdir(done().c_str(), 0700);
  }
  std::string in() const { return lab_.folder().file("in"); }
  std::string done() const { return lab_.folder().file("done"); }
  std::string settings(const std::string& after, const std::string& preset = "small") const {
    return "log.level = \"debug\"\n[preset." + preset +
           ".tiny]\nsize = \"32x32\"\n[[intake]]\ndirectory = \"" + in() + "\"\npreset = \"" +
           preset + "\"\nsettle = \"1s\"\n" + after;
  }
  void configure(const std::string& after, const std::string& preset = "small") const {
    lab_.configure(settings(after, preset));
  }
  // A daemon that hears what is done in the folder from now on.
  Program serve(std::vector<std::string> environment = {}) {
    Program daemon = lab_.daemon({}, std::move(environment));
    EXPECT_TRUE(eventually([&] { return daemon.said("watching an intake folder"); }))
        << daemon.log();
    return daemon;
  }
  int64_t completed() const {
    const auto counts = count(lab_.spool());
    return counts ? counts->jobs[static_cast<size_t>(State::completed)] : -1;
  }
  bool completes(int64_t jobs) const {
    return eventually([&] { return completed() == jobs; });
  }
  void put(const std::string& name) const { lab_.folder().write("in/" + name, bytes(kTinyPng)); }
  Lab lab_;
};

TEST_F(HotFolder, MakesJobsOfWhatIsWrittenAndOfWhatIsMovedIn) {
  configure("after = \"remove\"\n");
  const auto daemon = serve();
  put("written.png");
  lab_.folder().write("moved.png", bytes(kTinyJpeg));
  ASSERT_EQ(::rename(lab_.folder().file("moved.png").c_str(), (in() + "/moved.png").c_str()), 0);
  ASSERT_TRUE(completes(2)) << daemon.log();
  EXPECT_TRUE(eventually([&] { return names_in(in()).empty(); }));
  const auto jobs = list(lab_.spool(), State::completed, Order::oldest_first, 10);
  ASSERT_TRUE(jobs);
  for (const Listed& job : *jobs) {
    const auto view = lab_.view(job.id);
    ASSERT_EQ(view.outcome->results.size(), 1U);
    EXPECT_EQ(view.outcome->results[0].rendition, "tiny");
  }
}

TEST_F(HotFolder, KeepsOriginalsAndDoesThemOnceAlsoAfterARestart) {
  configure("after = \"keep\"\n");
  {
    const auto daemon = serve();
    put("kept.png");
    ASSERT_TRUE(completes(1)) << daemon.log();
  }
  const auto daemon = serve();
  ASSERT_TRUE(eventually([&] { return daemon.said("known again"); })) << daemon.log();
  put("new.png");
  ASSERT_TRUE(completes(2)) << daemon.log();
  EXPECT_EQ(names_in(in()), (std::vector<std::string>{"kept.png", "new.png"}));
}

// A scanner closes the file after the first half and opens it again.
TEST_F(HotFolder, AFileThatIsClosedAndOpenedAgainIsOneJob) {
  configure("after = \"remove\"\n");
  const auto daemon = serve();
  const std::string_view image = bytes(kTinyPng);
  for (const std::string_view half : {image.substr(0, 10), image.substr(10)}) {
    const Fd file(
        ::open((in() + "/scan.png").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ASSERT_EQ(::write(file.get(), half.data(), half.size()), static_cast<ssize_t>(half.size()));
  }
  ASSERT_TRUE(completes(1)) << daemon.log();
  EXPECT_TRUE(eventually([&] { return names_in(in()).empty(); }));
  EXPECT_EQ(lab_.jobs(), 1);
}

TEST_F(HotFolder, AnOriginalWhoseJobFailedStaysAndThatIsSaidOnce) {
  configure("after = \"remove\"\n");
  const auto daemon = serve();
  lab_.folder().write("in/text.png", "no image");
  ASSERT_TRUE(eventually([&] { return daemon.said("its job is failed"); })) << daemon.log();
  put("photo.png");
  ASSERT_TRUE(completes(1)) << daemon.log();
  EXPECT_TRUE(eventually([&] { return names_in(in()) == std::vector<std::string>{"text.png"}; }));
}

// The daemon is killed after each step of a file's way: once it is a job; once that completed;
// once the original has gone.
TEST_F(HotFolder, AFileGoesItsWayOnceThoughTheDaemonIsKilledAfterEachStep) {
  const std::string after = "after = \"move\"\nmove_to = \"" + done() + "\"\n";
  const std::string worker = "IMGQ_WORKER=" IMGQ_TEST_WORKER;
  configure(after, "sleep");
  {
    Program daemon = serve();
    put("photo.png");
    ASSERT_TRUE(eventually([&] { return count(lab_.spool())->in(State::processing) == 1; }))
        << daemon.log();
    EXPECT_EQ(names_in(in()), std::vector<std::string>{"photo.png"});
    daemon.kill();
  }
  ASSERT_EQ(::rename(done().c_str(), (done() + "-away").c_str()), 0);
  {
    Program daemon = serve({worker});
    ASSERT_TRUE(completes(1)) << daemon.log();
    ASSERT_TRUE(eventually([&] { return daemon.said("original left where it is"); }))
        << daemon.log();
    EXPECT_EQ(names_in(in()), std::vector<std::string>{"photo.png"});
    daemon.kill();
  }
  ASSERT_EQ(::rename((done() + "-away").c_str(), done().c_str()), 0);
  for (int start = 0; start < 2; ++start) {
    Program daemon = serve({worker});
    EXPECT_TRUE(eventually([&] { return names_in(done()).size() == 1; })) << daemon.log();
    EXPECT_EQ(names_in(in()), std::vector<std::string>{});
    daemon.kill();
  }
  EXPECT_EQ(lab_.jobs(), 1);
  EXPECT_EQ(names_in(done()), std::vector<std::string>{"photo.png"});
}

TEST_F(HotFolder, PutsResultsWithTheirFoldersAndSaysWhatItLeavesAlone) {
  ASSERT_EQ(::mkdir(lab_.folder().file("results").c_str(), 0700), 0);
  const std::string results = "results = \"" + lab_.folder().file("results") + "\"\n";
  configure("after = \"remove\"\n" + results);
  ASSERT_EQ(::mkdir(lab_.folder().file("holiday").c_str(), 0700), 0);
  lab_.folder().write("holiday/sea.png", bytes(kTinyPng));
  const auto daemon = serve();
  ASSERT_EQ(::rename(lab_.folder().file("holiday").c_str(), (in() + "/holiday").c_str()), 0);
  EXPECT_TRUE(eventually([&] { return daemon.said("holiday error=\"it is a folder"); }))
      << daemon.log();
  configure("after = \"remove\"\nsubfolders = true\n" + results);
  daemon.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return times(daemon.log(), "watching an intake folder") == 2; }));
  ASSERT_EQ(::rename((in() + "/holiday").c_str(), lab_.folder().file("holiday").c_str()), 0);
  ASSERT_EQ(::rename(lab_.folder().file("holiday").c_str(), (in() + "/again").c_str()), 0);
  EXPECT_TRUE(eventually([&] {
    return exists(lab_.folder().file("results/again/sea.jpg")) && names_in(in() + "/again").empty();
  })) << daemon.log();
  EXPECT_EQ(times(daemon.log(), "left alone"), 1U) << daemon.log();
}

TEST_F(HotFolder, IsServedByOneDaemonAtATimeWhateverTheirSpools) {
  configure("after = \"remove\"\n");
  Program first = serve();
  Lab other(settings("after = \"remove\"\n"));
  const Program second = other.daemon();
  ASSERT_TRUE(eventually([&] { return second.said("standing by"); })) << second.log();
  put("one.png");
  ASSERT_TRUE(completes(1)) << first.log();
  EXPECT_EQ(times(second.log(), "standing by"), 1U) << second.log();
  EXPECT_EQ(other.jobs(), 0);
  first.kill();
  ASSERT_TRUE(eventually([&] { return second.said("that another daemon has left"); }));
  put("two.png");
  EXPECT_TRUE(eventually([&] { return other.jobs() == 1; })) << second.log();
  EXPECT_EQ(lab_.jobs(), 1);
}

TEST_F(HotFolder, OfOneSpoolIsLeftToItsDaemon) {
  Lab other;
  const std::string its = "after = \"remove\"\nspool = \"" + other.spool_path() + "/.\"\n";
  configure(its);
  other.configure(settings(its));
  const Program first = lab_.daemon();
  ASSERT_TRUE(eventually([&] { return first.said("entered the spool"); })) << first.log();
  const Program second = other.daemon();
  ASSERT_TRUE(eventually([&] { return second.said("watching an intake folder"); }));
  put("one.png");
  EXPECT_TRUE(eventually([&] { return other.jobs() == 1; })) << second.log();
  EXPECT_FALSE(first.said("watching an intake folder")) << first.log();
  EXPECT_EQ(lab_.jobs(), 0);
}

TEST_F(HotFolder, IsFollowedWhereALinkLeadsAlsoWhenThatChanges) {
  configure("after = \"remove\"\n");
  for (const char* real : {"one", "two"}) {
    ASSERT_EQ(::mkdir(lab_.folder().file(real).c_str(), 0700), 0);
  }
  ASSERT_EQ(::rmdir(in().c_str()), 0);
  ASSERT_EQ(::symlink("one", in().c_str()), 0);
  const auto daemon = serve();
  put("first.png");
  ASSERT_TRUE(completes(1)) << daemon.log();
  ASSERT_TRUE(eventually([&] { return names_in(in()).empty(); }));
  ASSERT_EQ(::symlink("two", lab_.folder().file("other").c_str()), 0);
  ASSERT_EQ(::rename(lab_.folder().file("other").c_str(), in().c_str()), 0);
  ASSERT_TRUE(eventually([&] { return times(daemon.log(), "watching an intake folder") == 2; }))
      << daemon.log();
  put("second.png");
  EXPECT_TRUE(completes(2)) << daemon.log();
}

TEST_F(HotFolder, KnowsWhatItKeepsAlsoAfterAReload) {
  configure("after = \"keep\"\n");
  const auto daemon = serve();
  put("kept.png");
  ASSERT_TRUE(completes(1)) << daemon.log();
  daemon.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return daemon.said("reloaded; workers"); })) << daemon.log();
  put("later.png");  // settles; what was there before would have settled with it
  ASSERT_TRUE(completes(2)) << daemon.log();
  EXPECT_EQ(times(daemon.log(), "taken in"), 2U) << daemon.log();
}

TEST_F(HotFolder, WaitsForAnUploadThatStallsUntilItIsClosed) {
  configure("after = \"remove\"\n");
  const auto daemon = serve();
  const std::string_view image = bytes(kTinyPng);
  Fd upload(::open((in() + "/stalls.png").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(upload.get(), image.data(), 10), 10);
  Fd empty(::open((in() + "/empty.png").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  put("later.png");  // settles; what was written before would have, too
  ASSERT_TRUE(completes(1)) << daemon.log();
  ASSERT_TRUE(eventually([&] { return names_in(in()).size() == 2; }));
  EXPECT_EQ(names_in(in()), (std::vector<std::string>{"empty.png", "stalls.png"}));
  const auto rest = static_cast<ssize_t>(image.size()) - 10;
  ASSERT_EQ(::write(upload.get(), image.data() + 10, static_cast<size_t>(rest)), rest);
  upload = Fd();
  ASSERT_TRUE(completes(2)) << daemon.log();
  EXPECT_FALSE(daemon.said("not taken in")) << daemon.log();
}

TEST_F(HotFolder, ThatKeepsMoreFilesThanAreLookedAtSaysSo) {
  configure("after = \"keep\"\n");
  for (int i = 0; i <= 20'000; ++i) lab_.folder().write("in/" + std::to_string(i) + ".png", "");
  const auto daemon = lab_.daemon();
  EXPECT_TRUE(eventually([&] { return daemon.said("holds too many"); })) << daemon.log();
}

TEST_F(HotFolder, MovesOriginalsAndReplacesNothing) {
  configure("after = \"move\"\nmove_to = \"" + done() + "\"\n");
  lab_.folder().write("done/same.png", "mine");
  const auto daemon = serve();
  put("same.png");
  ASSERT_TRUE(completes(1)) << daemon.log();
  EXPECT_TRUE(eventually([&] { return names_in(done()).size() == 2; }));
  EXPECT_EQ(read_file(done() + "/same.png"), "mine");
  EXPECT_EQ(read_file(done() + "/same-2.png"), bytes(kTinyPng));
  EXPECT_TRUE(names_in(in()).empty());
}

TEST_F(HotFolder, LeavesAloneWhatIsNotForIt) {
  configure("after = \"remove\"\n");
  const auto daemon = serve();
  for (const char* name : {".hidden.png", "half.png.part", "half.crdownload", "backup.png~"}) {
    put(name);
  }
  ASSERT_EQ(::mkdir((in() + "/folder.png").c_str(), 0700), 0);
  ASSERT_EQ(::symlink("/etc/passwd", (in() + "/link.png").c_str()), 0);
  ASSERT_EQ(::mkfifo((in() + "/pipe.png").c_str(), 0600), 0);
  lab_.folder().write("in/empty.png", "");
  put("real.png");
  ASSERT_TRUE(completes(1)) << daemon.log();
  EXPECT_TRUE(eventually([&] { return names_in(in()).size() == 8; })) << names_in(in()).size();
}

TEST_F(HotFolder, RefusesAFileThatIsTooLargeAndSaysSoOnce) {
  configure("after = \"remove\"\n[limits]\nmax_file_bytes = \"1KiB\"\n");
  const auto daemon = serve();
  lab_.folder().write("in/large.png", std::string(2048, 'x'));
  ASSERT_TRUE(eventually([&] { return daemon.said("not taken in"); })) << daemon.log();
  put("small.png");
  ASSERT_TRUE(completes(1)) << daemon.log();
  put("another.png");  // by now it has been met again
  ASSERT_TRUE(completes(2)) << daemon.log();
  ASSERT_TRUE(eventually([&] { return names_in(in()).size() == 1; }));
  const std::string log = daemon.log();
  EXPECT_EQ(log.find("not taken in"), log.rfind("not taken in")) << log;
  EXPECT_EQ(names_in(in()), std::vector<std::string>{"large.png"});
}

TEST_F(HotFolder, WaitsWhileTheSpoolHasLessRoomThanItShallKeep) {
  configure("after = \"remove\"\n");
  const std::string roomy = read_file(lab_.folder().file("imgq.toml"));
  std::string narrow = roomy;
  narrow.replace(narrow.find("\"0\""), 3, "4000000000000000");
  lab_.folder().write("imgq.toml", narrow);
  const auto daemon = serve();
  put("photo.png");
  ASSERT_TRUE(eventually([&] { return daemon.said("no room for what"); })) << daemon.log();
  EXPECT_EQ(names_in(in()), std::vector<std::string>{"photo.png"});
  lab_.folder().write("imgq.toml", roomy);
  daemon.signal(SIGHUP);
  EXPECT_TRUE(completes(1)) << daemon.log();
}

TEST_F(HotFolder, ThatIsMissingIsSaidAndServedOnceItIsThere) {
  ASSERT_EQ(::rmdir(in().c_str()), 0);
  configure("after = \"remove\"\n");
  const auto daemon = lab_.daemon();
  ASSERT_TRUE(eventually([&] { return daemon.said("cannot read an intake folder"); }));
  ASSERT_EQ(::mkdir(in().c_str(), 0700), 0);
  ASSERT_TRUE(eventually([&] { return daemon.said("watching an intake folder"); }));
  put("late.png");
  EXPECT_TRUE(completes(1)) << daemon.log();
}

}  // namespace
}  // namespace imgq::test
