#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "src/util/error.h"
#include "src/util/fd.h"
#include "src/util/mutant.h"
#include "src/util/sys.h"

namespace imgq {

// Folders that this process knows to be on the disk under their names, by their inodes: one that is
// removed and made anew is another. Another process may have made one and not synced it yet, so
// seeing a folder is not enough to put an acknowledged job there.
class KnownFolders {
 public:
  bool has(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return inodes_.count(path) > 0;
  }
  // Whether it is this one that is on the disk.
  bool is(const std::string& path, ino_t inode) const {
    const std::lock_guard lock(mutex_);
    const auto found = inodes_.find(path);
    return found != inodes_.end() && (found->second == inode || mutated(Mutant::folder_by_rename));
  }
  void add(const std::string& path, ino_t inode) {
    const std::lock_guard lock(mutex_);
    if (inodes_.size() >= kMost) inodes_.clear();
    inodes_.insert_or_assign(path, inode);
  }
  void forget(const std::string& path) {
    const std::lock_guard lock(mutex_);
    inodes_.erase(path);
  }

 private:
  static constexpr size_t kMost = 1000;
  mutable std::mutex mutex_;
  std::map<std::string, ino_t> inodes_;
};

class WriterLock;

// What a spool is to survive. One that survives kills alone syncs nothing but results: after a
// power cut it may be torn, and is to be thrown away.
enum class Survives { kill, power_cut };

// An open spool: a directory descriptor, the uuid of the spool, and what the program's
// configuration wants of everything done in it. Every function of spool/ takes one by const
// reference and may be called from several threads at once.
class Spool {
 public:
  // Opens an existing spool.
  //   uuid    the one that it must be; empty: any
  //   errors  ENOENT no such directory, or it is no spool (no "format" file);
  //           EMEDIUMTYPE another spool is there;
  //           EPROTO a format version this program does not know;
  //           EXDEV a state folder lies on another file system;
  //           EACCES; whatever openat(2) answers. The Error's path is `path`.
  static Result<Spool> open(const std::string& path, std::string_view uuid = "");

  // Makes an empty spool at `path` (parents too), or opens the one that is there. Safe against
  // another doing the same. Folders get `mode` (2770 for a shared one, 0700 for one's own), or the
  // mode of `path` when that was there already and empty.
  //   errors  ENOTEMPTY a directory with other things in it; EPROTO; mkdirat(2)
  static Result<Spool> create(const std::string& path, mode_t mode = 0700,
                              Survives survives = Survives::power_cut);

  int root() const { return root_.get(); }
  const std::string& path() const { return path_; }  // as given, for messages
  const std::string& uuid() const { return uuid_; }
  mode_t folder_mode() const { return folder_mode_; }  // new folders get it by fchmod
  mode_t file_mode() const { return folder_mode_ & 0666; }
  KnownFolders& known_durable() const { return *known_durable_; }
  WriterLock& writer_lock() const { return *writer_lock_; }
  bool survives_power_cuts() const { return survives_ == Survives::power_cut; }

  // Whether a job that this program ends gets a mark in hooks/ first: its configuration names a
  // hook. False unless it is told so.
  bool owes_hooks() const { return owes_hooks_->load(); }
  void owe_hooks(bool owed) const { owes_hooks_->store(owed); }

  // Free room: 507 and exit 75 stand on it.
  struct Room {
    uint64_t free_bytes = 0;
    uint64_t free_inodes = 0;  // UINT64_MAX where the file system does not count them
  };
  Result<Room> room() const;

  // Whether the root still leads to it.
  //   errors  ENOTCONN, ESHUTDOWN, ESTALE, EIO: see remount.h; ENOENT it is no spool any more
  Status answers() const;

  // Whether it is this host that an owner or writer names. Its name tells; that of another boot
  // may be another machine's on a file system that several may have: there it is none of ours.
  bool is_here(const sys::Identity& writer) const;

  // Whether its directory was removed meanwhile: nothing can be done in it any more. False, too,
  // when that cannot be told.
  bool removed() const;

 private:
  Spool(Fd root, std::string path, std::string uuid, mode_t folder_mode);
  Status write_format() const;
  Fd root_;
  std::string path_;
  std::string uuid_;
  mode_t folder_mode_;
  Survives survives_ = Survives::power_cut;
  std::unique_ptr<KnownFolders> known_durable_;
  std::unique_ptr<std::atomic<bool>> owes_hooks_;
  std::shared_ptr<WriterLock> writer_lock_;
};

// The error is one that passes when somebody makes room or repairs the disk (ENOSPC, EDQUOT, EROFS,
// EMFILE, ENFILE): pause and say so, do not spend an attempt.
bool is_pausing(const Error& error);

// The error leaves open whether the call was done (EIO, EBADFD, ESHUTDOWN, ENOTCONN, ESTALE):
// publish nothing further, look at the stable names again.
bool is_ambiguous(const Error& error);

}  // namespace imgq
