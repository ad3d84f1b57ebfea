#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "spool/spool.h"

namespace imgq {

// The names in a folder of the spool; none when it is gone or cannot be read.
std::vector<std::string> names_in(const Spool& spool, const std::string& folder);

// A daemon instance as it shows from outside.
struct OwnerSeen {
  std::string name;
  std::string host;
  int pid = 0;
  enum class Life {
    alive,   // its lock is held, on this host; or on another, its heart beat lately
    dead,    // nobody holds its lock, on this host
    silent,  // of another host, no heartbeat for a while
  } life = Life::dead;
  int64_t heartbeat_age_ms = 0;
};

// Those that are alive.
int64_t count_alive(const std::vector<OwnerSeen>& owners);

// Every folder under processing/. A folder that vanishes meanwhile is left out.
Result<std::vector<OwnerSeen>> see_owners(const Spool& spool, std::chrono::milliseconds lease);

}  // namespace imgq
