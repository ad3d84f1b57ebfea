#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "spool/recover.h"
#include "spool/retain.h"
#include "spool/spool.h"
#include "src/supervise/loop.h"

namespace imgq::supervise {

// What keeps a spool in order beside the jobs: takes over from dead owners, sweeps tmp/, purges
// ended jobs by policy in small batches. One thing at a time, on another thread.
class Housekeeping {
 public:
  struct Policy {
    std::chrono::milliseconds lease{30'000};
    Retention retention;
    bool housekeeping = true;  // sweep and retention
  };
  struct Callbacks {
    std::function<void()> recovered;  // after the first look, and whenever jobs came back
  };
  Housekeeping(Loop& loop, const Spool& spool, const Policy& policy, Callbacks callbacks);

  void change(const Policy& policy) { policy_ = policy; }
  void start();  // sweeps and purges: what makes room must not wait for some
  void recover_for(const std::string& me);  // again, under the new name, after a loss
  void stop();

 private:
  void recover_others();
  void recovered(const Result<Recovered>& found);
  void sweep();
  void purge();
  void purged(const Result<Retained>& gone);

  Loop& loop_;
  const Spool& spool_;
  Policy policy_;
  Callbacks callbacks_;
  std::string me_;
  Heartbeats heartbeats_;  // used by recover_others' background work, never twice at once
  bool recovering_ = false;
  bool first_look_ = true;
  bool stopped_ = false;
  std::string complaint_, purge_complaint_;  // said last, so that lasting trouble is said once
  Timer recovery_;
  Timer sweeping_;
  Timer purging_;
};

}  // namespace imgq::supervise
