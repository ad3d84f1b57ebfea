#include "src/web/spool_view.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "spool/list.h"
#include "src/util/clock.h"
#include "src/util/sys.h"

namespace imgq::web {
namespace {

constexpr int64_t kWatchedMs = 300, kUnwatchedMs = 1'000;
constexpr int64_t kFullLookMs = 15'000;  // what does not move is looked at so often
constexpr int64_t kShare = 20;           // looking may take one part in so many of the time

bool same_job(const JobView& a, const JobView& b) {
  return a.ticket.id == b.ticket.id && a.state == b.state && a.attempt == b.attempt &&
         a.tries.size() == b.tries.size();
}

// Nothing that a watcher is shown has changed.
bool same(const View& a, const View& b) {
  const Counts &now = a.figures.counts, &then = b.figures.counts;
  return a.figures.up == b.figures.up && now.jobs == then.jobs && a.last_minute == b.last_minute &&
         a.figures.daemons == b.figures.daemons && now.corrupt == then.corrupt &&
         std::equal(a.jobs.begin(), a.jobs.end(), b.jobs.begin(), b.jobs.end(), same_job);
}

}  // namespace

SpoolView::SpoolView(const Spool& spool, std::chrono::milliseconds lease)
    : spool_(spool), lease_(lease), counters_(now_ms()), view_(std::make_shared<View>()) {
  refresh();
  thread_ = std::thread([this] { run(); });
}

SpoolView::~SpoolView() {
  close();
  thread_.join();
}

void SpoolView::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  stop_.notify_all();
  changed_.notify_all();
}

bool SpoolView::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

std::shared_ptr<const View> SpoolView::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

std::shared_ptr<const View> SpoolView::wait_newer(uint64_t number, int64_t ms) {
  std::unique_lock lock(mutex_);
  if (++watchers_ == 1) stop_.notify_all();
  (void)changed_.wait_for(lock, std::chrono::milliseconds(ms),
                          [&] { return view_->number > number || closed_; });
  --watchers_;
  return view_;
}

void SpoolView::refresh() {
  const std::lock_guard looking(looking_);
  refresh_locked();
}

std::shared_ptr<const View> SpoolView::view_within(int64_t ms) {
  {
    const std::lock_guard looking(looking_);
    if (sys::monotonic_ms() - full_refresh_ms_ >= std::max(ms, cost_ms_ * kShare)) refresh_locked();
  }
  return view();
}

void SpoolView::refresh_locked() {
  full_refresh_ms_ = sys::monotonic_ms();
  auto next = make_view();
  cost_ms_ = sys::monotonic_ms() - full_refresh_ms_;
  const std::lock_guard lock(mutex_);
  next->number = view_->number + (same(*view_, *next) ? 0 : 1);
  view_ = std::move(next);
  changed_.notify_all();
}

// Looks, unless there is nothing to see; returns what it cost.
int64_t SpoolView::refresh_if_moved() {
  const std::lock_guard looking(looking_);
  if (nothing_moved()) return 0;
  refresh_locked();
  return cost_ms_;
}

void SpoolView::run() {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    lock.unlock();
    const int64_t cost_ms = refresh_if_moved();
    lock.lock();
    const bool watched = watchers_ > 0;
    const int64_t pause_ms = std::max(watched ? kWatchedMs : kUnwatchedMs, cost_ms * kShare);
    (void)stop_.wait_for(lock, std::chrono::milliseconds(pause_ms),
                         [&] { return closed_ || (!watched && watchers_ > 0); });
  }
}

// A job that moves changes a folder of waiting or ended jobs; while none is active and those
// folders' times stand still, there is nothing to see.
bool SpoolView::nothing_moved() {
  std::string moved;
  for (const State state : kAllStates) {
    struct stat info{};
    if (sys::fstatat(spool_.root(), std::string(name_of(state)).c_str(), &info) != 0) return false;
    moved += std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + " ";
  }
  const bool still = moved == moved_ && !counters_.any_active() &&
                     sys::monotonic_ms() - full_refresh_ms_ < kFullLookMs &&
                     counters_.last_minute() == 0 && !view()->figures.unseen;
  moved_ = std::move(moved);
  return still;
}

std::shared_ptr<View> SpoolView::make_view() {
  auto view = std::make_shared<View>();
  view->made_ms = now_ms();
  if (const auto figures = figures_of(spool_, lease_, seen_)) view->figures = *figures;
  counters_.update(spool_, view->made_ms);
  view->totals = counters_.totals();
  view->last_minute = counters_.last_minute();
  add_newest(*view);
  return view;
}

void SpoolView::add_newest(View& view) {
  std::vector<Listed> newest;
  for (const State state : kAllStates) {
    const auto listed = list(spool_, state, Order::newest_first, kNewest);
    if (listed) newest.insert(newest.end(), listed->begin(), listed->end());
  }
  newest = merged(std::move(newest), Order::newest_first, kNewest);
  std::map<JobId, JobView> ended;
  for (const Listed& one : newest) {
    const auto known = ended_.find(one.id);
    if (known != ended_.end() && known->second.state == one.state) {
      view.jobs.push_back(known->second);
    } else if (auto job = find(spool_, one.id)) {
      view.jobs.push_back(std::move(*job));
    } else {
      continue;
    }
    if (view.jobs.back().outcome) ended.emplace(one.id, view.jobs.back());
  }
  ended_ = std::move(ended);
}

}  // namespace imgq::web
