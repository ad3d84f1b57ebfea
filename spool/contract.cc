#include "spool/contract.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "spool/internal/folders.h"
#include "spool/internal/ground.h"
#include "spool/internal/walk.h"
#include "src/util/clock.h"
#include "src/util/fd.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

using Verdict = Clause::Verdict;
using durable::Answers;
using durable::Ground;
using durable::kSeenMs;
using durable::Patience;
using durable::race;
using durable::Times;
using durable::until;

constexpr int64_t kLockMs = 90'000;  // CephFS gives a dead holder's lock up after 67 s
constexpr int64_t kBeatMs = 2'000;   // heartbeats are that far apart
constexpr int64_t kClocksApartMs = 5'000;
constexpr const char* kOtherFileSystem =
    "do not share a spool by this file system, or not mounted in this way";
constexpr const char* kLockCure =
    "mount it with locks that reach other hosts (NFS: without nolock and local_lock; GlusterFS: "
    "features.locks on)";

std::string cause(int code) { return std::generic_category().message(code); }

Clause kept(std::string what, std::string found) {
  return {Verdict::kept, std::move(what), std::move(found), ""};
}
Clause note(std::string what, std::string found) {
  return {Verdict::note, std::move(what), std::move(found), ""};
}
Clause broken(std::string what, std::string found, std::string cure = kOtherFileSystem) {
  return {Verdict::broken, std::move(what), std::move(found), std::move(cure)};
}

std::string of(int part, int all) { return std::to_string(part) + " of " + std::to_string(all); }

// A claim is such a rename.
Clause own_names(const Ground& ground, int rounds) {
  const std::string what = "rename to a name of one's own, by two at once";
  int twice = 0, none = 0;
  race(
      rounds, [&](int n) { (void)ground.put(ground.here(), "own" + std::to_string(n)); },
      [&](int n) {
        const std::string name = "own" + std::to_string(n);
        return ground.rename(ground.here(), name, name + "~here");
      },
      [&](int n) {
        const std::string name = "own" + std::to_string(n);
        return ground.rename(ground.there(), name, name + "~there");
      },
      [&](int n, const Answers& answers) {
        const std::string name = "own" + std::to_string(n);
        const int stand = static_cast<int>(ground.remove(ground.here(), name + "~here") == 0) +
                          static_cast<int>(ground.remove(ground.here(), name + "~there") == 0);
        twice += static_cast<int>(answers.winners() > 1 || stand > 1);
        none += static_cast<int>(stand == 0);
      });
  if (twice > 0) return broken(what, "both moved one file, " + of(twice, rounds));
  if (none > 0)
    return broken(what, "the file was gone, or could not be moved, " + of(none, rounds));
  return kept(what, "one of them did, " + of(rounds, rounds));
}

Clause common_name(const Ground& ground, int rounds) {
  const std::string what = "rename of one file to one name, by two at once";
  int twice = 0;
  const auto move = [&ground](const Spool& spool, int n) {
    const std::string name = "common" + std::to_string(n);
    return ground.rename(spool, name, name + "~");
  };
  race(
      rounds, [&](int n) { (void)ground.put(ground.here(), "common" + std::to_string(n)); },
      [&](int n) { return move(ground.here(), n); }, [&](int n) { return move(ground.there(), n); },
      [&](int n, const Answers& answers) {
        twice += static_cast<int>(answers.winners() > 1);
        (void)ground.remove(ground.here(), "common" + std::to_string(n) + "~");
      });
  return note(what, "both were told that they did it, " + of(twice, rounds) +
                        "; imgq does not lean on that");
}

// An outcome is published by such a link.
Clause links(const Ground& ground, int rounds) {
  const std::string what = "hard link to one name, by two at once";
  int twice = 0, none = 0;
  const auto name_of = [](int n) { return "link" + std::to_string(n); };
  (void)ground.put(ground.here(), "link~here");
  (void)ground.put(ground.here(), "link~there");
  (void)until(kSeenMs, [&] { return ground.stat(ground.there(), "link~there") == 0; });
  race(
      rounds, [](int) {},
      [&](int n) { return ground.link(ground.here(), "link~here", name_of(n)); },
      [&](int n) { return ground.link(ground.there(), "link~there", name_of(n)); },
      [&](int n, const Answers& answers) {
        (void)ground.remove(ground.here(), name_of(n));
        twice += static_cast<int>(answers.winners() > 1);
        none += static_cast<int>(answers.winners() == 0);
      });
  if (twice > 0) return broken(what, "both gave it to a file of theirs, " + of(twice, rounds));
  if (none > 0) return broken(what, "neither could, " + of(none, rounds));
  return kept(what, "one of them could, " + of(rounds, rounds));
}

int try_lock(const Fd& file) { return sys::flock(file.get(), LOCK_EX | LOCK_NB) == 0 ? 0 : errno; }

Clause locks(const Ground& ground) {
  const std::string what = "flock keeps the other mount out";
  const Fd here = ground.put(ground.here(), "lock");
  if (const int code = here ? try_lock(here) : errno; code != 0) {
    return broken(what, "no lock to be had: " + cause(code), kLockCure);
  }
  Fd there;
  (void)until(kSeenMs, [&] {
    there = ground.open(ground.there(), "lock", O_RDWR);
    return static_cast<bool>(there);
  });
  const int second = there ? try_lock(there) : errno;
  if (second == 0) return broken(what, "two hold one lock", kLockCure);
  if (second != EWOULDBLOCK) return broken(what, "no lock to be had: " + cause(second), kLockCure);
  (void)sys::flock(here.get(), LOCK_UN);
  const int64_t ms = until(kLockMs, [&] { return try_lock(there) == 0; });
  if (ms < 0) return broken(what, "one that was given back cannot be taken", kLockCure);
  return kept(what, "one that was given back is free after " + std::to_string(ms) + " ms");
}

// A process that holds the lock through the first mount until it is killed; -1 when none can.
pid_t start_holder(const Ground& ground, const std::string& name) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -1;
  const Fd hear(ends[0]);
  Fd tell(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it does not outlive us
    const Fd file = ground.open(ground.here(), name, O_RDWR);
    if (!file || try_lock(file) != 0) std::_Exit(1);
    (void)sys::write(tell.get(), "+", 1);  // else the end of the pipe tells
    while (true) (void)::pause();
  }
  tell = Fd();
  char byte = 0;
  if (child > 0 && sys::read(hear.get(), &byte, 1) == 1) return child;
  if (child > 0) (void)::waitpid(child, nullptr, 0);
  return -1;
}

// The life sign of a daemon is such a lock, for daemons of its own host.
Clause lock_of_the_dead(const Ground& ground) {
  const std::string what = "flock of a process that is killed";
  {
    const Fd made = ground.put(ground.here(), "dead");
  }
  const pid_t holder = start_holder(ground, "dead");
  if (holder < 0) return broken(what, "no lock to be had", kLockCure);
  Fd there;
  (void)until(kSeenMs, [&] {
    there = ground.open(ground.there(), "dead", O_RDWR);
    return static_cast<bool>(there);
  });
  const bool kept_out = there && try_lock(there) == EWOULDBLOCK;
  (void)::kill(holder, SIGKILL);
  (void)::waitpid(holder, nullptr, 0);
  if (!kept_out) return broken(what, "it kept nobody out while it lived", kLockCure);
  const int64_t ms = until(kLockMs, [&] { return try_lock(there) == 0; });
  if (ms < 0) return broken(what, "still locked after 90 s", kLockCure);
  return kept(what, "free after " + std::to_string(ms) + " ms");
}

Clause seen(const std::string& what, Times times, bool never) {
  if (never) return broken(what, "not within 10 s");
  if (times.most() > Patience::kUnseenMs) {
    return note(what, times.words() + ": late, and jobs wait so much longer");
  }
  return kept(what, times.words());
}

void new_and_old_names(const Ground& ground, int rounds,
                       const std::function<void(const Clause&)>& take) {
  const Spool &here = ground.here(), &there = ground.there();
  Times listed, whole, asked, gone;
  std::array<bool, 4> never{};
  const auto note_time = [&never](Times& times, size_t which, int64_t ms) {
    never[which] = never[which] || ms < 0;
    if (ms >= 0) times.add(ms);
  };
  for (int n = 0; n < rounds; ++n) {
    const std::string name = "seen" + std::to_string(n), known = "asked" + std::to_string(n);
    {
      const Fd made = ground.put(here, name + "~");
    }
    (void)ground.rename(here, name + "~", name);
    note_time(listed, 0, until(kSeenMs, [&] { return ground.lists(there, name); }));
    note_time(whole, 1, until(kSeenMs, [&] { return ground.has_whole(there, name); }));
    (void)ground.stat(there, known);  // a client may remember that there was none
    (void)ground.link(here, name, known);
    note_time(asked, 2, until(kSeenMs, [&] { return ground.stat(there, known) == 0; }));
    (void)ground.remove(here, name);
    note_time(gone, 3, until(kSeenMs, [&] { return ground.stat(there, name) == ENOENT; }));
    if (never[0] || never[1] || never[2] || never[3]) break;
  }
  take(seen("a new name is listed by the other mount", listed, never[0]));
  take(seen("a file with a new name is whole there", whole, never[1]));
  take(seen("a new name that was looked for before is found there", asked, never[2]));
  take(seen("a removed name is gone there", gone, never[3]));
}

int64_t mtime_ns(const Ground& ground, const Spool& spool, const std::string& name) {
  struct stat about = {};
  const Fd file = ground.open(spool, name, O_RDONLY);  // opened anew: clients look again then
  if (!file || sys::fstat(file.get(), &about) != 0) return -1;
  return about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec;
}

// The heartbeat of a daemon is such a touch.
Clause touches(const Ground& ground, int rounds) {
  const std::string what = "a touch of a file changes its time, for the other mount too";
  const Fd file = ground.put(ground.here(), "touched");
  Times steps, there;
  for (int n = 0; n < rounds; ++n) {
    const int64_t before = mtime_ns(ground, ground.here(), "touched");
    const int64_t step = until(kBeatMs, [&] {
      return file && sys::futimens_now(file.get()) == 0 &&
             mtime_ns(ground, ground.here(), "touched") != before;
    });
    if (step < 0) return broken(what, "not within 2 s: the living would look dead");
    steps.add(step);
    const int64_t now = mtime_ns(ground, ground.here(), "touched");
    const int64_t ms =
        until(kSeenMs, [&] { return mtime_ns(ground, ground.there(), "touched") == now; });
    if (ms < 0) return broken(what, "never seen there: the living would look dead");
    there.add(ms);
  }
  return kept(what, "a new time " + steps.words() + "; seen there " + there.words());
}

Clause syncs(const Ground& ground) {
  const std::string what = "fsync of a file and of a folder, and syncfs";
  const Fd file = ground.put(ground.here(), "synced");
  const Fd folder = ground.open(ground.here(), "", O_RDONLY | O_DIRECTORY);
  if (!file || sys::fsync(file.get()) != 0) return broken(what, "of a file: " + cause(errno));
  if (!folder || sys::fsync(folder.get()) != 0) {
    return broken(what, "of a folder: " + cause(errno));
  }
  const bool all = sys::syncfs(folder.get()) == 0;
  if (!all && errno != EOPNOTSUPP) return broken(what, "syncfs: " + cause(errno));
  return kept(what, std::string("answered without an error") +
                        (all ? "" : " (syncfs is not used on this kind of file system)") +
                        "; that the bytes reach a disk, only a power cut could tell");
}

Clause removed_while_open(const Ground& ground) {
  const std::string what = "a file that the other mount removes while it is open";
  {
    const Fd made = ground.put(ground.here(), "held");
  }
  Fd file;
  (void)until(kSeenMs, [&] {
    file = ground.open(ground.there(), "held", O_RDONLY);
    return static_cast<bool>(file);
  });
  (void)ground.remove(ground.here(), "held");
  std::array<char, 16> bytes{};
  const bool readable = file && sys::pread(file.get(), bytes.data(), bytes.size(), 0) >= 0;
  return note(what, readable ? "can still be read"
                             : "answers \"" + cause(errno) + "\": imgq looks the job up anew");
}

Clause folder_made_anew(const Ground& ground, int rounds) {
  const std::string what = "a folder that was removed and made anew can be used by the other mount";
  Times times;
  for (int n = 0; n < rounds; ++n) {
    (void)durable::make_folder(ground.here(), ground.at("anew"));
    (void)until(kSeenMs, [&] { return ground.stat(ground.there(), "anew") == 0; });
    (void)ground.remove(ground.here(), "anew", AT_REMOVEDIR);
    (void)durable::make_folder(ground.here(), ground.at("anew"));
    int code = 0;
    const int64_t ms = until(Patience::kUnseenMs, [&] {
      const Fd file = ground.put(ground.there(), "anew/file");
      code = file ? 0 : errno;
      return code == 0;
    });
    if (ms < 0) return broken(what, "not within 3 s: " + cause(code));
    times.add(ms);
    (void)ground.remove(ground.there(), "anew/file");
    (void)until(kSeenMs, [&] { return ground.remove(ground.here(), "anew", AT_REMOVEDIR) == 0; });
  }
  return kept(what, times.words());
}

// What one of those does who make a folder at once: "" or what went wrong.
std::string make_and_use(const Ground& ground, const Spool& spool, const std::string& folder,
                         const std::string& file) {
  const auto made = durable::make_folder(spool, ground.at(folder));
  if (!made) return made.error().text();
  int code = 0;
  const int64_t ms = until(Patience::kUnseenMs, [&] {
    code = ground.put(spool, folder + "/" + file) ? 0 : errno;
    return code == 0;
  });
  return ms >= 0 ? "" : "a file in it: " + cause(code);
}

std::string see_all(const Ground& ground, const Spool& spool, const std::string& folder) {
  size_t found = 0;
  (void)until(kSeenMs, [&] {
    const auto names = sorted_names(spool, ground.at(folder));
    found = names ? names->size() : 0;
    return found == 3;
  });
  return found == 3 ? "" : "of three files in it are seen " + std::to_string(found);
}

Clause makers(const Ground& ground, int folders) {
  const std::string what = "a folder that three make at once, under the lock that imgq takes";
  const auto third = Spool::open(ground.there().path());
  if (!third) return broken(what, third.error().text());
  const std::array<const Spool*, 3> spools = {&ground.here(), &ground.there(), &*third};
  std::vector<std::array<std::string, 3>> wrong(static_cast<size_t>(folders));
  std::barrier meet(3);
  std::vector<std::thread> threads;
  for (size_t who = 0; who < spools.size(); ++who) {
    threads.emplace_back([&, who] {
      for (size_t n = 0; n < wrong.size(); ++n) {
        meet.arrive_and_wait();
        wrong[n][who] =
            make_and_use(ground, *spools[who], "folder" + std::to_string(n), std::to_string(who));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int bad = 0;
  std::string first;
  for (size_t n = 0; n < wrong.size(); ++n) {
    std::string found = wrong[n][0] + wrong[n][1] + wrong[n][2];
    for (const Spool* spool : {&ground.here(), &ground.there()}) {
      if (found.empty()) found = see_all(ground, *spool, "folder" + std::to_string(n));
    }
    bad += static_cast<int>(!found.empty());
    if (first.empty()) first = found;
  }
  if (bad > 0) return broken(what, of(bad, folders) + " cannot be used by all: " + first);
  return kept(what, "used by all, " + of(folders, folders));
}

Clause clocks(const Ground& ground) {
  const std::string what = "the file system's clock and this host's";
  const Fd file = ground.put(ground.here(), "clock");
  struct stat about = {};
  if (!file || sys::fstat(file.get(), &about) != 0) return broken(what, cause(errno));
  const int64_t apart = std::abs(now_ms() - ms_of(about.st_mtim));
  const std::string found = std::to_string(apart) + " ms apart";
  if (apart <= kClocksApartMs) return kept(what, found);
  return note(what, found + ": imgq compares no clocks of hosts, people do");
}

}  // namespace

Status try_contract(const Spool& here, const Spool& there, const ContractSize& size,
                    const std::function<void(const Clause&)>& take) {
  const Ground ground(here, there);
  if (auto made = ground.make(); !made) return made;
  take(own_names(ground, size.races));
  take(common_name(ground, size.races));
  take(links(ground, size.races));
  take(locks(ground));
  take(lock_of_the_dead(ground));
  new_and_old_names(ground, size.looks, take);
  take(touches(ground, size.looks));
  take(syncs(ground));
  take(removed_while_open(ground));
  take(folder_made_anew(ground, std::min(size.looks, 10)));
  take(makers(ground, size.folders));
  take(clocks(ground));
  return Ok{};
}

}  // namespace imgq
