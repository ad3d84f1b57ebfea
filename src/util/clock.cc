#include "src/util/clock.h"

#include <cerrno>
#include <system_error>

#include "src/util/sys.h"

namespace imgq {

int64_t now_ms() {
  struct timespec now = {};
  if (sys::clock_realtime(&now) != 0) {
    throw std::system_error(errno, std::generic_category(), "clock_gettime");
  }
  return ms_of(now);
}

ClockLeaps::ClockLeaps() : ahead_ms_(now_ms() - sys::boottime_ms()) {}

int64_t ClockLeaps::last_ms() {
  const int64_t now = now_ms();
  const int64_t ahead = now - sys::boottime_ms();
  if (ahead - ahead_ms_ >= kLeastMs) last_ms_ = now;
  ahead_ms_ = ahead;
  return last_ms_;
}

}  // namespace imgq
