#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spool/owner.h"
#include "spool/recover.h"
#include "spool/spool.h"

namespace imgq {

// The names in a folder of the spool; none when it is gone or cannot be read.
std::vector<std::string> names_in(const Spool& spool, const std::string& folder);

// Clocks that are further apart are told of.
inline constexpr int64_t kClockSlackMs = 5'000;

// A daemon instance as it shows from outside.
struct OwnerSeen {
  std::string name;
  std::string host;
  int pid = 0;
  bool here = false;  // on this host
  enum class Life {
    alive,   // its lock is held, on this host; or on another, its heart beat lately
    dead,    // nobody holds its lock, on this host
    silent,  // of another host, no heartbeat for a while
    unseen,  // of another host, watched for too short to tell
  } life = Life::dead;
  int64_t heartbeat_age_ms = 0;  // not here: as far as it was watched
  bool cordoned = false;         // its host is
  OwnerTold told = {};
  // Its clock less this host's, as far as its beats were seen; nothing: here, or not seen.
  std::optional<int64_t> ahead_of_here_ms = {};
};

// Alive, but its heart has missed five beats: it was stopped, or waits for its file system.
bool stands_still(const OwnerSeen& owner);

// Those that are alive; an unseen one is not counted.
int64_t count_alive(const std::vector<OwnerSeen>& owners);

// Whether any is alive, or may be.
bool may_serve(const std::vector<OwnerSeen>& owners);

// Whether none of those that may be alive claims anything, their hosts being cordoned; false where
// there is none.
bool all_cordoned(const std::vector<OwnerSeen>& owners);

// Every folder under processing/. A folder that vanishes meanwhile is left out. The clocks of two
// hosts may be apart by any time: one of another host is unseen until `seen`, the same for all
// looks, has seen its heart beat, or stand still for the lease.
Result<std::vector<OwnerSeen>> see_owners(const Spool& spool, std::chrono::milliseconds lease,
                                          Heartbeats& seen);

// The same, looking until none is unseen, for two beats at most.
Result<std::vector<OwnerSeen>> watch_owners(const Spool& spool, std::chrono::milliseconds lease,
                                            Heartbeats& seen);

}  // namespace imgq
