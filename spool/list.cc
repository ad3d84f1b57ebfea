#include "spool/list.h"

#include <algorithm>

#include "spool/internal/locate.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {
namespace {

std::optional<Listed> listed_token(std::string_view name, State state) {
  auto token = layout::parse_token(name);
  if (!token) return std::nullopt;
  return Listed{std::move(token->id), state, token->attempt};
}

std::optional<Listed> listed_id(std::string_view name, State state) {
  auto id = JobId::parse(name);
  return id ? std::optional(Listed{std::move(*id), state}) : std::nullopt;
}

std::optional<Listed> listed_due(std::string_view name) {
  auto due = layout::parse_delayed(name);
  if (!due) return std::nullopt;
  return Listed{std::move(due->token.id), State::delayed, due->token.attempt, due->due_ms};
}

// What a name in the folder of a state says.
std::optional<Listed> read_name(std::string_view name, State state) {
  switch (state) {
    case State::staging:
    case State::processing:
    case State::hold:
      return listed_token(name, state);
    case State::delayed:
      return listed_due(name);
    case State::completed:
    case State::failed:
    case State::cancelled:
      return listed_id(name, state);
  }
  return std::nullopt;
}

// Keeps the first `limit` jobs in the wanted order.
class Page {
 public:
  Page(Order order, size_t limit) : order_(order), limit_(limit) {}

  // Whether the first of the two comes first.
  bool before(const Listed& a, const Listed& b) const {
    return order_ == Order::oldest_first ? a.id < b.id : b.id < a.id;
  }
  auto by_order() const {
    return [this](const Listed& a, const Listed& b) { return before(a, b); };
  }
  void add(Listed entry) {
    if (limit_ == 0) return;
    if (kept_.size() >= limit_) {
      if (!before(entry, kept_.front())) return;
      std::pop_heap(kept_.begin(), kept_.end(), by_order());
      kept_.pop_back();
    }
    kept_.push_back(std::move(entry));
    std::push_heap(kept_.begin(), kept_.end(), by_order());
  }
  bool full() const { return kept_.size() >= limit_; }
  std::vector<Listed> take() {
    std::sort(kept_.begin(), kept_.end(), by_order());
    return std::move(kept_);
  }

 private:
  Order order_;
  size_t limit_;
  std::vector<Listed> kept_;
};

Status each_listed(const Spool& spool, const std::string& folder, State state,
                   const std::function<void(Listed)>& take) {
  return each_name_if_any(spool.root(), folder, [&](std::string_view name) {
    if (auto entry = read_name(name, state)) take(std::move(*entry));
    return true;
  });
}

Status each_processing(const Spool& spool, const std::function<void(Listed)>& take) {
  const auto owners = owners_of(spool);
  if (!owners) return owners.error();
  for (const std::string& owner : *owners) {
    const auto listed =
        each_listed(spool, layout::owner_folder(owner), State::processing, [&](Listed entry) {
          entry.owner = owner;
          take(std::move(entry));
        });
    if (!listed) return listed.error();
  }
  return Ok{};
}

// Hour by hour in the wanted direction, until there are enough.
Status page_completed(const Spool& spool, Order order, Page& page) {
  auto hours = hours_under(spool, "completed");
  if (!hours) return hours.error();
  if (order == Order::newest_first) std::reverse(hours->begin(), hours->end());
  for (const std::string& hour : *hours) {
    if (page.full()) break;
    const auto listed = each_listed(spool, "completed/" + hour, State::completed,
                                    [&page](Listed entry) { page.add(std::move(entry)); });
    if (!listed) return listed.error();
  }
  return Ok{};
}

Status each_completed(const Spool& spool, const std::function<void(Listed)>& take) {
  const auto hours = hours_under(spool, "completed");
  if (!hours) return hours.error();
  for (const std::string& hour : *hours) {
    const auto listed = each_listed(spool, "completed/" + hour, State::completed, take);
    if (!listed) return listed.error();
  }
  return Ok{};
}

Status each_of(const Spool& spool, State state, const std::function<void(Listed)>& take) {
  if (state == State::processing) return each_processing(spool, take);
  if (state == State::completed) return each_completed(spool, take);
  return each_listed(spool, std::string(name_of(state)), state, take);
}

}  // namespace

Result<std::vector<Listed>> list(const Spool& spool, State state, Order order, size_t limit) {
  Page page(order, limit);
  const auto done = state == State::completed
                        ? page_completed(spool, order, page)
                        : each_of(spool, state, [&](Listed entry) { page.add(std::move(entry)); });
  if (!done) return done.error();
  return page.take();
}

Result<Counts> count(const Spool& spool) {
  Counts counts;
  for (const State state : kAllStates) {
    const bool waiting = state == State::staging || state == State::delayed;
    const auto done = each_of(spool, state, [&](const Listed& entry) {
      ++counts.jobs[static_cast<size_t>(state)];
      if (waiting && (!counts.oldest_waiting || entry.id < *counts.oldest_waiting)) {
        counts.oldest_waiting = entry.id;
      }
    });
    if (!done) return done.error();
  }
  const auto owners = owners_of(spool);
  if (!owners) return owners.error();
  counts.owners = static_cast<int64_t>(owners->size());
  const auto corrupt = sorted_names(spool, "corrupt");
  if (!corrupt) return corrupt.error();
  counts.corrupt = static_cast<int64_t>(corrupt->size());
  return counts;
}

}  // namespace imgq
