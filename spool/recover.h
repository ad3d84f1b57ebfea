#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "spool/spool.h"

namespace imgq {

// A beat is 2 s at most, and may be seen a second late.
inline constexpr std::chrono::milliseconds kTwoBeats{5'000};

// What one observer has seen of the other owners' heartbeats, by its own monotonic clock; never
// compares clocks of two hosts. Keep one per daemon.
class Heartbeats {
 public:
  // How long the mark of this owner has not changed; 0 the first time and after each change.
  std::chrono::milliseconds still(const std::string& owner, int64_t mark, int64_t now_ms);
  bool beats(const std::string& owner) const;                   // its mark was seen to change
  void forget_all_but(const std::vector<std::string>& owners);  // in order

 private:
  struct Seen {
    int64_t mark = 0;
    int64_t since_ms = 0;
    bool beat = false;
  };
  std::map<std::string, Seen> seen_;
};

struct Recovered {
  int owners = 0;     // dead instances whose folder is gone now
  int jobs = 0;       // claims given back to staging/ or delayed/ (or ended: too many losses)
  int finished = 0;   // claims whose outcome was there already: token put where it belongs
  int looked_at = 0;  // other instances, alive or dead
  // of these, whose heart beats as far as was seen and whose host is not cordoned; in order
  std::vector<std::string> at_work = {};
  bool all_beat = true;  // of those that are at work: each was seen to, and none was just met
  // none of those that live is dead sooner
  std::chrono::milliseconds next_dead = std::chrono::milliseconds::max();
  std::vector<Error> trouble;  // what could not be done; tried again next time
};

// Takes over from dead owners. Dead: its .alive can be locked and it ran on this host (this boot or
// an earlier one); or its heartbeat has not moved for `lease` as watched by `seen`. Being wrong
// costs a decode, never a result. Of what the dead of other hosts leave anyone takes the claims;
// the rest goes by the first, by name, of the instances that live, which may be `me`.
//   me  this instance; empty: none
//   source  FORMAT.md "Recover"
Result<Recovered> recover(const Spool& spool, const std::string& me, Heartbeats& seen,
                          std::chrono::milliseconds lease);

}  // namespace imgq
