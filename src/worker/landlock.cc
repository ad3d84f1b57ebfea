#include "src/worker/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "src/util/fd.h"

namespace imgq::worker {
namespace {

// The kernel's own structure, whole: Debian 12's header ends after the first member.
struct Ruleset {
  uint64_t access_fs = 0;
  uint64_t access_net = 0;  // since ABI 4
  uint64_t scoped = 0;      // since ABI 6
};

constexpr uint32_t kAskVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
constexpr int kNewestKnown = 6;

// How many of the file system rights each ABI knows, from bit 0 on.
constexpr std::array<unsigned, kNewestKnown + 1> kRights = {0, 13, 14, 15, 15, 16, 16};

Ruleset everything(int abi) {
  const int known = std::min(abi, kNewestKnown);
  Ruleset rules;
  // cppcheck-suppress containerOutOfBounds  // seven entries, it counts six
  rules.access_fs = (uint64_t{1} << kRights.at(static_cast<size_t>(known))) - 1;
  if (abi >= 4) rules.access_net = 3;  // bind and connect TCP
  if (abi >= 6) rules.scoped = 3;      // abstract sockets and signals
  return rules;
}

size_t size_for(int abi) {
  if (abi >= 6) return sizeof(Ruleset);
  return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

}  // namespace

Result<int> enter_landlock() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  if (version <= 0) return 0;
  const int abi = static_cast<int>(version);
  const Ruleset rules = everything(abi);
  const Fd set(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size_for(abi), 0)));
  if (!set) return last_error("create a Landlock ruleset", "");
  if (::syscall(SYS_landlock_restrict_self, set.get(), 0) != 0) {
    return last_error("enter Landlock", "");
  }
  return abi;
}

}  // namespace imgq::worker
