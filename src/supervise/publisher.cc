#include "src/supervise/publisher.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <utility>

#include "spool/owner.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "src/supervise/result_check.h"
#include "src/util/log.h"

namespace imgq::supervise {
namespace {

constexpr size_t kLargestGroup = 64;
constexpr off_t kRoomForResults = 8 << 20;

Cause cause_of(const Verdict& verdict) {
  return {std::string(name_of(verdict.code)), verdict.message, verdict.signal};
}

Finished finished(Job& job, const Verdict& verdict) {
  Finished done{job.claim, {}, report_json(verdict)};
  for (size_t i = 0; i < job.results.size(); ++i) {
    const ResultReport& result = verdict.results[i];
    done.results.push_back({result.rendition, std::string(extension_of(result.format)),
                            std::move(job.results[i]), about_json(result)});
  }
  job.results.clear();
  return done;
}

}  // namespace

// The work of one group, on another thread: touches nothing but its items and its policy.
namespace {

using Item = Publisher::Item;

struct Policy {
  Sync sync;
  SourceAfter source;
  Backoff backoff;
};

Policy policy_of(const Settings& settings) {
  const Config& config = settings.config;
  const auto bounded_ms = [](std::chrono::seconds time, int64_t least_ms) {
    return std::clamp<int64_t>(time.count() * 1000, least_ms, kMaxDelayMs);
  };
  const int64_t first_ms = bounded_ms(config.retry_first, 1);
  return {settings.sync,
          config.keep_source ? SourceAfter::keep : SourceAfter::remove,
          {first_ms, bounded_ms(config.retry_max, first_ms)}};
}

void note(Item& item, Result<Outcome> result) {
  if (result) {
    item.outcome = std::move(*result);
  } else {
    item.error = result.error();
  }
}

void complete_all(std::vector<Item*>& items, const Policy& policy) {
  if (items.empty()) return;
  std::vector<Finished> jobs;
  jobs.reserve(items.size());
  for (Item* item : items) jobs.push_back(finished(*item->job, *item->verdict));
  auto outcomes = items.front()->job->owner->complete(jobs, policy.sync, policy.source);
  for (size_t i = 0; i < items.size() && i < outcomes.size(); ++i) {
    note(*items[i], std::move(outcomes[i]));
  }
}

void try_later(const Spool& spool, Item& item, const Policy& policy) {
  const Owner& owner = *item.job->owner;
  const auto retry =
      owner.retry_later(item.job->claim, cause_of(*item.verdict), policy.backoff, policy.sync);
  if (!retry) {
    item.error = retry.error();
    return;
  }
  item.retry_ms = *retry;
  if (*retry > 0) return;
  auto view = find(spool, item.job->claim.token.id);  // failed for good: how it is recorded
  if (view) item.outcome = std::move(view->outcome);
}

void end_badly(const Spool& spool, Item& item, const Policy& policy) {
  const Verdict& verdict = *item.verdict;
  if (verdict.code == Code::io_error && !item.job->results.empty()) {
    item.error = disk_trouble(item.job->results.front().fd(), kRoomForResults);
    if (item.error) return;
  }
  item.job->results.clear();
  if (is_permanent(verdict.code)) {
    note(item, item.job->owner->fail(item.job->claim, cause_of(verdict), report_json(verdict),
                                     policy.sync));
  } else {
    try_later(spool, item, policy);
  }
}

void give_back_now(Item& item) {
  item.job->results.clear();
  const auto released = item.job->owner->release(item.job->claim);
  if (!released) item.error = released.error();
}

void work_through(const Spool& spool, std::vector<Item>& group, const Policy& policy) {
  std::vector<Item*> good;
  for (Item& item : group) {
    if (item.verdict && item.verdict->code == Code::ok) good.push_back(&item);
  }
  complete_all(good, policy);
  for (Item& item : group) {
    if (!item.verdict) {
      give_back_now(item);
    } else if (item.verdict->code != Code::ok) {
      end_badly(spool, item, policy);
    }
  }
}

}  // namespace

Publisher::Publisher(Loop& loop, const Spool& spool, const Settings& settings, Listener& listener)
    : loop_(loop), spool_(spool), settings_(settings), listener_(listener) {}

void Publisher::add(Item item) {
  item.job->source = Fd();
  waiting_.push_back(std::move(item));
  go_on();
}

void Publisher::try_again() {
  std::move(held_.begin(), held_.end(), std::back_inserter(waiting_));
  held_.clear();
  go_on();
}

void Publisher::forget(const std::shared_ptr<Owner>& owner) {
  const auto of_owner = [&](const Item& item) { return item.job->owner == owner; };
  std::erase_if(waiting_, of_owner);
  std::erase_if(held_, of_owner);
}

// A group is of one owner: after a loss there may be two about.
void Publisher::go_on() {
  if (under_way_ > 0 || waiting_.empty()) return;
  auto group = std::make_shared<std::vector<Item>>();
  const auto owner = waiting_.front().job->owner;
  while (!waiting_.empty() && group->size() < kLargestGroup &&
         waiting_.front().job->owner == owner) {
    group->push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  under_way_ = group->size();
  loop_.in_background([&spool = spool_, group,
                       policy = policy_of(settings_)] { work_through(spool, *group, policy); },
                      [this, group] { concluded(*group); });
}

void Publisher::concluded(std::vector<Item>& group) {
  under_way_ = 0;
  for (Item& item : group) conclude(item);
  go_on();
  listener_.changed();
}

void Publisher::conclude(Item& item) {
  const Ticket& ticket = item.job->claim.ticket;
  if (item.error) {
    refused(item, *std::exchange(item.error, std::nullopt));
    return;
  }
  if (item.verdict) listener_.well();
  if (item.outcome) {
    listener_.ended(*item.outcome, ticket);
  } else if (item.verdict) {
    listener_.delayed(ticket, *item.verdict, item.retry_ms);
  }
}

// What cannot be published is given back; what cannot even be given back is held until the spool
// takes changes again. An error that is the job's own counts as one of its attempts.
void Publisher::refused(Item& item, const Error& error) {
  const bool publishing = item.verdict.has_value();
  log::line(log::Level::debug, "not published",
            {{"job", item.job->claim.token.id.text()}, {"error", error.text()}});
  if (error.code == EEXIST) return;  // cancelled, or another owner was first: nothing left to do
  if (error.code == ENOENT) {
    listener_.doubtful();
    if (!publishing) return;  // another owner has it
    item.verdict.reset();
    waiting_.push_back(std::move(item));
    return;
  }
  const bool of_the_spool = is_pausing(error) || is_ambiguous(error);
  if (publishing && !of_the_spool && item.verdict->code != Code::internal_error) {
    item.verdict = Verdict{Code::internal_error, error.text()};
    waiting_.push_back(std::move(item));
    return;
  }
  listener_.trouble(error);
  item.verdict.reset();
  held_.push_back(std::move(item));
}

}  // namespace imgq::supervise
