#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "spool/spool.h"
#include "spool/submit.h"
#include "spool/types.h"

namespace imgq::web {

// Submits for many requests at once: while one group is being synced, the drafts that arrive wait
// and then share the next group's syncs. A lone request waits for nobody. The first of those that
// wait does the work for all (group commit): no thread of its own.
class Committer {
 public:
  using Submit =
      std::function<std::vector<Result<Submitted>>(const Spool&, std::vector<Draft>, Sync)>;

  Committer(const Spool& spool, Sync sync, Submit submit = imgq::submit)
      : spool_(spool), sync_(sync), submit_(std::move(submit)) {}

  // For the groups that are begun from then on.
  void set_sync(Sync sync) { sync_ = sync; }

  // As imgq::submit; answers in the order of the drafts, once they are durable. What is thrown
  // while a group is submitted, each of the group is thrown; the next group is not concerned.
  std::vector<Result<Submitted>> submit(std::vector<Draft> drafts);

 private:
  struct Waiting {
    std::vector<Draft> drafts;
    std::vector<Result<Submitted>> answers;
    std::exception_ptr thrown;
    bool done = false;
  };

  void lead(std::unique_lock<std::mutex>& lock);
  void submit_group(const std::vector<Waiting*>& group) const;

  const Spool& spool_;
  std::atomic<Sync> sync_;
  const Submit submit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiting*> waiting_;
  bool leading_ = false;
};

}  // namespace imgq::web
