#include "src/web/committer.h"

#include <iterator>
#include <utility>

namespace imgq::web {

std::vector<Result<Submitted>> Committer::submit(std::vector<Draft> drafts) {
  Waiting mine;
  mine.drafts = std::move(drafts);
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);  // cppcheck-suppress danglingLifetime  // taken out before we return
  changed_.wait(lock, [&] { return mine.done || !leading_; });
  if (!mine.done) lead(lock);
  if (mine.thrown) std::rethrow_exception(mine.thrown);
  return std::move(mine.answers);
}

void Committer::lead(std::unique_lock<std::mutex>& lock) {
  leading_ = true;
  const std::vector<Waiting*> group = std::exchange(waiting_, {});
  lock.unlock();
  std::exception_ptr thrown;
  try {
    submit_group(group);
  } catch (...) {
    thrown = std::current_exception();
  }
  lock.lock();
  for (Waiting* one : group) {
    one->thrown = thrown;
    one->done = true;
  }
  leading_ = false;
  changed_.notify_all();
}

void Committer::submit_group(const std::vector<Waiting*>& group) const {
  std::vector<Draft> drafts;
  for (Waiting* one : group) {
    std::move(one->drafts.begin(), one->drafts.end(), std::back_inserter(drafts));
  }
  auto answers = submit_(spool_, std::move(drafts), sync_);
  auto next = answers.begin();
  for (Waiting* one : group) {
    const auto end = next + static_cast<std::ptrdiff_t>(one->drafts.size());
    one->answers.assign(std::make_move_iterator(next), std::make_move_iterator(end));
    next = end;
  }
}

}  // namespace imgq::web
