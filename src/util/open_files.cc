#include "src/util/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace imgq {

size_t allow_open_files(size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto most = std::min<rlim_t>(limit.rlim_max, wanted);
  if (limit.rlim_cur < most) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = most;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  return static_cast<size_t>(limit.rlim_cur);
}

}  // namespace imgq
