#include "src/supervise/errands.h"

#include <algorithm>
#include <utility>

#include "src/supervise/loop.h"
#include "src/util/sys.h"

namespace imgq::supervise {
namespace {
constexpr size_t kMostInFolders = 2;
constexpr int64_t kShortMs = 20;  // whoever is at work for longer begins nothing more
}  // namespace

void Errands::enter(Errand errand) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.insert(errand.turn == Turn::next ? waiting_.begin() : waiting_.end(),
                    std::move(errand));
  }
  if (!gathering_) go_on();
}

void Errands::forget(const void* whose) {
  List forgotten;  // which goes without the lock: it may be the last to hold whom it is for
  const std::lock_guard lock(mutex_);
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto each = at++;
    if (each->whose == whose) forgotten.splice(forgotten.end(), waiting_, each);
  }
}

void Errands::together(const std::function<void()>& call) {
  gathering_ = true;
  tell();
  call();
  gathering_ = false;
  go_on();
}

// Who may begin, those of the spool first.
Errands::List::iterator Errands::next() {
  const auto of_spool = std::find_if(waiting_.begin(), waiting_.end(),
                                     [](const Errand& errand) { return errand.directory.empty(); });
  if (of_spool != waiting_.end() || in_folders_ >= kMostInFolders) return of_spool;
  return std::find_if(waiting_.begin(), waiting_.end(),
                      [this](const Errand& errand) { return !busy_.contains(errand.directory); });
}

void Errands::go_on() {
  {
    const std::lock_guard lock(mutex_);
    if (next() == waiting_.end()) return;
  }
  loop_.in_background([this] { work(); },
                      [this] {
                        tell();
                        go_on();
                      });
}

void Errands::work() {
  const int64_t until_ms = sys::monotonic_ms() + kShortMs;
  std::unique_lock lock(mutex_);
  do {
    const auto at = next();
    if (at == waiting_.end()) return;
    List mine;
    mine.splice(mine.end(), waiting_, at);
    const bool in_folder = !mine.front().directory.empty();
    if (in_folder) {
      busy_.insert(mine.front().directory);
      ++in_folders_;
    }
    lock.unlock();
    mine.front().work();
    lock.lock();
    if (in_folder) --in_folders_;
    done_.splice(done_.end(), mine);
  } while (sys::monotonic_ms() < until_ms);
}

void Errands::tell() {
  List done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
    for (const Errand& errand : done) busy_.erase(errand.directory);
  }
  for (const Errand& errand : done) errand.done();
}

}  // namespace imgq::supervise
