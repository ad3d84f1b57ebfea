// What `imgq doctor` looks at.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "spool/list.h"
#include "spool/probe.h"
#include "spool/room.h"
#include "spool/spool.h"
#include "spool/sweep.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/cli/doctor.h"
#include "src/cli/job_text.h"
#include "src/cli/owners.h"
#include "src/supervise/engine.h"
#include "src/util/clock.h"
#include "src/util/text.h"

extern "C" char** environ;

namespace imgq::cli {
namespace {

using Health = Check::Health;

constexpr int64_t kWantedFiles = 1024;
constexpr int64_t kWantedWatches = 64;
constexpr int64_t kWantedInstances = 16;
constexpr int64_t kClockSlackMs = 5'000;
constexpr int64_t kFarApartMs = 60'000;
constexpr int64_t kSaneAfterMs = 1'704'067'200'000;  // 2024-01-01: imgq is not older
constexpr int64_t kLongWaitMs = 10LL * 60 * 1000;

Check check_files() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = 0;
  const auto most =
      limit.rlim_cur > uint64_t{1} << 40 ? int64_t{1} << 40 : static_cast<int64_t>(limit.rlim_cur);
  Check check{Health::good, "open files", fmt::format("at most {}", most), ""};
  if (most < kWantedFiles) {
    check.health = Health::doubtful;
    check.cure =
        fmt::format("raise the limit: ulimit -n {}, or LimitNOFILE= of the service", kWantedFiles);
  }
  return check;
}

int64_t number_in(const char* path) {
  std::ifstream file(path);
  int64_t value = -1;
  file >> value;
  return file ? value : -1;
}

Check check_inotify() {
  const int64_t watches = number_in("/proc/sys/fs/inotify/max_user_watches");
  const int64_t instances = number_in("/proc/sys/fs/inotify/max_user_instances");
  Check check{Health::good, "inotify",
              fmt::format("for a user, watches: {}, instances: {}", watches, instances), ""};
  if (watches < kWantedWatches || instances < kWantedInstances) {
    check.health = Health::doubtful;
    check.cure =
        "raise fs.inotify.max_user_watches and max_user_instances by sysctl; without, daemons "
        "find jobs only by looking every few seconds";
  }
  return check;
}

Check check_worker() {
  const auto worker = supervise::find_worker();
  if (worker) return {Health::good, "worker", printable(*worker), ""};
  return {Health::bad, "worker", worker.error().text(),
          "install imgqd, or name the program by IMGQ_WORKER"};
}

bool is_known_variable(std::string_view name) {
  if (name == "IMGQ_WORKER") return true;
  const Config config;
  for (const Setting& setting : settings_of(config)) {
    std::string variable = "IMGQ_";
    for (const char c : setting.key) {
      variable += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    if (variable == name) return true;
  }
  return false;
}

// A mistyped variable is silently without effect.
std::vector<Check> check_variables() {
  std::vector<Check> checks;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (name.substr(0, 5) != "IMGQ_" || is_known_variable(name)) continue;
    checks.push_back({Health::doubtful, "environment",
                      fmt::format("{} means nothing to imgq", printable(name)),
                      "see imgq.toml(5) for the names"});
  }
  return checks;
}

std::string group_name(gid_t gid) {
  std::array<char, 16384> buffer{};
  struct group entry{};
  struct group* found = nullptr;
  (void)getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found);  // null when it failed
  return found == nullptr ? std::to_string(gid) : found->gr_name;
}

std::string user_name(uid_t uid) {
  std::array<char, 16384> buffer{};
  struct passwd entry{};
  struct passwd* found = nullptr;
  (void)getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);  // null when it failed
  return found == nullptr ? std::to_string(uid) : found->pw_name;
}

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

Check check_rights(const Session& session, const Spool& spool) {
  struct stat about{};
  const std::string where = printable(session.config.spool);
  if (sys::fstat(spool.root(), &about) != 0) {
    return {Health::bad, "permission", cause_text(errno), "look at the file system"};
  }
  Check check{Health::good, "permission",
              fmt::format("{} has mode {:04o}, group {}", where, about.st_mode & 07777,
                          group_name(about.st_gid)),
              ""};
  const uid_t me = ::geteuid();
  const bool by_group = (about.st_mode & S_IWGRP) != 0 && in_group(about.st_gid);
  if (me == 0 || me == about.st_uid || by_group) return check;
  check.health = Health::bad;
  check.cure = (about.st_mode & S_IWGRP) == 0
                   ? "it is somebody's own spool: use your own, or a shared one (imgq init "
                     "--shared)"
                   : joining_words(about.st_gid);
  return check;
}

// The system's spool, where the user's own is in use.
std::vector<Check> check_system_spool(const Session& session, const std::string& path) {
  struct stat about{};
  if (path.empty() || ::stat(path.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) return {};
  Check check{Health::good, "other spool", printable(path) + ", the system's: ", ""};
  if (::geteuid() == 0) {
    check.found += "root uses it only when it is named (--spool)";
  } else if (::access(path.c_str(), W_OK) == 0) {
    check.found += "passed over, as a daemon serves your own";
  } else {
    check.found += "you may not write to it";
    const bool served = is_served_at(session.config.spool, session.config.lease);
    if (!served && (about.st_mode & S_IWGRP) != 0) {
      check.health = Health::doubtful;
      check.cure = joining_words(about.st_gid);
    }
  }
  return {check};
}

Check check_room(const Session& session, const Spool& spool) {
  const auto room = spool.room();
  if (!room) return {Health::bad, "room", room.error().text(), "look at the file system"};
  const auto free = static_cast<int64_t>(room->free_bytes);
  Check check{Health::good, "room", fmt::format("{} free", human_bytes(free)), ""};
  const auto kept = require_room(spool, session.config.min_free_bytes);
  if (kept) return check;
  check.health = Health::bad;
  check.found +=
      fmt::format(", inodes free: {}; cannot {}", room->free_inodes, kept.error().action);
  check.cure =
      "nothing is submitted or processed until there is more: make room, or imgq purge --older 1d "
      "--dry-run, then --force";
  return check;
}

// Our clock against the file system's (on a network one, its server's), by a fresh file.
Check check_clock(const Spool& spool) {
  const auto temp = TempFile::create(spool);
  struct stat about{};
  if (!temp || sys::fstat(temp->fd(), &about) != 0) {
    return {Health::bad, "clock", "no file can be made in the spool",
            temp ? "look at the file system" : temp.error().text()};
  }
  const int64_t apart = std::abs(now_ms() - ms_of(about.st_mtim));
  Check check{Health::good, "clock", "agrees with the file system", ""};
  if (apart <= kClockSlackMs && now_ms() >= kSaneAfterMs) return check;
  const bool far = apart > kFarApartMs || now_ms() < kSaneAfterMs;
  check.health = far ? Health::bad : Health::doubtful;
  check.found =
      fmt::format("{}, {} s away from the file system's clock", iso_time(now_ms()), apart / 1000);
  check.cure = "synchronise the clocks of all hosts (timedatectl set-ntp true)";
  return check;
}

// Ids carry the submitter's clock.
std::vector<Check> check_future(const Spool& spool) {
  const auto newest = list(spool, State::staging, Order::newest_first, 1);
  if (!newest || newest->empty()) return {};
  const int64_t ahead = newest->front().id.unix_ms() - now_ms();
  if (ahead <= kClockSlackMs) return {};
  return {{Health::doubtful, "clock",
           fmt::format("the newest job was submitted {} s in the future", ahead / 1000),
           "synchronise the clocks of all hosts (timedatectl set-ntp true)"}};
}

std::vector<Check> check_owners(const Session& session, const Spool& spool) {
  const auto owners = see_owners(spool, session.config.lease);
  if (!owners) return {{Health::bad, "daemon", owners.error().text(), "see 'imgq fsck'"}};
  int64_t alive = 0;
  std::vector<Check> checks;
  for (const OwnerSeen& owner : *owners) {
    if (owner.life == OwnerSeen::Life::alive) {
      ++alive;
      continue;
    }
    const std::string who = fmt::format("process {} on {}", owner.pid, printable(owner.host));
    const bool dead = owner.life == OwnerSeen::Life::dead;
    checks.push_back({Health::doubtful, "leftovers",
                      who + (dead ? " is gone and left jobs behind"
                                  : " has not been heard of for longer than daemon.lease"),
                      "a running imgqd takes its jobs over by itself"});
  }
  if (alive > 0) {
    checks.insert(checks.begin(), {Health::good, "daemon", fmt::format("{} running", alive), ""});
  } else {
    checks.insert(checks.begin(), {Health::bad, "daemon", "none is running: submitted jobs wait",
                                   start_words(session.config.spool)});
  }
  return checks;
}

std::vector<Check> check_temporary(const Spool& spool) {
  const std::vector<std::string> names = names_in(spool, "tmp");  // fsck tells when it is missing
  const auto stale = std::count_if(names.begin(), names.end(), [&spool](const std::string& name) {
    const auto answer = is_stale_temp(spool, name);
    return answer && *answer;
  });
  if (stale == 0) return {};
  return {{Health::doubtful, "leftovers",
           fmt::format("temporary files of programs that are gone: {}", stale),
           "a running imgqd sweeps them; so does imgq fsck --repair"}};
}

std::vector<Check> check_jobs(const Spool& spool) {
  std::vector<Check> checks;
  const auto counts = count(spool);
  if (!counts) return {{Health::bad, "jobs", counts.error().text(), "see 'imgq fsck'"}};
  if (counts->corrupt > 0) {
    checks.push_back({Health::doubtful, "corrupt",
                      fmt::format("unreadable files that were set aside: {}", counts->corrupt),
                      "look at them in corrupt/ of the spool; submit their images anew"});
  }
  if (counts->oldest_waiting) {
    const int64_t age = now_ms() - counts->oldest_waiting->unix_ms();
    if (age > kLongWaitMs) {
      checks.push_back({Health::doubtful, "jobs",
                        fmt::format("the oldest has waited for {}",
                                    age_words(counts->oldest_waiting->unix_ms(), now_ms())),
                        "see what the daemons do: imgq top, journalctl -u imgqd"});
    }
  }
  return checks;
}

bool is_read_only(const std::string& path) {
  struct statvfs about{};
  return ::statvfs(path.c_str(), &about) == 0 && (about.f_flag & ST_RDONLY) != 0;
}

}  // namespace

std::string joining_words(gid_t group) {
  const std::string name = printable(group_name(group));
  if (is_listed(group)) {
    return fmt::format("log in again: you are in the list of its group {}, this login is older",
                       name);
  }
  return fmt::format("become a member of its group: adduser {} {}, then log in again",
                     printable(user_name(::getuid())), name);
}

std::vector<Check> check_other_spool(const Session& session) {
  if (!session.chosen) return {};
  const std::string& path = session.chosen->other;
  if (session.chosen->whose == SpoolChoice::Whose::own) return check_system_spool(session, path);
  if (!Spool::open(path)) return {};
  Check check{Health::good, "other spool", printable(path) + ", your own: no job waits there", ""};
  if (const int64_t waiting = waiting_jobs(path); waiting > 0) {
    check.health = Health::doubtful;
    check.found = fmt::format("{}, your own, which no daemon serves: {} there", printable(path),
                              waiting == 1 ? "1 job waits" : counted(waiting, "job") + " wait");
    check.cure =
        fmt::format("this makes them, and ends: imgqd --drain --spool {}", printable(path));
  }
  return {check};
}

std::vector<Check> check_machine() {
  std::vector<Check> checks = {check_worker(), check_files(), check_inotify()};
  append(checks, check_variables());
  return checks;
}

std::vector<Check> check_access(const Session& session, const Spool& spool) {
  std::vector<Check> checks = {{Health::good, "spool", printable(session.config.spool), ""},
                               check_rights(session, spool),
                               check_room(session, spool)};
  if (is_read_only(spool.path())) {  // then no probe can say anything else
    checks.push_back({Health::bad, "file system", "read-only: nothing is submitted or processed",
                      "see why (dmesg), then make it writable: mount -o remount,rw"});
    return checks;
  }
  for (const Probe& probe : probe(spool)) {
    checks.push_back({probe.good ? Health::good : Health::bad, probe.what,
                      probe.good ? "fine" : "not as it must be", probe.cure});
  }
  checks.push_back(check_clock(spool));
  return checks;
}

std::vector<Check> check_spool(const Session& session, const Spool& spool) {
  std::vector<Check> checks = check_owners(session, spool);
  append(checks, check_temporary(spool));
  append(checks, check_future(spool));
  append(checks, check_jobs(spool));
  return checks;
}

}  // namespace imgq::cli
