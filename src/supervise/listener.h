#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "spool/owner.h"
#include "spool/records.h"
#include "spool/recover.h"
#include "src/base/verdict.h"
#include "src/supervise/job.h"
#include "src/util/error.h"

namespace imgq::supervise {

// What the parts of the engine tell the one that leads them, always on the loop's thread.
class Listener {
 public:
  // of claimer, pool, publisher
  virtual void changed() = 0;                    // there may be room, or nothing left to do
  virtual void trouble(const Error& error) = 0;  // the spool refused to be read or changed
  virtual void well() = 0;                       // the spool took something
  virtual void doubtful() = 0;                   // is this instance still in the spool?

  // of the claimer
  virtual void prepared(Prepared job) = 0;  // a job to run, or judged or troubled already
  virtual void cordoned(bool now) = 0;      // this host: nothing is to be claimed
  virtual void not_alone() = 0;             // though no share says so: another claims, too

  // of the pool
  virtual void judged(JobPtr job, Verdict verdict) = 0;
  virtual void dropped(JobPtr job) = 0;         // by drop() or drop_all()
  virtual void broken(const Error& error) = 0;  // no worker is there, and none can be started

  // of the publisher
  virtual void ended(const Outcome& outcome, const Ticket& ticket) = 0;  // published, by us
  virtual void delayed(const Ticket& ticket, const Verdict& verdict, int64_t retry_ms) = 0;

  // of the heartbeat
  virtual void entered() = 0;
  virtual void refused(const Error& error) = 0;                // not entered; it is tried again
  virtual void removed() = 0;                                  // the spool itself: no more to try
  virtual void lost(const std::shared_ptr<Owner>& owner) = 0;  // forget its claims; entered follows

  // of housekeeping
  virtual void recovered() = 0;  // after the first look, and whenever jobs came back
  virtual void others_at_work(const Recovered& seen) = 0;

 protected:
  ~Listener() = default;
};

}  // namespace imgq::supervise
