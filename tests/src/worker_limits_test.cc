// The limits of a worker bite, and its supervisor can tell which one it was.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "src/supervise/engine.h"
#include "src/supervise/result_check.h"
#include "tests/src/bench.h"

namespace imgq::test {
namespace {

using supervise::Death;
using supervise::verdict_on;

Limits tight() {
  Limits limits;
  limits.wall_seconds = 1;
  limits.cpu_seconds = 30;
  return limits;
}

// Longer than the wall limit of `tight`.
void stand_still() { std::this_thread::sleep_for(std::chrono::milliseconds(1300)); }

// It had no CPU time: for all that is known its host gave it none.
TEST(WorkerLimits, AnEndlessWaitEndsAtFourTimesTheWallLimitAndIsNotBlamedOnTheImage) {
  Bench bench(IMGQ_TEST_FAULTY_WORKER, tight());
  const auto answer = bench.ask("sleep");
  ASSERT_FALSE(answer.verdict);
  EXPECT_EQ(answer.death.why, Death::Why::overdue);
  EXPECT_EQ(answer.death.extensions, 3);
  const Verdict verdict = verdict_on(answer.death, tight());
  EXPECT_EQ(verdict.code, Code::timed_out);
  EXPECT_EQ(verdict.signal, 0);
  EXPECT_NE(verdict.message.find("longer than 4 s"), std::string::npos) << verdict.message;
}

TEST(WorkerLimits, AWorkerThatItsHostLetsRunTooSeldomHasMoreTime) {
  Bench bench(IMGQ_TEST_FAULTY_WORKER, tight());
  bench.begin("ms-200", bytes(kTinyPng));
  const pid_t pid = bench.worker().pid();
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  std::thread waker([pid] {
    stand_still();
    (void)::kill(pid, SIGCONT);
  });
  EXPECT_TRUE(bench.wait_for_answer().verdict);
  waker.join();
}

// Only one that had the CPU: on a busy host it is asked again.
TEST(WorkerLimits, AnEndlessLoopEndsAtTheWallLimit) {
  Death death;
  for (int tries = 0; tries < 9 && (tries == 0 || death.extensions > 0); ++tries) {
    Bench bench(IMGQ_TEST_FAULTY_WORKER, tight());
    const auto answer = bench.ask("loop");
    ASSERT_FALSE(answer.verdict);
    death = answer.death;
  }
  EXPECT_EQ(death.why, Death::Why::overdue);
  const Verdict verdict = verdict_on(death, tight());
  EXPECT_EQ(verdict.code, Code::timed_out);
  if (death.extensions > 0) GTEST_SKIP() << "this host never let it run for half of a second";
  EXPECT_EQ(verdict.signal, SIGKILL);
}

TEST(WorkerLimits, AnAnswerThatCameWhileTheSupervisorStoodStillCounts) {
  Bench bench(IMGQ_TEST_FAULTY_WORKER, tight());
  bench.begin("ms-200", bytes(kTinyPng));
  stand_still();
  EXPECT_TRUE(bench.wait_for_answer().verdict);
}

TEST(WorkerLimits, AWorkerThatStoodStillWithItsSupervisorHasItsTimeAfterwards) {
  Bench bench(IMGQ_TEST_FAULTY_WORKER, tight());
  bench.begin("ms-200", bytes(kTinyPng));
  ASSERT_EQ(::kill(bench.worker().pid(), SIGSTOP), 0);
  stand_still();
  ASSERT_EQ(::kill(bench.worker().pid(), SIGCONT), 0);
  EXPECT_TRUE(bench.wait_for_answer().verdict);
}

TEST(WorkerLimits, AWorkerThatTalksMoreThanIsReadLosesItsWordsAndNotItsTime) {
  Bench bench(IMGQ_TEST_FAULTY_WORKER, tight());
  EXPECT_TRUE(bench.ask("talk").verdict);
}

TEST(WorkerLimits, AnEndlessLoopEndsAtTheCpuLimit) {
  Limits limits;
  limits.cpu_seconds = 1;
  Bench bench(IMGQ_TEST_FAULTY_WORKER, limits);
  const auto answer = bench.ask("loop");
  ASSERT_FALSE(answer.verdict);
  const Verdict verdict = verdict_on(answer.death, limits);
  EXPECT_EQ(verdict.code, Code::timed_out);
  EXPECT_EQ(verdict.signal, SIGXCPU);
}

TEST(WorkerLimits, MemoryEndsAtTheMemoryLimitAndIsToldApartFromACrash) {
  Limits limits;
  limits.memory_bytes = 64 << 20;
  Bench bench(IMGQ_TEST_FAULTY_WORKER, limits);
  const auto first = bench.ask("memory");
  ASSERT_FALSE(first.verdict);
  EXPECT_EQ(verdict_on(first.death, limits).code, Code::too_large) << first.death.last_words;
  ASSERT_TRUE(bench.ask("good").verdict);
  const auto later = bench.ask("memory");
  ASSERT_FALSE(later.verdict);
  EXPECT_EQ(verdict_on(later.death, limits).code, Code::out_of_memory) << later.death.last_words;
}

TEST(WorkerLimits, EachOtherWayToDieIsACrashWithItsCause) {
  Bench bench(IMGQ_TEST_FAULTY_WORKER, Limits{});
  const auto exited = bench.ask("exit");
  ASSERT_FALSE(exited.verdict);
  EXPECT_EQ(exited.death.end.exit_code, 3);
  EXPECT_EQ(verdict_on(exited.death, {}).code, Code::crashed);
  const auto killed = bench.ask("signal");
  ASSERT_FALSE(killed.verdict);
  EXPECT_EQ(verdict_on(killed.death, {}).signal, SIGSEGV);
  const auto silent = bench.ask("close");
  ASSERT_FALSE(silent.verdict);
  EXPECT_EQ(verdict_on(silent.death, {}).code, Code::crashed);
}

TEST(WorkerLimits, AWorkerThatTalksGarbageIsKilled) {
  Bench bench(IMGQ_TEST_FAULTY_WORKER, Limits{});
  const auto answer = bench.ask("garbage");
  ASSERT_FALSE(answer.verdict);
  EXPECT_EQ(answer.death.why, Death::Why::garbage);
  EXPECT_EQ(verdict_on(answer.death, {}).code, Code::crashed);
}

TEST(WorkerLimits, AWorkerAsksToBeReplacedAfterItsShareOfJobs) {
  Limits limits;
  limits.recycle_jobs = 3;
  limits.recycle_rss_bytes = int64_t{1} << 40;
  Bench bench(IMGQ_TEST_WORKER, limits);
  for (int job = 1; job <= 3; ++job) {
    const auto answer = bench.ask("");
    ASSERT_TRUE(answer.verdict);
    EXPECT_EQ(answer.verdict->recycle, job == 3) << job;
  }
}

TEST(WorkerLimits, AWorkerAsksToBeReplacedWhenItHasGrown) {
  Limits limits;
  limits.recycle_rss_bytes = 1 << 20;  // it is larger from the start
  Bench bench(IMGQ_TEST_WORKER, limits);
  const auto answer = bench.ask("");
  ASSERT_TRUE(answer.verdict);
  EXPECT_TRUE(answer.verdict->recycle);
  EXPECT_GT(answer.verdict->peak_kib, 1024);
}

TEST(WorkerLimits, ARetiredWorkerGoesHomeByItself) {
  Bench bench(IMGQ_TEST_WORKER, Limits{});
  ASSERT_TRUE(bench.ask("").verdict);
  bench.worker().retire();
  const Death death = bench.wait_for_death();
  EXPECT_EQ(death.why, Death::Why::asked);
  EXPECT_EQ(death.end.exit_code, 0);
  EXPECT_EQ(death.end.signal, 0);
}

TEST(Inspect, SaysWhatAnImageIsWithoutASpool) {
  const Folder folder;
  folder.write("image", bytes(kTinyJpeg));
  const Fd image(::open(folder.file("image").c_str(), O_RDONLY | O_CLOEXEC));
  const auto verdict = supervise::inspect(image.get(), Limits{}, IMGQ_TEST_WORKER);
  ASSERT_TRUE(verdict) << verdict.error().text();
  EXPECT_EQ(verdict->code, Code::ok);
  EXPECT_EQ(verdict->source.format, "jpeg");
  EXPECT_EQ(verdict->source.height_px, 48);
}

TEST(Inspect, SaysWhenThereIsNoWorker) {
  const auto missing = supervise::inspect(0, Limits{}, "/nonexistent/imgq-worker");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ENOENT);
  const auto no_worker = supervise::inspect(0, Limits{}, "/bin/false");
  ASSERT_FALSE(no_worker);
  EXPECT_EQ(no_worker.error().code, ECHILD);
}

}  // namespace
}  // namespace imgq::test
