#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "src/supervise/engine.h"
#include "src/supervise/job.h"
#include "src/supervise/listener.h"
#include "src/supervise/loop.h"

namespace imgq::supervise {

// Takes jobs that are through and gives each its end in the spool: outcome, later attempt, or back
// to staging. On another thread, one group at a time, so that a group shares its syncs and the loop
// never waits for a disk. While a group is being written the next one gathers.
class Publisher {
 public:
  // What is changed in `settings` counts from then on.
  Publisher(Loop& loop, const Spool& spool, const Settings& settings, Listener& listener);

  // What the verdict asks for: complete, fail, or a later attempt.
  void publish(JobPtr job, Verdict verdict) { add({std::move(job), std::move(verdict)}); }

  // Back to staging, unharmed; when it has ended meanwhile, its token goes where it belongs.
  void give_back(JobPtr job) { add({std::move(job)}); }

  // Tries again what the spool refused. Call it when the pause allows.
  void try_again();

  // Drops what is of an owner that is lost.
  void forget(const std::shared_ptr<Owner>& owner);

  size_t in_hand() const { return waiting_.size() + under_way_ + held_.size(); }
  size_t held() const { return held_.size(); }  // for try_again

  // One job's end on its way into the spool.
  struct Item {
    JobPtr job;
    std::optional<Verdict> verdict = {};  // nothing: it is given back
    // What came of it.
    std::optional<Outcome> outcome = {};
    int64_t retry_ms = 0;
    std::optional<Error> error = {};
  };

 private:
  void add(Item item);
  void go_on();
  void concluded(std::vector<Item>& group);
  void conclude(Item& item);
  void refused(Item& item, const Error& error);

  Loop& loop_;
  const Spool& spool_;
  const Settings& settings_;
  Listener& listener_;
  std::deque<Item> waiting_;
  std::vector<Item> held_;
  size_t under_way_ = 0;
};

}  // namespace imgq::supervise
