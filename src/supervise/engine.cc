#include "src/supervise/engine.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "src/supervise/conductor.h"

namespace imgq::supervise {
namespace {

// A waiting job holds up to 17 descriptors.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, 65'536);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // without it EMFILE makes claims pause
}

}  // namespace

Result<Tally> run(const Spool& spool, Settings settings) {
  allow_many_files();
  Loop loop;
  Conductor conductor(loop, spool, std::move(settings));
  return conductor.run();
}

}  // namespace imgq::supervise
