#pragma once

#include <string>

#include "spool/spool.h"

namespace imgq {

// A file being written in tmp/, named <random>.<host>.<boot>.<pid>. Removed when destroyed, unless
// a step of the protocol gave it its name.
class TempFile {
 public:
  static Result<TempFile> create(const Spool& spool);
  // A further name in tmp/ for an existing file (`path` relative to `dir`), opened for reading.
  static Result<TempFile> link(const Spool& spool, int dir, const std::string& path);
  TempFile(TempFile&& other) noexcept;
  TempFile& operator=(TempFile&& other) noexcept;
  ~TempFile();

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }  // relative to the spool: "tmp/..."
  Fd& owner() { return fd_; }
  void given_away() { path_.clear(); }  // it has its name now: nothing to remove

 private:
  TempFile(int root, Fd fd, std::string path)
      : root_(root), fd_(std::move(fd)), path_(std::move(path)) {}
  int root_ = -1;  // borrowed from the Spool, which outlives it
  Fd fd_;
  std::string path_;
};

}  // namespace imgq
