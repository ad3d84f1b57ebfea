#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace imgq {

// The folders of the control groups that this process is in, innermost first, up to the root of
// what it sees (cgroups(7)): those of version 2, or of one controller of version 1; empty where
// there are none. Some may be missing.
//   controller  "" for version 2, else "memory", ...
//   membership, cgroups  where that is told: others than those of the system for tests alone
std::vector<std::string> control_groups(std::string_view controller, const std::string& membership,
                                        const std::string& cgroups);

}  // namespace imgq
