#pragma once

#include <cstdint>
#include <optional>

// Calls of a file system that have not come back. One that hangs (a network file system without
// its servers, a mount whose program stands still) answers after minutes, or never, and the kernel
// may keep the thread that asked. Every call of sys.h that can hang stands here while it lasts.
namespace imgq {

// One call of this thread, as long as this lives; they do not nest.
class Asking {
 public:
  explicit Asking(const char* call) noexcept;  // its name, a literal; nullptr: one that may wait
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  ~Asking();
};

struct Unanswered {
  const char* call = "";  // "renameat"
  int64_t since_ms = 0;   // of the monotonic clock
  int64_t for_ms = 0;
};

// The call of this process that has waited longest; nothing when none waits.
std::optional<Unanswered> longest_unanswered();

// Looks for calls that hang, again and again.
class HangWatch {
 public:
  // The longest call, when it has waited for `ms` and did so at the look before, too: a process
  // that was stopped itself finds its calls old when it goes on, and answered a moment later.
  std::optional<Unanswered> look(int64_t ms);

 private:
  int64_t since_ms_ = -1;
};

}  // namespace imgq
