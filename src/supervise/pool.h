#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/supervise/job.h"
#include "src/supervise/loop.h"
#include "src/supervise/worker.h"

namespace imgq::supervise {

// The workers and the jobs that wait for one. Every job added comes back exactly once, judged or
// dropped. A worker that dies is replaced, at once at first, then ever more slowly while none
// gets anything done.
//
// One order at a time goes to a worker; what waits does so here, open and ready. So a death costs
// nobody else's attempt, a slow image holds nobody up, and everything that waits can be given back.
class Pool {
 public:
  struct Callbacks {
    std::function<void(JobPtr, Verdict)> judged;
    std::function<void(JobPtr)> dropped;  // by drop() or kill_all()
    std::function<void()> changed;        // there may be room, or nothing left to do
    std::function<void(Error)> broken;    // no worker is there, and none can be started any more
  };
  Pool(Loop& loop, WorkerCommand command, int workers, Callbacks callbacks);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void start();
  void add(JobPtr job);

  int workers() const { return wanted_; }
  size_t waiting() const { return queue_.size(); }
  size_t running() const { return busy_.size(); }
  bool has_ready_worker() const;
  bool empty() const { return slots_.empty(); }  // of processes
  std::vector<Claim> claims() const;             // of all jobs here

  // Takes a job out, its worker killed when it is running. Nothing when it is not here (any more).
  void drop(const JobId& id);

  // Takes out what has not begun.
  std::vector<JobPtr> take_waiting();

  // Kills the busy workers and takes out all jobs.
  void drop_all();

  // From now on with other limits and another number: each worker is replaced once it is idle.
  void change(WorkerCommand command, int workers);

  // No new workers; idle ones go home. `changed` is called as they go, until empty().
  void close();

 private:
  // A worker, and what it was started with.
  struct WorkerSlot {
    std::unique_ptr<Worker> worker;
    Limits limits;
    bool outdated = false;  // the limits have changed since
  };

  void spawn();
  void spawn_later();
  void spawn_one();
  void spawn_failed(const Error& error);
  void started_in_vain(const Error& error);
  void send_home_unless_busy();
  void dispatch();
  Worker* idle_worker();
  bool may_run(const Job& job, const Worker& worker) const;
  void make_way_for(const Job& job);
  void give(Worker& worker, JobPtr job);
  void answered(Worker& worker, Verdict verdict);
  void died(Worker& worker, const Death& death);
  void judge_death(JobPtr job, const Death& death, const Limits& limits);
  void count_idle_death(const Death& death, const Limits& limits);
  void run_again(JobPtr job);
  void retire_if_due(Worker& worker, bool wishes);
  JobPtr take_from(Worker& worker);
  bool heavy_running() const;

  Loop& loop_;
  WorkerCommand command_;
  int wanted_;
  Callbacks callbacks_;
  bool closing_ = false;
  int fruitless_ = 0;  // deaths in a row without an answer between
  int in_vain_ = 0;    // starts in a row that led to no ready worker
  std::map<Worker*, WorkerSlot> slots_;
  std::map<Worker*, JobPtr> busy_;
  std::deque<JobPtr> queue_;
  std::vector<std::unique_ptr<Worker>> reaped_;  // until the loop comes round
  Timer spawning_;
};

}  // namespace imgq::supervise
