// What `imgq doctor` looks at.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <vector>

#include "spool/layout.h"
#include "spool/list.h"
#include "spool/probe.h"
#include "spool/room.h"
#include "spool/spool.h"
#include "spool/sweep.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/cli/doctor.h"
#include "src/cli/files.h"
#include "src/cli/job_text.h"
#include "src/jobs/owners.h"
#include "src/supervise/engine.h"
#include "src/util/clock.h"
#include "src/util/memory_limit.h"
#include "src/util/sys.h"
#include "src/util/text.h"

extern "C" char** environ;

namespace imgq::cli {
namespace {

using Health = Check::Health;

constexpr uint64_t kWantedFiles = 1024;
constexpr int64_t kWantedWatches = 64;
constexpr int64_t kWantedInstances = 16;
constexpr int64_t kSaneAfterMs = 1'704'067'200'000;  // 2024-01-01: imgq is not older
constexpr int64_t kLongWaitMs = 10LL * 60 * 1000;

void check_files(Checks& checks) {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = 0;
  const auto most = std::min<uint64_t>(limit.rlim_cur, uint64_t{1} << 40);
  checks.push_back(
      {most < kWantedFiles ? Health::doubtful : Health::good, "open files",
       fmt::format("at most {}", most),
       fmt::format("raise the limit: ulimit -n {}, or LimitNOFILE= of the service", kWantedFiles)});
}

int64_t number_in(const char* path) {
  std::ifstream file(path);
  int64_t value = -1;
  file >> value;
  return file ? value : -1;
}

void check_inotify(Checks& checks) {
  const int64_t watches = number_in("/proc/sys/fs/inotify/max_user_watches");
  const int64_t instances = number_in("/proc/sys/fs/inotify/max_user_instances");
  const bool few = watches < kWantedWatches || instances < kWantedInstances;
  checks.push_back(
      {few ? Health::doubtful : Health::good, "inotify",
       fmt::format("for a user, watches: {}, instances: {}", watches, instances),
       "raise fs.inotify.max_user_watches and max_user_instances by sysctl; without, daemons "
       "find jobs only by looking every few seconds"});
}

void check_worker(Checks& checks) {
  const auto worker = supervise::find_worker();
  checks.push_back({worker ? Health::good : Health::bad, "worker",
                    worker ? printable(*worker) : worker.error().text(),
                    "install imgqd, or name the program by IMGQ_WORKER"});
}

bool is_known_variable(std::string_view name) {
  if (name == "IMGQ_WORKER" || name == "IMGQ_JPEG") return true;
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
void check_variables(Checks& checks) {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (name.substr(0, 5) != "IMGQ_" || is_known_variable(name)) continue;
    checks.push_back({Health::doubtful, "environment",
                      fmt::format("{} means nothing to imgq", printable(name)),
                      "see imgq.toml(5) for the names"});
  }
}

// The system's spool, where the user's own is in use.
void check_system_spool(const Session& session, const std::string& path, Checks& checks) {
  struct stat about{};
  if (path.empty() || !look_at(path, about) || !S_ISDIR(about.st_mode)) return;
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
  checks.push_back(std::move(check));
}

void check_room(const Session& session, const Spool& spool, Checks& checks) {
  const auto room = spool.room();
  if (!room) {
    checks.push_back({Health::bad, "room", room.error().text(), "look at the file system"});
    return;
  }
  std::string found = fmt::format("{} free", human_bytes(static_cast<int64_t>(room->free_bytes)));
  const auto kept = require_room(spool, session.config.min_free_bytes);
  if (!kept) {
    found += fmt::format(", inodes free: {}; cannot {}", room->free_inodes, kept.error().action);
  }
  checks.push_back({kept ? Health::good : Health::bad, "room", found,
                    "nothing is submitted or processed until there is more: make room, or imgq "
                    "purge --older 1d --dry-run, then --force"});
}

// Folders that the file system itself cannot read; the words of the repair are for one that several
// hosts made at once, on GlusterFS without the lock that FORMAT.md asks for.
void check_folders(const Spool& spool, Checks& checks) {
  for (const Error& why : unreadable_folders(spool)) {
    checks.push_back(
        {Health::bad, "folder", fmt::format("{}: {}", printable(why.path), cause_text(why.code)),
         why.code == EIO
             ? "no job in it can be read: look at the file system (dmesg). On GlusterFS the bricks "
               "hold different folders of this name: compare them by getfattr -n trusted.gfid -e "
               "hex BRICK/FOLDER; on the brick that differs keep a copy of what is in it, remove "
               "the folder and its link .glusterfs/AA/BB/GFID, then: gluster volume heal VOLUME "
               "full"
             : "look at the file system: whether it is mounted, and its servers reached"});
  }
}

// Our clock against the file system's (on a network one, its server's), by a fresh file.
void check_clock(const Spool& spool, Checks& checks) {
  const auto temp = TempFile::create(spool);
  struct stat about{};
  if (!temp || sys::fstat(temp->fd(), &about) != 0) {
    checks.push_back({Health::bad, "clock", "no file can be made in the spool",
                      temp ? "look at the file system" : temp.error().text()});
    return;
  }
  const int64_t apart = std::abs(now_ms() - ms_of(about.st_mtim));
  const bool sane = now_ms() >= kSaneAfterMs;
  if (apart <= kClockSlackMs && sane) {
    checks.push_back({Health::good, "clock", "agrees with the file system", ""});
    return;
  }
  checks.push_back(
      {apart > kFarApartMs || !sane ? Health::bad : Health::doubtful, "clock",
       fmt::format("{}, {} s away from the file system's clock", iso_time(now_ms()), apart / 1000),
       kSynchronise});
}

// Ids carry the submitter's clock.
void check_future(const Spool& spool, Checks& checks) {
  const auto newest = list(spool, State::staging, Order::newest_first, 1);
  if (!newest || newest->empty()) return;
  const int64_t ahead = newest->front().id.unix_ms() - now_ms();
  if (ahead <= kClockSlackMs) return;
  checks.push_back({Health::doubtful, "clock",
                    fmt::format("the newest job was submitted {} s in the future", ahead / 1000),
                    kSynchronise});
}

void check_owners(const Session& session, const Spool& spool, Checks& checks) {
  Heartbeats seen;
  const auto owners = watch_owners(spool, session.config.lease, seen);
  if (!owners) {
    checks.push_back({Health::bad, "daemon", owners.error().text(), "see 'imgq fsck'"});
    return;
  }
  const int64_t alive = count_alive(*owners);
  checks.push_back(
      {alive > 0 ? Health::good : Health::bad, "daemon",
       alive > 0 ? fmt::format("{} running", alive) : "none is running: submitted jobs wait",
       start_words(session.config.spool)});
  for (const OwnerSeen& owner : *owners) {
    if (stands_still(owner)) {
      checks.push_back(
          {Health::bad, "daemon",
           fmt::format("process {} on {} runs, but its heart stands still for {}", owner.pid,
                       printable(owner.host), age_words(0, owner.heartbeat_age_ms)),
           "it was stopped, or its file system does not answer: its log tells; "
           "kill -CONT, or end it and start another"});
    }
    if (owner.life == OwnerSeen::Life::alive) continue;
    const bool dead = owner.life == OwnerSeen::Life::dead;
    checks.push_back({Health::doubtful, "leftovers",
                      fmt::format("process {} on {}{}", owner.pid, printable(owner.host),
                                  dead ? " is gone and left jobs behind"
                                       : " gave no sign of life while it was watched, for two "
                                         "beats"),
                      "a running imgqd takes its jobs over by itself"});
  }
  check_hosts(spool, *owners, checks);
}

// What one image may need against what there is; of the daemons of this host, else of ourselves.
void check_memory(const Session& session, const Spool& spool, Checks& checks) {
  std::optional<int64_t> least;
  Heartbeats seen;
  const auto owners = see_owners(spool, session.config.lease, seen);
  for (const OwnerSeen& owner : owners ? *owners : std::vector<OwnerSeen>()) {
    if (owner.life != OwnerSeen::Life::alive || !owner.here) continue;
    const auto limit = memory_limit(fmt::format("/proc/{}/cgroup", owner.pid));
    if (limit) least = std::min(*limit, least.value_or(*limit));
  }
  const bool none_here = !owners || !may_serve(*owners);
  if (none_here) least = memory_limit();
  if (!least) return;
  const int64_t wanted = session.config.limits.memory_bytes;
  const bool enough = *least >= wanted;
  checks.push_back(
      {enough ? Health::good : Health::doubtful, "memory",
       fmt::format("{} for the {} control group; an image may need {}", human_bytes(*least),
                   none_here ? "own" : "daemon's", human_bytes(wanted)),
       "images that need more than there is end as out_of_memory: raise the group's limit "
       "(MemoryMax= of the service), or lower limits.memory_bytes, so that they are refused as "
       "too_large"});
}

void check_temporary(const Spool& spool, Checks& checks) {
  const std::vector<std::string> names = names_in(spool, "tmp");  // fsck tells when it is missing
  const auto stale = std::count_if(names.begin(), names.end(), [&spool](const std::string& name) {
    const auto answer = is_stale_temp(spool, name);
    return answer && *answer && !layout::is_writer_lock(name);
  });
  if (stale == 0) return;
  checks.push_back({Health::doubtful, "leftovers",
                    fmt::format("temporary files of programs that are gone: {}", stale),
                    "a running imgqd sweeps them; so does imgq fsck --repair"});
}

void check_jobs(const Spool& spool, Checks& checks) {
  const auto counts = count(spool);
  if (!counts) {
    checks.push_back({Health::bad, "jobs", counts.error().text(), "see 'imgq fsck'"});
    return;
  }
  if (counts->corrupt > 0) {
    checks.push_back({Health::doubtful, "corrupt",
                      fmt::format("unreadable files that were set aside: {}", counts->corrupt),
                      "look at them in corrupt/ of the spool; submit their images anew"});
  }
  if (!counts->oldest_waiting) return;
  const int64_t since_ms = counts->oldest_waiting->unix_ms();
  if (now_ms() - since_ms <= kLongWaitMs) return;
  checks.push_back({Health::doubtful, "jobs",
                    fmt::format("the oldest has waited for {}", age_words(since_ms, now_ms())),
                    "see what the daemons do: imgq top, journalctl -u imgqd"});
}

bool is_read_only(const std::string& path) {
  struct statvfs about{};
  return ::statvfs(path.c_str(), &about) == 0 && (about.f_flag & ST_RDONLY) != 0;
}

}  // namespace

void check_machine(Checks& checks) {
  check_worker(checks);
  check_files(checks);
  check_inotify(checks);
  check_variables(checks);
}

void check_access(const Session& session, const Spool& spool, Checks& checks) {
  checks.push_back({Health::good, "spool", printable(session.config.spool), ""});
  check_rights(session, spool, checks);
  check_ids(spool, checks);
  check_room(session, spool, checks);
  if (is_read_only(spool.path())) {  // then no probe can say anything else
    checks.push_back({Health::bad, "file system", "read-only: nothing is submitted or processed",
                      "see why (dmesg), then make it writable: mount -o remount,rw"});
    return;
  }
  for (const Probe& probe : probe(spool)) {
    checks.push_back({probe.good ? Health::good : Health::bad, probe.what,
                      probe.good ? "fine" : "not as it must be", probe.cure});
  }
  check_folders(spool, checks);
  check_clock(spool, checks);
}

void check_spool(const Session& session, const Spool& spool, Checks& checks) {
  check_owners(session, spool, checks);
  check_memory(session, spool, checks);
  check_temporary(spool, checks);
  check_future(spool, checks);
  check_jobs(spool, checks);
}

void check_other_spool(const Session& session, Checks& checks) {
  if (!session.chosen) return;
  const std::string& path = session.chosen->other;
  if (session.chosen->whose == SpoolChoice::Whose::own) {
    check_system_spool(session, path, checks);
    return;
  }
  if (!Spool::open(path)) return;
  const std::string where = printable(path);
  const int64_t waiting = waiting_jobs(path);
  checks.push_back({waiting > 0 ? Health::doubtful : Health::good, "other spool",
                    waiting == 0
                        ? where + ", your own: no job waits there"
                        : fmt::format("{}, your own, which no daemon serves: {} {} there", where,
                                      counted(waiting, "job"), waiting == 1 ? "waits" : "wait"),
                    fmt::format("this makes them, and ends: imgqd --drain --spool {}", where)});
}

}  // namespace imgq::cli
