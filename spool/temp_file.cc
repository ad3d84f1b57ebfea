#include "spool/temp_file.h"

#include <fcntl.h>

#include "spool/internal/durable.h"
#include "spool/spool.h"
#include "src/util/mutant.h"
#include "src/util/sys.h"

namespace imgq {

Result<TempFile> TempFile::create(const Spool& spool) {
  const std::string path = durable::temp_path(spool);
  Fd fd(sys::openat(spool.root(), path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
                    spool.file_mode()));
  if (!fd) return last_error("create", path);
  TempFile file(spool.root(), std::move(fd), path);
  if (const auto set = durable::set_mode(file.fd(), spool.file_mode(), path); !set) {
    return set.error();
  }
  return file;
}

Result<TempFile> TempFile::link(const Spool& spool, int dir, const std::string& path) {
  const std::string temp = durable::temp_path(spool);
  if (sys::linkat(dir, path.c_str(), spool.root(), temp.c_str()) != 0) {
    return last_error("link into the spool", path);
  }
  TempFile file(spool.root(), Fd(), temp);  // removes the name should the rest fail
  file.fd_ = Fd(sys::openat(spool.root(), temp.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!file.fd_) return last_error("open", path);
  return file;
}

TempFile::TempFile(TempFile&& other) noexcept
    : root_(other.root_), fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})) {}

TempFile& TempFile::operator=(TempFile&& other) noexcept {
  std::swap(root_, other.root_);
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

TempFile::~TempFile() {
  if (path_.empty() || mutated(Mutant::temp_leak)) return;
  (void)sys::unlinkat(root_, path_.c_str(), 0);  // what stays is swept later
}

}  // namespace imgq
