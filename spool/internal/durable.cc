#include "spool/internal/durable.h"

#include <fcntl.h>

#include <algorithm>

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

Status sync_folder(const Spool& spool, const std::string& path, int (*sync)(int)) {
  const Fd folder(sys::openat(spool.root(), path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!folder) return last_error("open a folder to sync it", path);
  if (sync(folder.get()) != 0) return last_error("sync", path);
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

// Makes the folder in tmp/ and moves it to its place: nobody sees it half made.
Status make_new_folder(const Spool& spool, const std::string& path) {
  const std::string temp = layout::temp(random_name(), sys::identity());
  if (sys::mkdirat(spool.root(), temp.c_str(), spool.folder_mode() & 0777) != 0) {
    return last_error("make a folder", temp);
  }
  const Fd folder(sys::openat(spool.root(), temp.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  Status status = folder ? set_mode(folder.get(), spool.folder_mode(), temp)
                         : Status(last_error("open a new folder", temp));
  if (status && sys::renameat(spool.root(), temp.c_str(), spool.root(), path.c_str()) == 0) {
    return Ok{};
  }
  if (status && errno != ENOTEMPTY && errno != EEXIST) status = last_error("make a folder", path);
  (void)sys::unlinkat(spool.root(), temp.c_str(), AT_REMOVEDIR);  // else sweep does it
  return status;
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

Status make_state_folder(int root, const char* folder, mode_t mode) {
  if (sys::mkdirat(root, folder, mode & 0777) != 0 && errno != EEXIST) {
    return last_error("make a folder", folder);
  }
  const Fd made(sys::openat(root, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!made) return last_error("open a folder", folder);
  auto set = set_mode(made.get(), mode, folder);
  return !set && set.error().code == EPERM ? Status(Ok{}) : set;  // another made it, with its mode
}

Status make_folder(const Spool& spool, const std::string& path) {
  const auto there = exists(spool, path);
  if (!there) return there.error();
  return *there ? Status(Ok{}) : make_new_folder(spool, path);
}

Status make_folders(const Spool& spool, const std::string& path, Sync sync) {
  size_t end = path.find('/');
  while (end != std::string::npos) {
    const std::string parent = path.substr(0, end);
    end = path.find('/', end + 1);
    if (const auto made = make_folder(spool, path.substr(0, end)); !made) return made.error();
    if (sync == Sync::none) continue;
    if (const auto synced = sync_after_move(spool, parent); !synced) return synced.error();
  }
  return Ok{};
}

Status make_durable_folder(const Spool& spool, const std::string& path, Sync sync) {
  if (spool.known_durable().has(path)) return Ok{};
  if (const auto made = make_folders(spool, path, sync); !made) return made.error();
  spool.known_durable().add(path);
  return Ok{};
}

Status put(const Spool& spool, TempFile& file, const std::string& path) {
  if (sys::renameat(spool.root(), file.path().c_str(), spool.root(), path.c_str()) != 0) {
    return last_error("give a file its name", path);
  }
  file.given_away();
  return Ok{};
}

Status put_new(const Spool& spool, const TempFile& file, const std::string& path) {
  if (sys::linkat(spool.root(), file.path().c_str(), spool.root(), path.c_str()) != 0) {
    return last_error("give a file its name", path);
  }
  return Ok{};
}

Status link_unless_taken(const Spool& spool, const std::string& from, const std::string& to,
                         std::string_view action) {
  const int linked = sys::linkat(spool.root(), from.c_str(), spool.root(), to.c_str());
  return linked == 0 || errno == EEXIST ? Status(Ok{}) : last_error(action, to);
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
