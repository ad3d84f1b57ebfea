#include "spool/remount.h"

#include <cerrno>
#include <utility>

#include "src/util/sys.h"

namespace imgq {
namespace {

// The answers of what is gone and does not come back by itself.
bool says_gone(const Error& error) {
  return error.code == ENOTCONN || error.code == ESHUTDOWN || error.code == ESTALE ||
         error.code == EIO;
}

}  // namespace

bool Remount::is_lost() const {
  const auto answer = spool_.answers();
  return !answer && says_gone(answer.error());
}

// One that was cut off for a while answers again where it stands: so the root is asked before the
// path and after it.
Remount::Seen Remount::look() {
  if (!is_lost()) {
    dead_since_ms_.reset();
    return Seen::well;
  }
  auto again = Spool::open(spool_.path(), spool_.uuid());
  if (again) {
    if (!is_lost()) return Seen::well;
    again->owe_hooks(spool_.owes_hooks());
    again_ = std::move(*again);
    return Seen::back;
  }
  why_ = again.error().text();
  if (!says_gone(again.error())) {
    dead_since_ms_.reset();
    return Seen::away;
  }
  const int64_t now_ms = sys::monotonic_ms();
  if (!dead_since_ms_) dead_since_ms_ = now_ms;
  return now_ms - *dead_since_ms_ < kDeadAfter.count() * 1000 ? Seen::away : Seen::dead;
}

std::optional<Spool> Remount::take() { return std::exchange(again_, std::nullopt); }

}  // namespace imgq
