// imgqd over confined workers: what becomes of jobs, and of the others beside them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "spool/control.h"
#include "spool/layout.h"
#include "spool/list.h"
#include "spool/source.h"
#include "spool/submit.h"
#include "tests/src/lab.h"

namespace imgq::test {
namespace {

TEST(Jobs, AreDoneWhetherSubmittedBeforeOrWhileTheDaemonRuns) {
  Lab lab;
  const auto before = lab.submit_many(5);
  const auto daemon = lab.daemon();
  ASSERT_TRUE(lab.all_reach(before, State::completed)) << daemon.log();
  const JobId later = lab.submit();
  ASSERT_TRUE(lab.reaches(later, State::completed)) << daemon.log();
  const auto view = lab.view(later);
  ASSERT_EQ(view.outcome->results.size(), 1U);
  EXPECT_EQ(view.outcome->results[0].rendition, "thumb");
  EXPECT_TRUE(open_result(lab.spool(), later, view.outcome->results[0]));
  EXPECT_TRUE(eventually([&] { return !exists(lab.spool_path() + "/" + layout::source(later)); }));
  lab.expect_in_order();
}

TEST(Jobs, KeepTheirSourceWhenAskedTo) {
  Lab lab("jobs.keep_source = true\n");
  const JobId job = lab.submit();
  EXPECT_EQ(lab.daemon({"--drain"}).wait(), 0);
  EXPECT_TRUE(exists(lab.spool_path() + "/" + layout::source(job)));
}

TEST(Jobs, PoisonOfThreeKindsFailsWithItsCauseWhileOthersComplete) {
  Lab lab(
      "jobs.retry_first = \"1s\"\nlimits.cpu_seconds = 1\nlimits.memory_bytes = \"64MiB\"\n"
      "limits.heavy_bytes = \"64MiB\"\n");
  const JobId by_signal = lab.submit("signal");
  const JobId by_loop = lab.submit("loop");
  const JobId by_memory = lab.submit("memory");
  const auto good = lab.submit_many(20);
  const auto daemon = lab.daemon({"--workers", "2"});
  EXPECT_TRUE(lab.all_reach(good, State::completed)) << daemon.log();
  for (const JobId& job : {by_signal, by_loop, by_memory}) {
    ASSERT_TRUE(lab.reaches(job, State::failed)) << daemon.log();
  }
  EXPECT_EQ(lab.cause(by_signal).code, "poison");
  EXPECT_EQ(lab.cause(by_signal).signal, SIGSEGV);
  EXPECT_EQ(lab.cause(by_loop).code, "poison");
  EXPECT_EQ(lab.cause(by_loop).signal, SIGXCPU);
  EXPECT_NE(lab.cause(by_loop).message.find("more than 1 s of CPU"), std::string::npos);
  EXPECT_EQ(lab.cause(by_memory).code, "too_large");
  ASSERT_TRUE(lab.reaches(lab.submit(), State::completed)) << daemon.log();
  lab.expect_in_order();
}

TEST(Jobs, ThatComeBackGoBeforeThoseThatHaveNotBeenTried) {
  Lab lab("jobs.retry_first = \"2s\"\n");
  const JobId back = lab.submit("io", bytes(kTinyPng), 2);
  const auto others = lab.submit_many(25, "ms-200");
  const auto daemon = lab.daemon({"--workers", "1"});
  ASSERT_TRUE(lab.reaches(back, State::failed)) << daemon.log();
  EXPECT_EQ(lab.view(back).attempts, 2);
  EXPECT_EQ(lab.state(others.back()), State::staging);
}

// Of those that were given back no others are claimed in between, but for a group under way.
TEST(Jobs, OfADeadHostAreTheNextToBeClaimed) {
  Lab lab("daemon.lease = \"5s\"\n");
  const std::filesystem::path spool(lab.spool_path());
  const auto owner =
      spool / "processing/elsewhere.00000000000000000000000000000000.7.00000000000000aa";
  const JobId back = lab.submit();
  std::filesystem::create_directory(owner);
  lab.folder().write("spool/processing/" + owner.filename().string() + "/.alive", "");
  std::filesystem::rename(spool / "staging" / (back.text() + ".1"), owner / (back.text() + ".1"));
  const auto others = lab.submit_many(40, "ms-1000");
  const auto daemon = lab.daemon({"--workers", "1"});
  ASSERT_TRUE(lab.reaches(back, State::completed)) << daemon.log();
  EXPECT_EQ(lab.state(others.back()), State::staging);
  const JobView job = lab.view(back);
  ASSERT_EQ(job.tries.size(), 1U);
  const auto between = [&](const JobId& id) {
    const auto outcome = lab.view(id).outcome;
    return outcome && outcome->started_ms > job.tries[0].ended_ms &&
           outcome->started_ms < job.outcome->started_ms;
  };
  EXPECT_LE(std::count_if(others.begin(), others.end(), between), 2);
}

TEST(Jobs, OfAHostThatLetsNoWorkerRunAreNoPoison) {
  Lab lab("jobs.retry_first = \"1s\"\nlimits.wall_seconds = 1\n");
  const JobId job = lab.submit("sleep");
  const auto daemon = lab.daemon();
  ASSERT_TRUE(lab.reaches(job, State::failed)) << daemon.log();
  EXPECT_EQ(lab.cause(job).code, "timed_out");
  EXPECT_EQ(lab.view(job).attempts, 3);
}

TEST(Jobs, WhoseWorkersAreKilledByOthersAreNoPoison) {
  Lab lab("jobs.retry_first = \"1s\"\njobs.retry_max = \"1s\"\n");
  const JobId job = lab.submit("killed");
  const auto daemon = lab.daemon();
  ASSERT_TRUE(lab.reaches(job, State::failed)) << daemon.log();
  EXPECT_EQ(lab.cause(job).code, "out_of_memory");
  EXPECT_EQ(lab.cause(job).signal, 0);
  EXPECT_EQ(lab.view(job).attempts, 3);
  for (const Try& each : lab.view(job).tries) EXPECT_EQ(each.cause.signal, 0);
}

TEST(Jobs, WhoseWorkersAreKilledByOthersAreRunAgainAloneAtOnce) {
  Lab lab;
  const auto others = lab.submit_many(4, "ms-200");
  const JobId job = lab.submit("crowded");
  const auto daemon = lab.daemon({"--workers", "2"});
  ASSERT_TRUE(lab.reaches(job, State::completed)) << daemon.log();
  EXPECT_TRUE(lab.view(job).tries.empty());
  EXPECT_TRUE(lab.all_reach(others, State::completed)) << daemon.log();
}

TEST(Jobs, EndBadlyWhenTheirWorkerLies) {
  Lab lab;
  const std::map<std::string, std::string> verdicts = {{"size", "wrong_result"},
                                                       {"length", "wrong_result"},
                                                       {"page", "wrong_result"},
                                                       {"nothing", "wrong_result"},
                                                       {"garbage", "crashed"},
                                                       {"exit", "crashed"},
                                                       {"close", "crashed"},
                                                       {"heavy-always", "internal_error"},
                                                       {"supervisor", "internal_error"}};
  std::map<std::string, JobId> jobs;
  for (const auto& [fault, code] : verdicts) {
    jobs.emplace(fault, lab.submit(fault, bytes(kTinyPng), 1));
  }
  const auto daemon = lab.daemon({"--workers", "2"});
  for (const auto& [fault, code] : verdicts) {
    ASSERT_TRUE(lab.reaches(jobs.at(fault), State::failed)) << fault << daemon.log();
    EXPECT_EQ(lab.cause(jobs.at(fault)).code, code) << fault;
    EXPECT_TRUE(lab.view(jobs.at(fault)).outcome->results.empty()) << fault;
  }
  lab.expect_in_order();
}

TEST(Jobs, FailAtOnceWhenTheImageTheRequestOrTheSourceIsAtFault) {
  Lab lab;
  const JobId no_image = lab.submit("good", "this is no image");
  const JobId no_source = lab.submit();
  ASSERT_EQ(::unlink((lab.spool_path() + "/" + layout::source(no_source)).c_str()), 0);
  std::vector<Draft> drafts(1);
  drafts[0].request = R"({"renditions":"all"})";
  const Fd file(sys::open(lab.folder().file("image").c_str(), O_RDONLY));
  auto copy = copy_source(lab.spool(), file.get(), 1 << 20);
  ASSERT_TRUE(copy);
  drafts[0].source = std::move(*copy);
  const auto submitted = submit(lab.spool(), std::move(drafts), Sync::none);
  ASSERT_TRUE(submitted.at(0));
  EXPECT_EQ(lab.daemon({"--drain"}).wait(), 0);
  EXPECT_EQ(lab.cause(no_image).code, "not_an_image");
  EXPECT_EQ(lab.cause(no_source).code, "source_missing");
  EXPECT_EQ(lab.cause(submitted[0]->id).code, "bad_request");
  for (const JobId& job : {no_image, no_source, submitted[0]->id}) {
    EXPECT_TRUE(lab.view(job).tries.empty());
  }
}

TEST(Jobs, WhoseSourceShrinksWhileItIsReadFailForGoodAndSayWhy) {
  Lab lab;
  const JobId job = lab.submit("shrunk");
  EXPECT_EQ(lab.daemon({"--drain"}).wait(), 0);
  EXPECT_EQ(lab.cause(job).code, "source_missing");
  EXPECT_EQ(lab.cause(job).message, "the file shrank while it was read");
  EXPECT_TRUE(lab.view(job).tries.empty());
}

// A header can say anything: what it says comes over the wire as it is, from the worker that users
// have.
TEST(Jobs, WhoseHeaderClaimsSidesOfMillionsFailAtOnceAndHurtNoWorker) {
  std::string png(bytes(kTinyPng)), webp(bytes(kTinyWebp));
  png.replace(16, 8, std::string("\x01\x31\x2d\x00\x00\x00\x00\x0a", 8));  // 20,000,000 x 10
  webp.replace(24, 6, "\xff\xff\xff\xff\xff\xff");                         // 2^24 a side
  Lab lab;
  const JobId wide = lab.submit("", png), huge = lab.submit("", webp);
  Program daemon = lab.daemon({"--drain"}, {"IMGQ_WORKER=" IMGQ_TEST_WORKER});
  EXPECT_EQ(daemon.wait(), 0) << daemon.log();
  for (const JobId& job : {wide, huge}) {
    EXPECT_EQ(lab.cause(job).code, "side_too_long") << lab.cause(job).message;
    EXPECT_TRUE(lab.view(job).tries.empty());
  }
}

TEST(Jobs, ThatFailInPassingAreTriedAgainAndThenGivenUp) {
  Lab lab("jobs.retry_first = \"1s\"\n");
  const JobId job = lab.submit("io", bytes(kTinyPng), 2);
  Program daemon = lab.daemon({"--drain"});
  EXPECT_EQ(daemon.wait(), 0) << daemon.log();
  EXPECT_EQ(lab.state(job), State::failed);
  EXPECT_EQ(lab.cause(job).code, "io_error");
  ASSERT_EQ(lab.view(job).tries.size(), 1U);
  EXPECT_EQ(lab.view(job).tries[0].cause.code, "io_error");
}

TEST(Jobs, ThatAreHeavyRunOneAtATimeBesideOthers) {
  Lab lab;
  const auto heavy = lab.submit_many(3, "heavy");  // 300 ms each
  const JobId light = lab.submit();
  const auto daemon = lab.daemon({"--workers", "3"});
  ASSERT_TRUE(lab.all_reach(heavy, State::completed)) << daemon.log();
  ASSERT_TRUE(lab.reaches(light, State::completed)) << daemon.log();
  std::vector<int64_t> ends;
  for (const JobId& job : heavy) ends.push_back(lab.view(job).outcome->ended_ms);
  std::sort(ends.begin(), ends.end());
  EXPECT_GE(ends[1] - ends[0], 250);
  EXPECT_GE(ends[2] - ends[1], 250);
  EXPECT_LT(lab.view(light).outcome->ended_ms, ends[2]);
}

TEST(Jobs, ThatAreCancelledWhileRunningMakeRoomForTheNext) {
  Lab lab;
  const JobId endless = lab.submit("sleep");
  const auto daemon = lab.daemon({"--workers", "1"});
  ASSERT_TRUE(lab.reaches(endless, State::processing)) << daemon.log();
  ASSERT_TRUE(cancel(lab.spool(), endless));
  EXPECT_TRUE(lab.reaches(lab.submit(), State::completed)) << daemon.log();
  EXPECT_EQ(lab.state(endless), State::cancelled);
  EXPECT_TRUE(lab.view(endless).tries.empty());
  EXPECT_TRUE(eventually([&] {
    const auto running = list(lab.spool(), State::processing, Order::oldest_first, 1);
    return running && running->empty();
  }));
  lab.expect_in_order();
}

TEST(Jobs, AreServedByFreshWorkersWhenTheOldOnesHaveDoneTheirShare) {
  Lab lab("limits.recycle_jobs = 2\n");
  const auto daemon = lab.daemon({"--workers", "1"});
  ASSERT_TRUE(lab.reaches(lab.submit(), State::completed)) << daemon.log();
  const auto first = daemon.children();
  ASSERT_EQ(first.size(), 1U);
  const auto further = lab.submit_many(4, "recycle");
  ASSERT_TRUE(lab.all_reach(further, State::completed)) << daemon.log();
  EXPECT_TRUE(eventually([&] {
    const auto now = daemon.children();
    return now.size() == 1 && now != first;
  }));
}

}  // namespace
}  // namespace imgq::test
