#pragma once

#include <utility>

#include "src/util/sys.h"

namespace imgq {

// Owns one file descriptor. Move only; closes when destroyed, ignoring the result of close:
// writers that must know use close_checked.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) (void)sys::close(fd_);  // nothing left to do about it here
  }

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

  // Gives up ownership.
  int release() { return std::exchange(fd_, -1); }

  // Closes now. Returns close(2)'s result; errno is set when it is -1.
  int close_checked() { return sys::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

}  // namespace imgq
