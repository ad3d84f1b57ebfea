#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/base/limits.h"
#include "src/base/verdict.h"
#include "src/base/wire.h"
#include "src/supervise/loop.h"
#include "src/util/fd.h"

namespace imgq::supervise {

// How a worker ended.
struct Death {
  ProcessEnd end;
  enum class Why {
    itself,   // by its own fault or wish
    overdue,  // killed: over the wall limit
    garbage,  // killed: it did not keep to the wire protocol
    asked,    // killed or sent home by us
  } why = Why::itself;
  std::string last_words;  // the end of its stderr
  bool first_job = false;  // nothing had been asked of it before
  bool ever_ready = false;
  int extensions = 0;  // overdue: how often the wall limit was given once more, at most 3
};

// One worker process as its supervisor sees it: idle or busy with one order.
class Worker {
 public:
  enum class Phase { starting, idle, busy, leaving };
  class Supervisor {
   public:
    virtual void ready(Worker& worker) = 0;
    virtual void answered(Worker& worker, Verdict verdict) = 0;  // it is idle again
    virtual void died(Worker& worker, const Death& death) = 0;   // destroy it; was_busy() is kept

   protected:
    ~Supervisor() = default;
  };
  //   errors  of pipe2(2), socketpair(2), fork(2), execve(2)
  static Result<std::unique_ptr<Worker>> start(Loop& loop, const std::string& program,
                                               const Limits& limits, Supervisor& supervisor);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Phase phase() const { return phase_; }
  bool was_busy() const { return busy_; }
  int answered() const { return answered_; }
  int pid() const { return process_ ? process_->pid() : 0; }

  // Gives an idle worker an order; `fds` stay the caller's. The wall limit starts now, and once
  // more at its end, at most three times, while the worker has had less CPU time than half of what
  // has passed: then its host is to blame, not the image.
  //   errors  of sendmsg(2); EMSGSIZE the order is too long to be sent; EPROTO it has spoken
  //   unasked
  Status give(const wire::Order& order, const std::vector<int>& fds);

  // Sends it home once it is idle: its socket is closed, it ends by itself or is killed.
  void retire();

  // Ends it now; no answer comes from it any more.
  void kill();

 private:
  Worker(Loop& loop, const Limits& limits, Supervisor& supervisor, Fd socket, Fd words);
  void allow(std::chrono::milliseconds limit);
  void part_passed();
  bool starves() const;
  void read_socket();
  void hung_up();
  void take(const wire::Packet& packet);
  void condemn(Death::Why why);
  void end_reading();
  void ended(ProcessEnd end);
  std::string read_words();

  const std::chrono::seconds wall_;
  Supervisor& supervisor_;
  Fd socket_;
  Fd words_;  // its stderr
  Phase phase_ = Phase::starting;
  bool busy_ = false;
  bool hung_up_ = false;
  bool ever_ready_ = false;
  bool dead_ = false;
  bool deaf_ = false;  // what it still says counts no more
  int answered_ = 0;
  Death::Why why_ = Death::Why::itself;
  Timer deadline_;  // rings for each part of the limit that has passed
  std::chrono::milliseconds part_{0};
  int parts_left_ = 0;
  int extensions_ = 0;
  std::chrono::nanoseconds cpu_before_{0};  // the order
  std::unique_ptr<Readable> readable_;
  std::unique_ptr<Process> process_;
};

}  // namespace imgq::supervise
