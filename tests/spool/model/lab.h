#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "spool/control.h"
#include "spool/owner.h"
#include "spool/records.h"
#include "spool/recover.h"
#include "spool/spool.h"
#include "spool/submit.h"
#include "spool/types.h"
#include "tests/spool/model/sim_world.h"

// A spool in a simulated world, a ledger of what was promised to whom, and the judgement of what is
// left of it after a disaster.
namespace imgq::model {

// What was answered to somebody, kept where no disaster reaches it.
struct Promise {
  bool accepted = false;            // an id was handed out
  int completions = 0;              // complete() answered well, so often
  std::optional<Outcome> answered;  // the last outcome that was answered
  bool may_change = false;          // a manual retry of a failed job was begun
  bool held = false;                // waits in hold/ until somebody releases it
  bool may_be_held = false;         // hold was begun, its answer unknown
  bool may_be_gone = false;         // a purge was begun
  bool cancelled = false;           // cancel answered well
  std::optional<Outcome> told;      // the last end that a hook was run for
  std::string key;
};
using Ledger = std::map<JobId, Promise>;

class Daemon;

class Lab {
 public:
  explicit Lab(sim::Order order);
  ~Lab();

  sim::World world;
  Ledger ledger;
  std::vector<std::string> complaints;  // broken promises seen on the way
  bool hooks = false;                   // every program's configuration names a hook

  // The running process opens the spool; one object for each process.
  const Spool& spool();
  bool alive() { return !world.running().dead; }
  void complain(const std::string& what) { complaints.push_back(what); }

  // Somebody was answered that a job has ended so. Who was answered before must have heard the
  // same.
  void note_answer(const Outcome& outcome);

  // A new submitter's draft with a source of its own in tmp/.
  std::optional<Draft> draft(const std::string& name, const std::string& key = "");
  // Submits and notes what was answered.
  std::vector<JobId> submit(const std::vector<std::string>& names, Sync sync,
                            const std::string& key = "", bool held = false);

  std::vector<JobId> jobs;         // accepted, in order
  std::vector<Claim> claims;       // taken in a scenario's first part
  std::unique_ptr<Daemon> daemon;  // and by whom

 private:
  std::map<int, Spool> spools_;  // by pid
};

inline constexpr const char* kSpool = "/var/spool";
inline constexpr std::chrono::milliseconds kLease{30'000};

// What imgqd does, without images: jobs whose name starts with "good" complete, "bad" fail at once,
// "flaky" fail once and then complete, "hopeless" always fail in passing.
class Daemon {
 public:
  // Enters the spool; without success the daemon is not `in`.
  explicit Daemon(Lab& lab);
  bool in() const { return owner_.has_value(); }
  const Owner& owner() const { return *owner_; }

  std::vector<Claim> claim(size_t limit, Sync sync);  // the oldest waiting ones
  // Each noted in the ledger as answered.
  void complete(const std::vector<Claim>& claims, Sync sync, SourceAfter source);
  void fail(const Claim& claim, Sync sync);
  void retry_later(const Claim& claim, Sync sync);
  // Recover, promote, claim, work, run hooks, once. Time passes as far as the next due job.
  //   returns whether anything is left to do
  bool round();
  void run(int rounds);  // until nothing is left
  void leave() { (void)owner_->leave(); }
  // Runs the hooks that are owed.
  //   returns whether there were any
  bool run_hooks();

 private:
  void end_one(const Claim& claim, std::vector<Claim>& good);
  void read_source(const Claim& claim);
  void give_back_refused();
  template <class T>
  bool ended_well(const Claim& claim, const Result<T>& answer);
  Lab* lab_;
  const Spool* spool_;
  std::optional<Owner> owner_;
  Heartbeats seen_;
  std::vector<Claim> refused_;  // could not be ended, and not be given back yet
};

// Who cleans up after a disaster. A daemon alone owes that every job that was answered is kept and
// runs to its end; that names are doubled or left behind nowhere needs fsck.
enum class Helper { none, fsck };

// After a disaster: a new process recovers, sweeps, repairs, and runs all jobs to their end.
//   returns every broken promise, one a line; empty: none
std::string settle_and_judge(Lab& lab, Helper helper = Helper::fsck);

// The judgement alone, of a spool at rest, straight from the disk.
std::vector<std::string> judge(const Lab& lab, Helper helper = Helper::fsck);

}  // namespace imgq::model
