#pragma once

#include <string>
#include <vector>

#include "spool/job_id.h"

namespace imgq::supervise {

// Which of the daemons that are at work a waiting job is for, so that they do not all try to claim
// the same: the one with the highest hash of its name and the job's. One that comes or goes
// changes no other's share by more than its own (rendezvous hashing: Thaler, Ravishankar, 1998).
// Only a matter of order: whoever has nothing else to do takes what another leaves.
class Share {
 public:
  Share() = default;  // all of it
  Share(std::string me, std::vector<std::string> others, bool all_beat = true)
      : me_(std::move(me)), others_(std::move(others)), all_beat_(all_beat) {}

  bool has(const JobId& id) const;
  bool is_all() const { return others_.empty(); }
  bool all_beat() const { return all_beat_; }  // else some of the others may be dead: wait for none
  friend bool operator==(const Share&, const Share&) = default;

 private:
  std::string me_;
  std::vector<std::string> others_;
  bool all_beat_ = true;
};

}  // namespace imgq::supervise
