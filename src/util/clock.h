#pragma once

#include <time.h>

#include <cstdint>

// The time. What must not jump is asked of sys::monotonic_ms.
namespace imgq {

// Unix time in milliseconds, by the clock that people set.
int64_t now_ms();

// Sees the clock that people set leap ahead of the one that nobody sets, suspend included.
class ClockLeaps {
 public:
  static constexpr int64_t kLeastMs = 60'000;  // less may be a host that is busy

  // The first look is at the time of making.
  ClockLeaps();

  // Looks now. The Unix time, in ms, at which a leap was last seen; 0: never.
  int64_t last_ms();

 private:
  int64_t ahead_ms_;
  int64_t last_ms_ = 0;
};

inline int64_t ms_of(const timespec& time) {
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}
inline int64_t ns_of(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace imgq
