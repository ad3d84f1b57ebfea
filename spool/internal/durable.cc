#include "spool/internal/durable.h"

#include <fcntl.h>

#include <algorithm>

#include "spool/internal/folders.h"
#include "spool/internal/writer_lock.h"
#include "spool/layout.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/util/io.h"
#include "src/util/random.h"
#include "src/util/sys.h"

namespace imgq::durable {
namespace {

// From here on one syncfs is cheaper than a wait for each file.
constexpr size_t kManyFiles = 16;

// A folder that was removed and made anew by somebody else is not on the disk because the first one
// was.
Status make_durable_again(const Spool& spool, const std::string& path, const Fd& folder) {
  if (!spool.known_durable().has(path)) return Ok{};
  struct stat about = {};
  if (sys::fstat(folder.get(), &about) != 0) return last_error("look at", path);
  if (spool.known_durable().is(path, about.st_ino)) return Ok{};
  spool.known_durable().forget(path);
  return make_durable_folder(spool, path, Sync::full);
}

Status sync_folder(const Spool& spool, const std::string& path, int (*sync)(int)) {
  if (!spool.survives_power_cuts()) return Ok{};
  const auto folder = open_folder(spool, path);
  if (!folder) return folder.error();
  if (const auto again = make_durable_again(spool, path, *folder); !again) return again.error();
  if (sync(folder->get()) != 0) return last_error("sync", path);
  return Ok{};
}

// A lost block may have been told to another thread's syncfs of the same descriptor; each file's
// own descriptor knows of it still.
Status check_written(const std::vector<std::pair<int, std::string>>& files) {
  for (const auto& [fd, path] : files) {
    if (sys::wait_written(fd) != 0) return last_error("sync", path);
  }
  return Ok{};
}

}  // namespace

Status Group::flush() {
  const auto files = std::exchange(files_, {});
  const auto folders = std::exchange(folders_, {});
  if (sync_ == Sync::none) return Ok{};
  if (files.size() >= kManyFiles) {
    if (sys::syncfs(spool_.root()) == 0) return check_written(files);
    if (errno != EOPNOTSUPP && errno != ENOSYS) return last_error("sync the file system", "");
  }
  for (const auto& [fd, path] : files) {
    if (sys::fsync(fd) != 0) return last_error("sync", path);
  }
  for (const std::string& path : folders) {
    if (const auto synced = sync_folder(spool_, path, sys::fsync); !synced) return synced.error();
  }
  return Ok{};
}

Status sync_folders(const Spool& spool, Sync sync, const std::set<std::string>& folders) {
  Group group(spool, sync);
  for (const std::string& folder : folders) group.folder(folder);
  return group.flush();
}

Status sync_names(const Spool& spool, const std::string& path) {
  return sync_folder(spool, path, sys::fsync);
}

Status sync_after_move(const Spool& spool, const std::string& path) {
  return sync_folder(spool, path, sys::fsync_after_move);
}

std::string temp_path(const Spool& spool) { return spool.writer_lock().fresh_path(spool); }

Result<TempFile> write_temp(const Spool& spool, std::string_view text) {
  auto file = TempFile::create(spool);
  if (!file) return file.error();
  if (const auto done = write_all(file->fd(), text, file->path()); !done) return done.error();
  return file;
}

Result<TempFile> write_synced(const Spool& spool, std::string_view text, Sync sync) {
  auto file = write_temp(spool, text);
  if (!file) return file;
  Group group(spool, sync);
  group.file(*file);
  const auto synced = group.flush();
  return synced ? std::move(file) : synced.error();
}

Result<std::string> read_text(int fd, const std::string& path) {
  std::string text(4096, '\0');
  size_t have = 0;
  while (true) {
    const ssize_t got =
        sys::pread(fd, text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (got < 0) return last_error("read", path);
    if (got == 0) break;
    have += static_cast<size_t>(got);
    if (have > kMaxRecordBytes) break;
    if (have == text.size()) text.resize(std::min(text.size() * 4, kMaxRecordBytes + 1));
  }
  text.resize(have);
  return text;
}

Result<std::string> read_text(const Spool& spool, const std::string& path) {
  const Fd file(sys::openat(spool.root(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return last_error("open", path);
  struct stat about = {};
  if (sys::fstat(file.get(), &about) != 0) return last_error("look at", path);
  if (!S_ISREG(about.st_mode)) return bad_data("not a regular file", path);
  return read_text(file.get(), path);
}

Status set_mode(int fd, mode_t mode, std::string_view path) {
  struct stat about = {};
  if (sys::fstat(fd, &about) != 0) return last_error("look at", path);
  if ((about.st_mode & 07777) == mode) return Ok{};
  if (sys::fchmod(fd, mode) != 0) return last_error("set the mode", path);
  return Ok{};
}

Status put(const Spool& spool, TempFile& file, const std::string& path) {
  const Given given = give_name(spool, Naming::move, file.path(), path);
  if (given.code != 0) return last_error("give a file its name", path, given.code);
  file.given_away();
  return Ok{};
}

Status put_new(const Spool& spool, const TempFile& file, const std::string& path) {
  const Given given = give_name(spool, Naming::link, file.path(), path);
  if (given.code != 0) return last_error("give a file its name", path, given.code);
  return Ok{};
}

Status link_unless_taken(const Spool& spool, const std::string& from, const std::string& to,
                         std::string_view action) {
  const Given given = give_name(spool, Naming::link, from, to);
  const bool has_name = given.code == 0 || given.code == EEXIST;
  return has_name ? Status(Ok{}) : last_error(action, to, given.code);
}

Result<bool> exists(const Spool& spool, const std::string& path) {
  struct stat about = {};
  if (sys::fstatat(spool.root(), path.c_str(), &about) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return last_error("look at", path);
}

Status remove(const Spool& spool, const std::string& path) {
  if (sys::unlinkat(spool.root(), path.c_str(), 0) == 0 || errno == ENOENT) return Ok{};
  return last_error("remove", path);
}

Status quarantine(const Spool& spool, const std::string& path) {
  const std::string aside = layout::corrupt(path, random_name());
  if (sys::renameat(spool.root(), path.c_str(), spool.root(), aside.c_str()) == 0) return Ok{};
  if (errno == ENOENT) return Ok{};
  return last_error("move to corrupt", path);
}

}  // namespace imgq::durable
