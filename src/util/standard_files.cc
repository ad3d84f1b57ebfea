#include "src/util/standard_files.h"

#include <fcntl.h>
#include <unistd.h>

namespace imgq {

void fill_standard_files() {
  constexpr int kWrongWayRound[] = {O_WRONLY, O_RDONLY, O_WRONLY};
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    // The lowest free number is this one. It stays open as long as the process and its children.
    (void)::open("/dev/null", kWrongWayRound[number]);  // NOLINT(android-cloexec-open)
  }
}

}  // namespace imgq
