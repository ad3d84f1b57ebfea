// What `imgq doctor` says of hosts and their daemons: who is cordoned, which versions, whose clock.
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "src/cli/cordon.h"
#include "src/cli/doctor.h"

namespace imgq::cli {
namespace {

using Health = Check::Health;

void check_cordons(const Spool& spool, const std::vector<OwnerSeen>& owners, Checks& checks) {
  const auto all = cordons(spool);
  if (!all) {
    checks.push_back({Health::bad, "cordon", all.error().text(), "see 'imgq fsck'"});
    return;
  }
  for (const Cordon& cordon : *all) {
    checks.push_back({Health::doubtful, "cordon",
                      cordon_words(cordon) + ": its daemons claim nothing",
                      fmt::format("when it may work again: imgq uncordon {}", cordon.host)});
  }
  if (!all_cordoned(owners)) return;
  checks.push_back({Health::bad, "cordon",
                    "every host with a daemon is cordoned: submitted jobs wait",
                    "imgq uncordon HOST, or start a daemon on another"});
}

void check_versions(const std::vector<OwnerSeen>& owners, Checks& checks) {
  std::map<std::string, std::string> hosts;  // one of each version
  for (const OwnerSeen& owner : owners) {
    const std::string& version = owner.told.version;
    if (owner.life != OwnerSeen::Life::alive) continue;
    hosts.emplace(version.empty() ? "unknown (older)" : version, owner.host);
  }
  if (hosts.size() < 2) return;
  std::string found;
  for (const auto& [version, host] : hosts) {
    found += fmt::format("{}{} on {}", found.empty() ? "" : "; ", version, host);
  }
  checks.push_back({Health::doubtful, "versions", "daemons differ: " + found,
                    "bring all to the newest: different ones are for the time of an upgrade"});
}

// Against the file system's clock; and, where that is each host's own, against ours.
void check_clocks(const std::vector<OwnerSeen>& owners, Checks& checks) {
  for (const OwnerSeen& owner : owners) {
    if (owner.life != OwnerSeen::Life::alive) continue;
    std::pair<int64_t, const char*> off{owner.told.clock_ahead_ms.value_or(0), "the file system's"};
    if (std::abs(off.first) <= kClockSlackMs) off = {owner.ahead_of_here_ms.value_or(0), "ours"};
    if (std::abs(off.first) <= kClockSlackMs) continue;
    checks.push_back(
        {std::abs(off.first) > kFarApartMs ? Health::bad : Health::doubtful, "clock",
         fmt::format("that of process {} on {} is {} s {} {}", owner.pid, owner.host,
                     std::abs(off.first) / 1000, off.first > 0 ? "ahead of" : "behind", off.second),
         kSynchronise});
  }
}

}  // namespace

void check_hosts(const Spool& spool, const std::vector<OwnerSeen>& owners, Checks& checks) {
  check_cordons(spool, owners, checks);
  check_versions(owners, checks);
  check_clocks(owners, checks);
}

}  // namespace imgq::cli
