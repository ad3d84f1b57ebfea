#include "spool/internal/folders.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "spool/internal/durable.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "src/util/mutant.h"
#include "src/util/sys.h"

namespace imgq::durable {
namespace {

constexpr int64_t kLockMs = 10'000;   // longer than GlusterFS keeps the lock of a dead host
constexpr int64_t kMostPauseMs = 50;  // between two looks
constexpr int kRounds = 2;            // in which a folder that goes is made again

bool is_unseen(int code) { return code == ENOENT || code == ESTALE; }

// Hours and the folders of keys are made by whoever needs one first.
bool is_made_on_demand(std::string_view folder) {
  return folder.starts_with("jobs/") || folder.starts_with("completed/") ||
         folder.starts_with("keys/");
}

std::string above(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// Held while a folder is made: on GlusterFS one that several hosts make at once can differ from
// brick to brick, and is then unreadable for good. Asked for without waiting in the kernel, which
// takes seconds there to hand a lock on. Where none is to be had (no locks; a holder that was
// stopped) the folder is made without.
Fd lock_making(const Spool& spool) {
  Fd format(sys::openat(spool.root(), "format", O_RDWR | O_NOFOLLOW | O_NONBLOCK));
  if (!format) return format;
  Patience patience(kLockMs);
  while (sys::flock(format.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || !patience.again()) break;
  }
  return format;
}

// Ready-made under another name and renamed to its own, where it may replace an empty one.
int make_by_rename(const Spool& spool, const std::string& path) {
  const std::string temp = temp_path(spool);
  if (sys::mkdirat(spool.root(), temp.c_str(), spool.folder_mode() & 0777) != 0) return -1;
  return sys::renameat(spool.root(), temp.c_str(), spool.root(), path.c_str());
}

int make_in_place(const Spool& spool, const std::string& path) {
  if (mutated(Mutant::folder_by_rename)) return make_by_rename(spool, path);
  return sys::mkdirat(spool.root(), path.c_str(), spool.folder_mode() & 0777);
}

// mkdir(2) has a network client look the folder up anew, also when the answer is EEXIST.
Result<ino_t> make_new_folder(const Spool& spool, const std::string& path) {
  const Fd lock = lock_making(spool);
  if (make_in_place(spool, path) != 0 && errno != EEXIST) return last_error("make a folder", path);
  const auto made = open_folder(spool, path);
  if (!made) return made.error();
  const auto set = set_mode(made->get(), spool.folder_mode(), path);
  if (!set && set.error().code != EPERM) return set.error();  // another made it, with its mode
  struct stat about = {};
  if (sys::fstat(made->get(), &about) != 0) return last_error("look at", path);
  return about.st_ino;
}

// The inode of a folder that is ready; 0 when there is none, or its maker has yet to give it its
// mode.
Result<ino_t> ready_folder(const Spool& spool, const std::string& path) {
  struct stat about = {};
  if (sys::fstatat(spool.root(), path.c_str(), &about) != 0) {
    return is_unseen(errno) ? Result<ino_t>(0) : last_error("look at", path);
  }
  const mode_t wanted = spool.folder_mode() & 0777;
  return (about.st_mode & wanted) == wanted ? about.st_ino : 0;
}

Result<ino_t> make_each(const Spool& spool, const std::string& path, Sync sync) {
  Result<ino_t> made = ino_t{0};
  for (size_t end = path.find('/'); end != std::string::npos;) {
    const std::string parent = path.substr(0, end);
    end = path.find('/', end + 1);
    made = make_folder(spool, path.substr(0, end));
    if (!made) return made;
    if (sync == Sync::none) continue;
    if (const auto synced = sync_names(spool, parent); !synced) return synced.error();
  }
  return made;
}

// Has a network client forget what it remembers of a folder, and makes one that is gone.
void look_anew(const Spool& spool, const std::string& folder) {
  if (!is_made_on_demand(folder)) {
    (void)each_name(spool.root(), above(folder), [](std::string_view) { return true; });
    return;
  }
  for (size_t end = folder.find('/'); end != std::string::npos;) {
    end = folder.find('/', end + 1);
    (void)make_new_folder(spool, folder.substr(0, end));  // the call that is made again tells
  }
}

int call(const Spool& spool, Naming how, const char* from, const char* to) {
  const int root = spool.root();
  return how == Naming::link ? sys::linkat(root, from, root, to)
                             : sys::renameat(root, from, root, to);
}

}  // namespace

bool Patience::again() {
  const int64_t now = sys::monotonic_ms();
  if (until_ms_ == 0) until_ms_ = now + most_ms_;
  if (now >= until_ms_) return false;
  if (next_ms_ > 0) sys::sleep_ms(next_ms_);
  next_ms_ = std::clamp<int64_t>(next_ms_ * 2, 1, kMostPauseMs);
  return true;
}

Status make_state_folder(int root, const char* folder, mode_t mode) {
  if (sys::mkdirat(root, folder, mode & 0777) != 0 && errno != EEXIST) {
    return last_error("make a folder", folder);
  }
  const Fd made(sys::openat(root, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!made) return last_error("open a folder", folder);
  auto set = set_mode(made.get(), mode, folder);
  return !set && set.error().code == EPERM ? Status(Ok{}) : set;  // another made it, with its mode
}

Result<ino_t> make_folder(const Spool& spool, const std::string& path) {
  const auto ready = ready_folder(spool, path);
  return !ready || *ready != 0 ? ready : make_new_folder(spool, path);
}

Result<ino_t> make_folders(const Spool& spool, const std::string& path, Sync sync) {
  auto made = make_each(spool, path, sync);
  for (int round = 0; round < kRounds && !made && is_unseen(made.error().code); ++round) {
    made = make_each(spool, path, sync);  // retention removed the day meanwhile, being empty
  }
  return made;
}

Status make_durable_folder(const Spool& spool, const std::string& path, Sync sync) {
  if (spool.known_durable().has(path)) return Ok{};
  const auto made = make_folders(spool, path, sync);
  if (!made) return made.error();
  spool.known_durable().add(path, *made);
  return Ok{};
}

Result<Fd> open_folder(const Spool& spool, const std::string& path) {
  Patience patience;
  while (true) {
    Fd folder(sys::openat(spool.root(), path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (folder) return folder;
    const Error why = last_error("open a folder", path);
    if (!is_unseen(why.code)) return why;
    const auto stands = exists_anew(spool, path);
    if (!stands || !*stands || !patience.again()) return why;
  }
}

Result<bool> exists_anew(const Spool& spool, const std::string& path) {
  (void)each_name(spool.root(), above(above(path)), [](std::string_view) { return true; });
  return exists(spool, path);
}

Given give_name(const Spool& spool, Naming how, const std::string& from, const std::string& to) {
  Patience patience;
  while (call(spool, how, from.c_str(), to.c_str()) != 0) {
    const int code = errno;
    if (!is_unseen(code)) return {code};
    const auto stands = exists_anew(spool, from);
    if (!stands) return {stands.error().code};
    if (!*stands) return {code};
    look_anew(spool, layout::folder_of(to));
    if (!patience.again()) return {code, true};
  }
  return {};
}

}  // namespace imgq::durable
