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

}  // namespace imgq
