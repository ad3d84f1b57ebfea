#pragma once

#include <cstdint>
#include <optional>

#include "src/base/limits.h"
#include "src/jobs/config.h"

namespace imgq::supervise {

// How many workers there are, and what each may do, so that they fit into the memory of their
// control group together: no more workers than it feeds, unless the configuration says how many;
// images that need more than a worker's share are heavy, one at a time; those that need more than
// is left beside the other workers' shares run while nothing else does. None is refused for it.
struct MemoryShare {
  int workers = 1;
  Limits limits;
};

//   room        bytes of the control group; nothing: no limit, so processors and configuration
//               decide
//   processors  as many workers as the configuration's 0 means
MemoryShare share_memory(const Config& config, std::optional<int64_t> room, int processors);

}  // namespace imgq::supervise
