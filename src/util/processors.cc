#include "src/util/processors.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <thread>
#include <vector>

#include "src/util/cgroup.h"

namespace imgq {
namespace {

// std::thread tells of the whole machine with some releases of glibc.
int allowed_processors() {
  std::vector<cpu_set_t> mask(8);  // for 8,192 processors; with more the call fails
  const size_t size = mask.size() * sizeof(cpu_set_t);
  if (::sched_getaffinity(0, size, mask.data()) == 0) return CPU_COUNT_S(size, mask.data());
  return static_cast<int>(std::thread::hardware_concurrency());
}

// "150000 100000" is 2; "max 100000", and a group that says nothing, is as many as there are.
int64_t quota_of(const std::string& group, int64_t otherwise) {
  std::ifstream in(group + "/cpu.max");
  int64_t quota_us = 0, period_us = 0;
  if (!(in >> quota_us >> period_us) || quota_us <= 0 || period_us <= 0) return otherwise;
  return (quota_us + period_us - 1) / period_us;
}

}  // namespace

int usable_processors(const std::string& membership, const std::string& cgroups) {
  int64_t most = allowed_processors();
  for (const std::string& group : control_groups("", membership, cgroups)) {
    most = std::min(most, quota_of(group, most));
  }
  return static_cast<int>(std::max<int64_t>(most, 1));
}

}  // namespace imgq
