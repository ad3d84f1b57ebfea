#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "spool/spool.h"

// Which spool is meant when none was named: the system's for its group, else the user's own.
namespace imgq::cli {

// The modes of a spool for a group, and of one's own.
inline constexpr mode_t kShared = 02770;
inline constexpr mode_t kPrivate = 0700;

// Where the packages put the spool that imgqd serves.
inline constexpr const char* kSystemSpool = "/var/spool/imgq";

struct SpoolChoice {
  enum class Whose { own, system } whose = Whose::own;
  std::string path;
  std::string other = {};  // the one passed over; it need not exist
};

// `system` when it is a directory that this process may write to, unless a daemon serves `own`.
// Never for root, who may write everywhere: what root does would be everybody's.
//   lease  see is_served_at
SpoolChoice choose_spool(const std::string& own, const std::string& system,
                         std::chrono::milliseconds lease);

// Whether a daemon is alive there, be its host cordoned; false: no spool.
//   lease  one on another host counts for so long after its last heartbeat
bool is_served_at(const std::string& path, std::chrono::milliseconds lease);

// "no daemon serves /srv/q: jobs wait there; to start one: imgqd --spool /srv/q", or that all are
// on cordoned hosts; empty when one may claim.
std::string unserved_words(const Spool& spool, std::chrono::milliseconds lease);

// What starts a daemon for it: "systemctl start imgqd", "imgqd --spool /srv/q".
std::string start_words(const std::string& path);

// Jobs that a daemon would take, now or later; 0 when there is no spool.
int64_t waiting_jobs(const std::string& path);

}  // namespace imgq::cli
