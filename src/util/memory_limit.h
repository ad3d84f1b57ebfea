#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace imgq {

// How many bytes of memory this process may have together with all that is in its control group:
// the smallest limit of that group and of each above it (memory.max and memory.high of cgroup v2,
// memory.limit_in_bytes of v1, cgroups(7)). Nothing: none is set.
//   membership  of another process: /proc/<pid>/cgroup
//   cgroups     a parameter for tests alone
std::optional<int64_t> memory_limit(const std::string& membership = "/proc/self/cgroup",
                                    const std::string& cgroups = "/sys/fs/cgroup");

}  // namespace imgq
