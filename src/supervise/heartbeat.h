#pragma once

#include <chrono>
#include <memory>

#include "spool/owner.h"
#include "spool/spool.h"
#include "src/supervise/listener.h"
#include "src/supervise/loop.h"

namespace imgq::supervise {

// This daemon's instance in the spool, kept alive by its heartbeat. When others thought it dead and
// took its folder, all its claims are forgotten and it enters anew under another name.
class Heartbeat {
 public:
  Heartbeat(Loop& loop, const Spool& spool, std::chrono::milliseconds lease, Listener& listener);

  // Others take this instance for dead after `lease` without a beat: it beats five times as often.
  void change(std::chrono::milliseconds lease);

  void start();  // enters; tries again by itself when the spool does not allow it now

  // The instance; null while there is none. Background work keeps its own reference.
  const std::shared_ptr<Owner>& owner() const { return owner_; }

  // Something looks as if the folder were gone: beats now instead of later.
  void beat();

  // No more heartbeats. Then, when no background work is left: releases what is still claimed.
  void stop();
  Status leave();

  // The spool is out of reach: as if there were no instance. The next to enter takes over from it.
  void abandon();

 private:
  void entered(Result<Owner> owner, bool removed);
  void found_lost(const std::shared_ptr<Owner>& owner);

  Loop& loop_;
  const Spool& spool_;
  std::chrono::milliseconds beat_;
  Listener& listener_;
  std::shared_ptr<Owner> owner_;
  bool stopped_ = false;
  bool entering_ = false;
  bool beating_ = false;
  Timer timer_;
};

}  // namespace imgq::supervise
