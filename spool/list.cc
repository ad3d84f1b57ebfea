#include "spool/list.h"

#include <algorithm>

#include "spool/internal/locate.h"
#include "spool/internal/walk.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {
namespace {

auto by(Order order) {
  return [order](const Listed& a, const Listed& b) {
    return order == Order::oldest_first ? a.id < b.id : b.id < a.id;
  };
}

// Keeps the first `limit` jobs in the wanted order.
class Page {
 public:
  Page(Order order, size_t limit) : order_(order), limit_(limit) {}

  void add(Listed entry) {
    if (limit_ == 0) return;
    if (kept_.size() >= limit_) {
      if (!by(order_)(entry, kept_.front())) return;
      std::pop_heap(kept_.begin(), kept_.end(), by(order_));
      kept_.pop_back();
    }
    kept_.push_back(std::move(entry));
    std::push_heap(kept_.begin(), kept_.end(), by(order_));
  }
  bool full() const { return kept_.size() >= limit_; }
  std::vector<Listed> take() {
    std::sort(kept_.begin(), kept_.end(), by(order_));
    return std::move(kept_);
  }

 private:
  Order order_;
  size_t limit_;
  std::vector<Listed> kept_;
};

Status each_token(const Spool& spool, State state, const std::string& folder,
                  const std::function<void(Listed)>& take) {
  return each_name_if_any(spool.root(), folder, [&](std::string_view name) {
    if (auto job = read_token(state, folder, name)) take(std::move(*job));
    return true;
  });
}

}  // namespace

Result<std::vector<Listed>> list(const Spool& spool, State state, Order order, size_t limit) {
  auto folders = folders_of(spool, state);
  if (!folders) return folders.error();
  if (order == Order::newest_first) std::reverse(folders->begin(), folders->end());
  Page page(order, limit);
  for (const std::string& folder : *folders) {
    if (state == State::completed && page.full()) break;  // its folders are hours
    const auto listed =
        each_token(spool, state, folder, [&page](Listed job) { page.add(std::move(job)); });
    if (!listed) return listed.error();
  }
  return page.take();
}

std::vector<Listed> merged(std::vector<Listed> jobs, Order order, size_t limit) {
  std::stable_sort(jobs.begin(), jobs.end(), by(order));
  const auto twice = std::unique(jobs.begin(), jobs.end(),
                                 [](const Listed& a, const Listed& b) { return a.id == b.id; });
  jobs.erase(twice, jobs.end());
  if (jobs.size() > limit)
    jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(limit), jobs.end());
  return jobs;
}

Result<Counts> count(const Spool& spool) {
  Counts counts;
  for (const State state : kAllStates) {
    const bool waiting = state == State::staging || state == State::delayed;
    const auto folders = folders_of(spool, state);
    if (!folders) return folders.error();
    for (const std::string& folder : *folders) {
      const auto listed = each_token(spool, state, folder, [&](const Listed& job) {
        ++counts.jobs[static_cast<size_t>(state)];
        if (waiting && (!counts.oldest_waiting || job.id < *counts.oldest_waiting)) {
          counts.oldest_waiting = job.id;
        }
      });
      if (!listed) return listed.error();
    }
  }
  const auto corrupt = sorted_names(spool, "corrupt");
  if (!corrupt) return corrupt.error();
  counts.corrupt = static_cast<int64_t>(corrupt->size());
  return counts;
}

}  // namespace imgq
