// A daemon that has nothing to do: how often it wakes, and what it does in time all the same.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <utility>

#include "spool/layout.h"
#include "src/jobs/hang_report.h"
#include "src/supervise/scheduler.h"
#include "src/util/clock.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

// Where time passes at once, from ring to ring of the timers, while nothing is done elsewhere.
class HurriedLoop final : public supervise::Loop {
 public:
  HurriedLoop() { faults::add({.call = "sleep", .code = EINTR, .times = -1}); }

  // Until that is so; then time passes as ever, and this is called.
  void hurry_until(std::function<bool()> is_so, std::function<void()> then) {
    is_so_ = std::move(is_so);
    then_ = std::move(then);
  }
  void hurry(milliseconds time, std::function<void()> then) {
    const int64_t end_ms = sys::monotonic_ms() + time.count();
    hurry_until([end_ms] { return sys::monotonic_ms() >= end_ms; }, std::move(then));
  }
  void hangs() { ++hanging_; }  // a task; told by the thread that does it

  struct Count {
    int64_t rings = 0, tasks = 0;
  };
  Count count_anew() { return std::exchange(count_, {}); }

  void in_background(std::function<void()> work, std::function<void()> done) override {
    ++count_.tasks;
    ++under_way_;
    Loop::in_background(std::move(work), [this, done = std::move(done)] {
      --under_way_;
      done();
    });
  }

 private:
  bool wait(int64_t most_ms) override {
    if (is_so_ && is_so_()) {
      is_so_ = nullptr;
      std::exchange(then_, nullptr)();
      return Loop::wait(0);
    }
    if (!is_so_) return Loop::wait(most_ms);
    if (under_way_ > hanging_) return Loop::wait(std::min<int64_t>(most_ms, 10));
    ++count_.rings;
    sys::sleep_ms(most_ms);
    return Loop::wait(0);
  }

  std::function<bool()> is_so_;
  std::function<void()> then_;
  int under_way_ = 0;
  std::atomic<int> hanging_ = 0;
  Count count_;
};

// With settings as they are by default. It is idle once the job that is there at first has ended.
class Idle : public lab::SpoolTest {
 protected:
  Idle() {
    kept_.settings.config.workers = 1;
    kept_.settings.worker_program = IMGQ_TEST_WORKER;
    submit_one();
  }

  void when_idle(std::function<void()> call) {
    kept_.settings.ended = [call = std::move(call)](const Outcome& /*of*/, const Ticket& /*of*/) {
      call();
    };
  }
  void serve() {
    supervise::Scheduler scheduler(loop_, spool_, kept_);
    scheduler_ = &scheduler;
    const auto tally = scheduler.run();
    EXPECT_TRUE(tally) << tally.error().text();
  }
  void stop() { scheduler_->stop_requested(SIGTERM); }

  HurriedLoop loop_;
  supervise::Scheduler::Kept kept_;
  supervise::Scheduler* scheduler_ = nullptr;
};

// The heart beats every two seconds, or a twentieth sooner; what else comes so often goes with it,
// in one task. Alone come what purges, every minute, and on a slow host what took its time. A ring
// wakes this thread, a task another and then this one; and there is who looks for calls that hang.
void expect_an_hour_of_nothing(const HurriedLoop::Count& hour) {
  EXPECT_GE(hour.rings, 3600 / 2);
  EXPECT_LE(hour.rings, 3600 / 1.9 + 100);
  EXPECT_GE(hour.tasks, hour.rings);
  const int64_t looks = milliseconds(minutes(60)) / next_look(Config{}.io_stalled, milliseconds(0));
  EXPECT_LE(hour.rings + 2 * hour.tasks + looks, 2 * 3600);
}

TEST_F(Idle, WakesTwiceASecondAtMostBeforeAndAfterAJobHotFoldersIncluded) {
  for (const char* name : {"in", "there", "elsewhere"}) {
    HotFolder& folder = kept_.settings.config.hot_folders.emplace_back();
    folder.directory = scratch_ / name;
    folder.preset = "some";
    std::filesystem::create_directory(folder.directory);
  }
  int jobs = 0;
  when_idle([&] {
    const bool last = ++jobs == 2;
    loop_.hurry(minutes(5), [this, last] {
      (void)loop_.count_anew();
      loop_.hurry(minutes(60), [this, last] {
        expect_an_hour_of_nothing(loop_.count_anew());
        if (last) return stop();
        submit_one();
      });
    });
  });
  serve();
  EXPECT_EQ(jobs, 2);
}

TEST_F(Idle, RunsADelayedJobWhenItIsDue) {
  const JobId id = submit_one();
  const int64_t due_ms = now_ms() + milliseconds(minutes(7)).count() + 777;
  const std::string delayed = path(layout::delayed(due_ms, {id, 1}));
  std::filesystem::rename(path(layout::staging({id, 1})), delayed);
  int64_t promoted_ms = 0;
  when_idle([&] {
    if (promoted_ms > 0) return stop();
    loop_.hurry_until([&delayed] { return !lab::is_there(delayed); },
                      [&] { promoted_ms = now_ms(); });
  });
  serve();
  EXPECT_GE(promoted_ms, due_ms);
  EXPECT_LT(promoted_ms, due_ms + 1000);  // it is looked every two seconds
}

// Whatever the daemon asks its spool for meanwhile.
struct Hanging {
  const char *call, *path, *what;
};
class IdleWhile : public Idle, public testing::WithParamInterface<Hanging> {};

TEST_P(IdleWhile, ACallHangsItsHeartBeatsOn) {
  std::promise<void> answer;
  std::mutex mutex;
  std::vector<int64_t> beats_ms;
  bool hung = false;
  const std::string other =
      "processing/elsewhere.00000000000000000000000000000000.7.00000000000000aa";
  std::filesystem::create_directory(path(other));
  lab::write_file(path(other) + "/.alive", "");
  when_idle([&] {
    faults::add({.call = GetParam().call, .path = GetParam().path, .run = [&] {
                   loop_.hangs();
                   hung = true;
                   answer.get_future().wait();
                 }});
    faults::add({.call = "set_mtime", .times = -1, .run = [&] {
                   const std::lock_guard lock(mutex);
                   beats_ms.push_back(sys::monotonic_ms());
                 }});
    loop_.hurry(minutes(2), [&] {
      answer.set_value();
      stop();
    });
  });
  serve();
  EXPECT_TRUE(hung);
  ASSERT_GE(beats_ms.size(), 50U);
  for (size_t i = 1; i < beats_ms.size(); ++i) {
    EXPECT_LT(beats_ms[i] - beats_ms[i - 1], 3000);  // two seconds, and a slow host
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, IdleWhile,
                         testing::Values(Hanging{"list", "staging", "scan"},
                                         Hanging{"list", "delayed", "promote"},
                                         Hanging{"openat", "elsewhere", "recover"}),
                         [](const auto& call) { return std::string(call.param.what); });

// A call may begin at any moment between two looks at none.
TEST(CallsThatHang, AreLookedAtTwiceWithinHalfAsLongAgainAndSeldomWhenThereAreNone) {
  EXPECT_EQ(next_look(std::chrono::seconds(10), milliseconds(0)), std::chrono::seconds(10));
  for (const int seconds : {1, 2, 10, 30, 3600}) {
    const milliseconds stalled = std::chrono::seconds(seconds);
    const milliseconds seldom = next_look(stalled, milliseconds(0));
    for (milliseconds waits{0}; waits <= seldom; waits += milliseconds(10)) {
      milliseconds now = waits;  // since it began
      for (int seen = now >= stalled ? 1 : 0; seen < 2; seen += now >= stalled ? 1 : 0) {
        now += next_look(stalled, now);
      }
      EXPECT_LE(now, stalled + std::max(stalled / 2, milliseconds(1000))) << seconds;
    }
  }
}

}  // namespace
}  // namespace imgq::test
