#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "src/supervise/job.h"
#include "src/supervise/loop.h"

namespace imgq::supervise {

// Takes jobs that are through and gives each its end in the spool: outcome, later attempt, or back
// to staging. On another thread, one group at a time, so that a group shares its syncs and the loop
// never waits for a disk. While a group is being written the next one gathers.
class Publisher {
 public:
  struct Policy {
    Sync sync = Sync::batch;
    SourceAfter source = SourceAfter::remove;
    Backoff backoff;
  };
  struct Callbacks {
    std::function<void(const Outcome&, const Ticket&)> ended;  // published, by us
    std::function<void(const Ticket&, const Verdict&, int64_t retry_ms)> delayed;  // put off
    std::function<void(const Error&)> trouble;  // the spool refused; the job is kept, given_back
    std::function<void()> well;                 // the spool took something
    std::function<void(const std::shared_ptr<Owner>&)> doubtful;  // is this owner still there?
    std::function<void()> changed;                                // a group is through
  };
  Publisher(Loop& loop, const Spool& spool, Policy policy, Callbacks callbacks);

  void change(Policy policy) { policy_ = policy; }

  // What the verdict asks for: complete, fail, or a later attempt.
  void publish(JobPtr job, Verdict verdict);

  // Back to staging, unharmed; when it has ended meanwhile, its token goes where it belongs.
  void give_back(JobPtr job);

  // Tries again what the spool refused. Call it when the pause allows.
  void try_again();

  // Drops what is of an owner that is lost.
  void forget(const std::shared_ptr<Owner>& owner);

  size_t in_hand() const { return waiting_.size() + under_way_ + held_.size(); }
  size_t held() const { return held_.size(); }  // for try_again

  // One job's end on its way into the spool.
  struct Item {
    JobPtr job;
    Verdict verdict;
    enum class Step { publish, give_back } step = Step::publish;
    // After the step: what came of it.
    std::optional<Outcome> outcome;
    int64_t retry_ms = 0;
    std::optional<Error> error;
  };

 private:
  void go_on();
  void concluded(std::vector<Item>& group);
  void conclude(Item& item);
  void refused(Item& item, const Error& error);

  Loop& loop_;
  const Spool& spool_;
  Policy policy_;
  Callbacks callbacks_;
  std::deque<Item> waiting_;
  std::vector<Item> held_;
  size_t under_way_ = 0;
};

}  // namespace imgq::supervise
