#include "spool/source.h"

#include <fcntl.h>

#include <memory>

#include "spool/internal/durable.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "src/util/io.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr size_t kChunkBytes = 262'144;

Status check_size(const struct stat& about, int64_t limit_bytes) {
  if (!S_ISREG(about.st_mode)) return Error{EINVAL, "take what is not a regular file", ""};
  if (about.st_size == 0) return Error{ENODATA, "take an empty file", ""};
  if (about.st_size > limit_bytes) return Error{EFBIG, "take so large a file", ""};
  return Ok{};
}

// The kernel copies, from `*offset` on; false when it cannot between these two files.
Result<bool> copy_in_kernel(int from, off_t* offset, int to, int64_t limit_bytes) {
  while (true) {
    const ssize_t got = sys::copy_file_range(from, offset, to, kChunkBytes * 64);
    if (got == 0) return *offset > 0;  // some pseudo files answer 0 at once
    if (got < 0 && *offset == 0 && errno != ENOSPC && errno != EDQUOT && errno != EIO) {
      return false;
    }
    if (got < 0) return last_error("copy the source", "");
    if (*offset > limit_bytes) return Error{EFBIG, "take so large a file", ""};
  }
}

Status copy_by_hand(int from, int to, int64_t limit_bytes) {
  const auto chunk = std::make_unique_for_overwrite<char[]>(kChunkBytes);
  off_t offset = 0;
  while (true) {
    const ssize_t got = sys::pread(from, chunk.get(), kChunkBytes, offset);
    if (got < 0) return last_error("read the source", "");
    if (got == 0) return Ok{};
    offset += got;
    if (offset > limit_bytes) return Error{EFBIG, "take so large a file", ""};
    const std::string_view bytes(chunk.get(), static_cast<size_t>(got));
    if (const auto done = write_all(to, bytes, "tmp"); !done) return done.error();
  }
}

Status copy_bytes(int from, int to, int64_t limit_bytes) {
  if (sys::clone_range(from, to) == 0) return Ok{};
  off_t offset = 0;
  const auto copied = copy_in_kernel(from, &offset, to, limit_bytes);
  if (!copied) return copied.error();
  return *copied ? Status(Ok{}) : copy_by_hand(from, to, limit_bytes);
}

// A linked source keeps its owner and mode: the daemon, of the spool's group, must be able to read
// it, or it has to be copied.
bool readable_for_spool(const struct stat& file, const struct stat& root) {
  if ((root.st_mode & 0070) == 0) return file.st_uid == root.st_uid;  // one user's own spool
  if ((file.st_mode & S_IROTH) != 0) return true;
  return file.st_gid == root.st_gid && (file.st_mode & S_IRGRP) != 0;
}

}  // namespace

Result<TempFile> copy_source(const Spool& spool, int fd, int64_t limit_bytes) {
  struct stat about = {};
  if (sys::fstat(fd, &about) != 0) return last_error("look at the source", "");
  if (const auto good = check_size(about, limit_bytes); !good) return good.error();
  auto file = TempFile::create(spool);
  if (!file) return file.error();
  if (const auto done = copy_bytes(fd, file->fd(), limit_bytes); !done) return done.error();
  if (sys::fstat(file->fd(), &about) != 0) return last_error("look at the copy", file->path());
  if (const auto good = check_size(about, limit_bytes); !good) return good.error();
  return file;
}

Result<TempFile> link_source(const Spool& spool, int dir, const std::string& path) {
  auto file = TempFile::link(spool, dir, path);
  if (!file) return file.error();
  struct stat about = {}, root = {};
  if (sys::fstat(file->fd(), &about) != 0) return last_error("look at the source", path);
  if (sys::fstat(spool.root(), &root) != 0) return last_error("look at the spool", spool.path());
  if (const auto good = check_size(about, INT64_MAX); !good) return good.error();
  if (!readable_for_spool(about, root)) {
    return Error{EPERM, "link a file that the spool's group may not read", path};
  }
  return file;
}

}  // namespace imgq
