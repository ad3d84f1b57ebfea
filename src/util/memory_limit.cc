#include "src/util/memory_limit.h"

#include <algorithm>
#include <fstream>

#include "src/util/cgroup.h"

namespace imgq {
namespace {

constexpr int64_t kUnlimited = int64_t{1} << 60;  // v1 says so by a number near 2^63

// "max", and a group that says nothing, is no limit.
int64_t limit_in(const std::string& path) {
  std::ifstream in(path);
  int64_t bytes = 0;
  return in >> bytes && bytes > 0 ? bytes : kUnlimited;
}

}  // namespace

std::optional<int64_t> memory_limit(const std::string& membership, const std::string& cgroups) {
  int64_t least = kUnlimited;
  for (const std::string& group : control_groups("", membership, cgroups)) {
    least = std::min({least, limit_in(group + "/memory.max"), limit_in(group + "/memory.high")});
  }
  for (const std::string& group : control_groups("memory", membership, cgroups)) {
    least = std::min(least, limit_in(group + "/memory.limit_in_bytes"));
  }
  return least < kUnlimited ? std::optional(least) : std::nullopt;
}

}  // namespace imgq
