
#include "spool/spool.h"

#include <fcntl.h>

#include <algorithm>
#include <initializer_list>

#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/internal/walk.h"
#include "spool/internal/writer_lock.h"
#include "spool/job_id.h"
#include "spool/layout.h"
#include "spool/types.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr std::string_view kFormatLine = "imgq spool ";

// "imgq spool 1\nuuid <id>\n": the uuid when the version is ours.
Result<std::string> read_format(const std::string& text, const std::string& path) {
  if (text.substr(0, kFormatLine.size()) != kFormatLine) {
    return bad_data("file \"format\" is not that of a spool", path);
  }
  const std::string ours = std::string(kFormatLine) + std::to_string(layout::kFormatVersion);
  const std::string first = text.substr(0, text.find('\n'));
  if (first != ours) return Error{EPROTO, "open a spool of another format: " + first, path};
  const std::string rest = text.substr(std::min(text.size(), first.size() + 1));
  if (rest.size() != 42 || rest.substr(0, 5) != "uuid " || rest.back() != '\n') {
    return bad_data("file \"format\" is damaged", path);
  }
  const auto uuid = JobId::parse(std::string_view(rest).substr(5, 36));
  if (!uuid) return bad_data("file \"format\" is damaged", path);
  return uuid->text();
}

// Every folder of the spool must be on the root's file system, or no rename would work.
Status check_devices(int root, dev_t device, const std::string& path) {
  for (const char* folder : layout::kFolders) {
    struct stat about = {};
    if (sys::fstatat(root, folder, &about) != 0) {
      if (errno == ENOENT) continue;  // fsck says so and mends it
      return last_error("look at", path + "/" + folder);
    }
    if (about.st_dev != device) {
      return Error{EXDEV, "use a folder on another file system", path + "/" + folder};
    }
  }
  return Ok{};
}

struct Root {
  Fd fd;
  mode_t mode = 0;
  dev_t device = 0;
};

Result<Root> open_root(const std::string& path) {
  Root root{Fd(sys::open(path.c_str(), O_RDONLY | O_DIRECTORY))};
  if (!root.fd) return last_error("open the spool", path);
  struct stat about = {};
  if (sys::fstat(root.fd.get(), &about) != 0) return last_error("look at the spool", path);
  root.mode = about.st_mode & 07777;
  root.device = about.st_dev;
  return root;
}

Result<std::string> read_format_file(int root, const std::string& path) {
  const Fd file(sys::openat(root, "format", O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return last_error("open a spool (no file \"format\" in it)", path);
  const auto text = durable::read_text(file.get(), path);
  return text ? read_format(*text, path) : text.error();
}

// A directory may become a spool when it is empty, or when somebody is just making one of it.
Status check_empty(int root, const std::string& path) {
  std::string stranger;
  const auto look = each_name(root, ".", [&stranger](std::string_view name) {
    if (!layout::is_own_name(name)) stranger = std::string(name);
    return stranger.empty();
  });
  if (!look) return look.error();
  if (!stranger.empty()) return Error{ENOTEMPTY, "make a spool beside other files", path};
  return Ok{};
}

// The name of a folder just made is on the disk only once its parent is synced. The parent may
// belong to somebody else: being unable to open it is no reason to fail.
void sync_parent(const std::string& path) {
  const Fd parent(sys::open((path + "/..").c_str(), O_RDONLY | O_DIRECTORY));
  if (parent) (void)sys::fsync(parent.get());
}

// Makes `path` and what is missing above it. Says whether it was made here.
Result<bool> make_root(const std::string& path, mode_t mode, Survives survives) {
  for (const bool last_try : {false, true}) {
    if (sys::mkdirat(AT_FDCWD, path.c_str(), mode & 0777) == 0) {
      if (survives == Survives::power_cut) sync_parent(path);
      return true;
    }
    if (errno == EEXIST) return false;
    const size_t slash = path.find_last_of('/', path.find_last_not_of('/'));
    if (last_try || errno != ENOENT || slash == std::string::npos || slash == 0) break;
    const auto parent = make_root(path.substr(0, slash), 0755, survives);
    if (!parent) return parent.error();
  }
  return last_error("make the spool", path);
}

bool is_one_of(std::initializer_list<int> codes, int code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

Spool::Spool(Fd root, std::string path, std::string uuid, mode_t folder_mode)
    : root_(std::move(root)),
      path_(std::move(path)),
      uuid_(std::move(uuid)),
      folder_mode_(folder_mode),
      known_durable_(std::make_unique<KnownFolders>()),
      owes_hooks_(std::make_unique<std::atomic<bool>>(false)),
      writer_lock_(std::make_shared<WriterLock>()) {}

Result<Spool> Spool::open(const std::string& path, std::string_view wanted) {
  auto root = open_root(path);
  if (!root) return root.error();
  auto uuid = read_format_file(root->fd.get(), path);
  if (!uuid) return uuid.error();
  if (!wanted.empty() && *uuid != wanted) {
    return Error{EMEDIUMTYPE, "use spool " + *uuid + " in the place of " + std::string(wanted),
                 path};
  }
  if (const auto same = check_devices(root->fd.get(), root->device, path); !same) {
    return same.error();
  }
  return Spool(std::move(root->fd), path, std::move(*uuid), root->mode);
}

Result<Spool> Spool::create(const std::string& path, mode_t mode, Survives survives) {
  const auto opened = [&] {
    auto spool = open(path);
    if (spool) spool->survives_ = survives;
    return spool;
  };
  const auto made = make_root(path, mode, survives);
  if (!made) return made.error();
  auto root = open_root(path);
  if (!root) return root.error();
  const auto there = read_format_file(root->fd.get(), path);
  if (there || there.error().code != ENOENT) return opened();
  if (const auto empty = check_empty(root->fd.get(), path); !empty) return empty.error();
  if (*made) {
    if (const auto set = durable::set_mode(root->fd.get(), mode, path); !set) return set.error();
    root->mode = mode;
  }
  for (const char* folder : layout::kFolders) {
    const auto folder_made = durable::make_state_folder(root->fd.get(), folder, root->mode);
    if (!folder_made) return folder_made.error();
  }
  Spool spool(std::move(root->fd), path, JobId::generate().text(), root->mode);
  spool.survives_ = survives;
  if (const auto done = spool.write_format(); !done) return done.error();
  return opened();
}

// The file that makes a directory a spool: written last, and by whoever links it first.
Status Spool::write_format() const {
  const std::string text =
      std::string(kFormatLine) + std::to_string(layout::kFormatVersion) + "\nuuid " + uuid_ + "\n";
  const auto file = durable::write_synced(*this, text, Sync::full);
  if (!file) return file.error();
  // The folders first: what has the file is whole.
  if (const auto synced = durable::sync_names(*this, "."); !synced) return synced.error();
  const auto named = durable::put_new(*this, *file, "format");
  if (!named && named.error().code != EEXIST) return named.error();
  return durable::sync_names(*this, ".");
}

Result<Spool::Room> Spool::room() const {
  struct statvfs about = {};
  if (sys::fstatvfs(root(), &about) != 0) return last_error("ask for free room", path_);
  Room room;
  room.free_bytes = static_cast<uint64_t>(about.f_bavail) * about.f_frsize;
  room.free_inodes = about.f_files == 0 ? UINT64_MAX : static_cast<uint64_t>(about.f_favail);
  return room;
}

Status Spool::answers() const {
  const auto uuid = read_format_file(root(), path_);
  return uuid ? Status(Ok{}) : uuid.error();
}

bool Spool::is_here(const sys::Identity& writer) const {
  const sys::Identity me = sys::identity();
  return writer.host == me.host && (writer.boot == me.boot || sys::check_local(root()) == 0);
}

bool Spool::removed() const {
  struct stat about = {};
  return sys::fstat(root(), &about) == 0 && about.st_nlink == 0;
}

bool is_pausing(const Error& error) {
  return is_one_of({ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE}, error.code);
}

bool is_ambiguous(const Error& error) {
  return is_one_of({EIO, EBADFD, ESHUTDOWN, ENOTCONN, ESTALE}, error.code);
}

}  // namespace imgq
