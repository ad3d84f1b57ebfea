#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "src/cli/session.h"
#include "src/jobs/owners.h"

namespace imgq::cli {

struct Check {
  enum class Health { good, doubtful, bad } health = Health::good;
  std::string what;  // "hard links", "daemon"
  std::string found;
  std::string cure;  // told when it is not good
};

// All that was found; each is told as it is found, for the next may never come back.
class Checks {
 public:
  explicit Checks(std::function<void(const Check&)> tell) : tell_(std::move(tell)) {}
  void push_back(Check check) {
    tell_(check);
    all_.push_back(std::move(check));
  }
  const std::vector<Check>& all() const { return all_; }

 private:
  std::function<void(const Check&)> tell_;
  std::vector<Check> all_;
};

// "become a member of its group: adduser alice imgq, then log in again". When the former is done
// already, only the latter.
std::string joining_words(gid_t group);

// The name that the system has for a user; the number where it has none.
std::string user_name(uid_t uid);

inline constexpr int64_t kFarApartMs = 60'000;  // clocks: bad, no longer doubtful
inline constexpr const char* kSynchronise =
    "synchronise the clocks of all hosts (timedatectl set-ntp true)";

// The parts of it; each adds what it finds.
void check_machine(Checks& checks);
void check_access(const Session& session, const Spool& spool, Checks& checks);
void check_spool(const Session& session, const Spool& spool, Checks& checks);
void check_other_spool(const Session& session, Checks& checks);
void check_configured(const Session& session, Checks& checks);
void check_rights(const Session& session, const Spool& spool, Checks& checks);
void check_hosts(const Spool& spool, const std::vector<OwnerSeen>& owners, Checks& checks);
void check_ids(const Spool& spool, Checks& checks);
void check_sharing(const Spool& spool, Checks& checks);
void check_other_mount(const Spool& spool, const std::string& path, Checks& checks);

// The name of a file system that other hosts may share, by its number of statfs(2), "FUSE
// (fuse.glusterfs)"; "" for another. `mounts` as in /proc/self/mountinfo.
std::string network_name(uint32_t type, unsigned major, unsigned minor, const std::string& mounts);
// Of what kind the mount of a device is there; "" when it is not there.
std::string mounted_kind(unsigned major, unsigned minor, const std::string& mounts);

}  // namespace imgq::cli
