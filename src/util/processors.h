#pragma once

#include <string>

namespace imgq {

// How many processors this process may keep busy, at least 1: those of its affinity mask, and no
// more than the CPU quota of its control group and of each above it, rounded up (cpu.max of
// cgroup v2, cgroups(7)).
//   membership, cgroups  where that is told: parameters for tests alone
int usable_processors(const std::string& membership = "/proc/self/cgroup",
                      const std::string& cgroups = "/sys/fs/cgroup");

}  // namespace imgq
