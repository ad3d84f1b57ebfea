#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "spool/hooks.h"
#include "spool/job_id.h"
#include "spool/spool.h"
#include "src/supervise/loop.h"

namespace imgq::supervise {

// Works off the hooks that are owed in a spool (spool/hooks.h), whoever ended the jobs: runs a
// local program, PROGRAM ID STATE, with IMGQ_ID, IMGQ_STATE, IMGQ_CODE (when failed), IMGQ_NAME and
// IMGQ_SPOOL in its environment. After the outcome is published, so whatever it does never touches
// the job; at least once, for one that was cut short is run again. At most kAtOnce at a time, each
// at most kLimit, which is an end like another. One that cannot be started, or dies of a signal
// that we did not send, is tried again after kAgain.
class Hook {
 public:
  static constexpr size_t kAtOnce = 4;
  static constexpr size_t kMostKnown = 10'000;  // of more that are owed the folder is read again
  static constexpr std::chrono::milliseconds kLimit{30'000};
  static constexpr std::chrono::milliseconds kLook{5'000};
  static constexpr std::chrono::milliseconds kAgain{60'000};

  // Calls `changed` whenever it may have become idle.
  Hook(Loop& loop, const Spool& spool, std::function<void()> changed);
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  void change(const std::string& program);  // empty: none is run, and none owed from now on
  void owed(const JobId& id);               // its job has just ended
  bool idle() const { return waiting_.empty() && running_.empty() && taking_ + settling_ == 0; }

  // Told to stop: runs what is owed and is done then. Once one cannot be started, or is killed at
  // its limit, no more are begun: what is owed after that stands.
  void drain();
  bool drained() const { return idle() && (drain_ == Drain::over || program_.empty()); }

  // Kills what runs and runs nothing more; all that stands.
  void close();

 private:
  enum class Drain { none, looking, over };
  struct Running {
    std::unique_ptr<Process> process;
    std::unique_ptr<Timer> limit;
    OwedHook hook;
    bool overstayed = false;
  };
  void look();
  void looked(const Result<std::vector<JobId>>& ids);
  void add(const JobId& id);
  void go_on();
  void took(const JobId& id, Result<std::optional<OwedHook>> hook);
  void run(OwedHook hook);
  void not_started(const JobId& id, const Error& error);
  void ended(const JobId& id, ProcessEnd end);
  void settle(OwedHook hook);
  void put_off(const JobId& id);
  void done_with(const JobId& id);
  void give_up();
  void complain(const JobId& id, const Error& error);

  Loop& loop_;
  const Spool& spool_;
  std::function<void()> changed_;
  std::string program_;
  std::deque<JobId> waiting_;
  std::set<JobId> known_;  // waiting, taken, running or being settled
  std::map<JobId, Running> running_;
  std::map<JobId, int64_t> put_off_;  // until then, by the monotonic clock
  int64_t pause_until_ms_ = 0;        // the program cannot be started
  size_t taking_ = 0, settling_ = 0;
  bool looking_ = false;
  bool ran_any_ = false;  // since the last look
  bool begins_none_ = false;
  Drain drain_ = Drain::none;
  std::string complaint_;  // said last, so that lasting trouble is said once
  Timer look_again_;
  Timer again_;
};

}  // namespace imgq::supervise
