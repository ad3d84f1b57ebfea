#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "src/supervise/engine.h"
#include "src/supervise/job.h"
#include "src/supervise/listener.h"
#include "src/supervise/loop.h"
#include "src/supervise/memory_share.h"
#include "src/supervise/worker.h"

namespace imgq::supervise {

// The workers and the jobs that wait for one. Every job added comes back exactly once, judged or
// dropped. A worker that dies is replaced, at once at first, then ever more slowly while none
// gets anything done.
//
// One order at a time goes to a worker; what waits does so here, open and ready. So a death costs
// nobody else's attempt, a slow image holds nobody up, and everything that waits can be given back.
class Pool final : private Worker::Supervisor {
 public:
  // What is changed in `settings` counts from then on: limits and number once reload() is called.
  Pool(Loop& loop, const Settings& settings, Listener& listener);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void start() { spawn(); }
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
  std::deque<JobPtr> take_waiting() { return std::exchange(queue_, {}); }

  // Kills the busy workers and takes out all jobs.
  void drop_all();

  // Limits or number are others now: each worker is replaced once it is idle.
  void reload();

  // No new workers; idle ones go home. `changed` is called as they go, until empty().
  void close();

 private:
  // A worker, and what it was started with.
  struct WorkerSlot {
    std::unique_ptr<Worker> worker;
    Limits limits;
    bool outdated = false;  // the limits have changed since
  };

  MemoryShare share() const;
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
  void ready(Worker& worker) override;
  void answered(Worker& worker, Verdict verdict) override;
  void died(Worker& worker, const Death& death) override;
  void judge_death(JobPtr job, const Death& death, const Limits& limits);
  void count_idle_death(const Death& death, const Limits& limits);
  void run_again(JobPtr job);
  void retire_if_due(Worker& worker, bool wishes);
  JobPtr take_from(Worker& worker);
  bool runs(Slot slot) const;

  Loop& loop_;
  const Settings& settings_;
  int wanted_;
  Listener& listener_;
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
