#pragma once

#include <chrono>
#include <cstdint>
#include <map>
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
  bool here = false;  // on this host
  enum class Life {
    alive,   // its lock is held, on this host; or on another, its heart beat lately
    dead,    // nobody holds its lock, on this host
    silent,  // of another host, no heartbeat for a while
    unseen,  // of another host, watched for too short to tell
  } life = Life::dead;
  int64_t heartbeat_age_ms = 0;  // of another host: as far as it was watched, when it was
  bool beat_lately = false;      // of an unseen one: so it seems by the clocks of both hosts
};

// Those that are alive; of the unseen, those that seem so.
int64_t count_alive(const std::vector<OwnerSeen>& owners);

// Every folder under processing/. A folder that vanishes meanwhile is left out. Of other hosts' the
// heartbeats are held against the clock of this one, which is a guess: where they can be watched,
// OwnersWatch knows.
Result<std::vector<OwnerSeen>> see_owners(const Spool& spool, std::chrono::milliseconds lease);

// Watches other hosts' heartbeats by the monotonic clock of this one: the clocks of two hosts may
// be apart by any time.
class OwnersWatch {
 public:
  // Looks now. One of another host is unseen until its heart was seen to beat, or to stand still
  // for the lease.
  Result<std::vector<OwnerSeen>> look(const Spool& spool, std::chrono::milliseconds lease);

 private:
  struct Seen {
    int64_t mark_ns = 0;
    int64_t since_ms = 0;
    bool beat = false;
  };
  void judge(OwnerSeen& owner, int64_t mark_ns, std::chrono::milliseconds lease);
  std::map<std::string, Seen> seen_;
};

}  // namespace imgq
