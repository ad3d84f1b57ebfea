#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "spool/records.h"
#include "src/supervise/loop.h"

namespace imgq::supervise {

// Runs a local program after a job has ended: PROGRAM ID STATE, with IMGQ_ID, IMGQ_STATE, IMGQ_CODE
// (when failed), IMGQ_NAME and IMGQ_SPOOL in its environment. After the outcome is published, so
// whatever it does never touches the job; at most once, so what must not be missed asks the spool.
// At most kAtOnce at a time, each at most kLimit; more than kMaxWaiting waiting: newer ones are
// not run.
class Hook {
 public:
  static constexpr size_t kAtOnce = 4;
  static constexpr size_t kMaxWaiting = 10'000;
  static constexpr std::chrono::milliseconds kLimit{30'000};

  Hook(Loop& loop, std::string spool_path, std::function<void()> changed);
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  void change(std::string program) { program_ = std::move(program); }  // empty: none
  void run(const Outcome& outcome, const Ticket& ticket);
  bool idle() const { return waiting_.empty() && running_.empty(); }

  // Kills what runs and runs nothing more.
  void close();

 private:
  struct Running {
    std::unique_ptr<Process> process;
    std::unique_ptr<Timer> limit;
  };
  void go_on();
  void begin(const Process::Start& call);
  void ended(int number, const std::string& id, ProcessEnd end);

  Loop& loop_;
  const std::string spool_path_;
  std::function<void()> changed_;
  std::string program_;
  std::deque<Process::Start> waiting_;
  std::map<int, Running> running_;
  int next_ = 0;
  bool full_ = false;  // said so
  bool closed_ = false;
  Timer again_;
};

}  // namespace imgq::supervise
