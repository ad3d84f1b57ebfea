// What `imgq doctor` says of users, groups and their numbers.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "spool/layout.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/cli/doctor.h"
#include "src/cli/job_text.h"
#include "src/jobs/owners.h"
#include "src/util/sys.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

using Health = Check::Health;

// The name that the system has for a number; the number where it has none.
template <class Entry, class Id>
std::string name_for(Id id, int (*look_up)(Id, Entry*, char*, size_t, Entry**),
                     char* Entry::* name) {
  std::array<char, 16384> buffer{};
  Entry entry{};
  Entry* found = nullptr;
  (void)look_up(id, &entry, buffer.data(), buffer.size(), &found);  // null when it failed
  return found == nullptr ? std::to_string(id) : found->*name;
}

std::string group_name(gid_t gid) { return name_for(gid, ::getgrgid_r, &group::gr_name); }

// Whether the user is a member by the group's list; this login may not know it yet.
bool is_listed(gid_t gid) {
  std::array<gid_t, 1024> groups{};
  int count = static_cast<int>(groups.size());
  const std::string user = user_name(::getuid());
  if (::getgrouplist(user.c_str(), ::getgid(), groups.data(), &count) < 0) return false;
  return std::find(groups.begin(), groups.begin() + count, gid) != groups.begin() + count;
}

bool in_group(gid_t gid) {
  if (::getegid() == gid) return true;
  std::array<gid_t, 1024> groups{};
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  return count > 0 &&
         std::find(groups.begin(), groups.begin() + count, gid) != groups.begin() + count;
}

bool has_name(const std::string& name) {
  return name.find_first_not_of("0123456789") != std::string::npos;
}

}  // namespace

std::string user_name(uid_t uid) { return name_for(uid, ::getpwuid_r, &passwd::pw_name); }

void check_rights(const Session& session, const Spool& spool, Checks& checks) {
  struct stat about{};
  if (sys::fstat(spool.root(), &about) != 0) {
    checks.push_back({Health::bad, "permission", cause_text(errno), "look at the file system"});
    return;
  }
  const uid_t me = ::geteuid();
  const bool for_group = (about.st_mode & S_IWGRP) != 0;
  const bool may = me == 0 || me == about.st_uid || (for_group && in_group(about.st_gid));
  checks.push_back({may ? Health::good : Health::bad, "permission",
                    fmt::format("{} has mode {:04o}, group {}", printable(session.config.spool),
                                about.st_mode & 07777, group_name(about.st_gid)),
                    for_group ? joining_words(about.st_gid)
                              : "it is somebody's own spool: use your own, or a shared one (imgq "
                                "init --shared)"});
}

// What hosts share are the numbers. Of the daemons of several hosts those of one spool are alike;
// and a spool for a group has an owner and a group that this host knows.
void check_ids(const Spool& spool, Checks& checks) {
  struct stat about{};
  const bool seen = sys::fstat(spool.root(), &about) == 0;
  const auto bad = [&checks](std::string found) {
    checks.push_back({Health::doubtful, "numbers", std::move(found),
                      "user and group of imgq need the same numbers on all hosts: see "
                      "imgq-spool(5), \"Sharing between hosts\""});
  };
  if (seen && (about.st_mode & S_IWGRP) != 0) {
    if (!has_name(user_name(about.st_uid))) {
      bad(fmt::format("the spool's owner, {}, is no user of this host", about.st_uid));
    }
    if (!has_name(group_name(about.st_gid))) {
      bad(fmt::format("the spool's group, {}, is no group of this host", about.st_gid));
    }
  }
  std::map<uid_t, std::string> hosts;  // one of each number
  for (const std::string& owner : names_in(spool, std::string(name_of(State::processing)))) {
    const auto writer = layout::parse_writer(owner);
    if (!writer || sys::fstatat(spool.root(), layout::alive(owner).c_str(), &about) != 0) continue;
    hosts.emplace(about.st_uid, printable(writer->host));
  }
  if (hosts.size() < 2 || hosts.begin()->second == hosts.rbegin()->second) return;
  std::string found = "daemons have different users:";
  for (const auto& [uid, host] : hosts) found += fmt::format(" {} on {}", uid, host);
  bad(std::move(found));
}

std::string joining_words(gid_t group) {
  const std::string name = printable(group_name(group));
  if (is_listed(group)) {
    return fmt::format("log in again: you are in the list of its group {}, this login is older",
                       name);
  }
  return fmt::format("become a member of its group: adduser {} {}, then log in again",
                     printable(user_name(::getuid())), name);
}

}  // namespace imgq::cli
