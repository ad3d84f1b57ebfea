#pragma once

#include <array>
#include <cstdint>

#include "src/base/limits.h"
#include "src/util/error.h"
#include "src/util/fd.h"

namespace imgq::worker {

inline constexpr int64_t kMaxResultBytes = 512LL * 1024 * 1024;  // RLIMIT_FSIZE

// Dies with the supervisor from now on: PDEATHSIG, then a look whether it is still there. And not
// before it: Ctrl-C, and whoever else signals a whole process group, means the supervisor, which
// lets the jobs under way be finished.
//   errors  ESRCH the maker of the socket is not (any more) the parent of this process
Status follow_supervisor();

// Standard error, when it is a pipe, takes what it has room for at once; the rest is lost. Who
// reads it has other things to do, and an image's time is not for waiting.
//   errors  of fcntl(2)
Status talk_without_waiting();

// How much memory this process has, from /proc/self, the files of which stay open when confined.
class MemoryGauge {
 public:
  static Result<MemoryGauge> open();
  void restart_peak()
      const;  // getrusage(2)'s ru_maxrss, where the kernel lets it (proc_pid_clear_refs(5))
  int64_t mapped_bytes() const { return pages(0); }
  int64_t resident_bytes() const { return pages(1); }
  std::array<int, 2> fds() const { return {statm_.get(), clear_refs_.get()}; }

 private:
  MemoryGauge(Fd statm, Fd clear_refs)
      : statm_(std::move(statm)), clear_refs_(std::move(clear_refs)) {}
  int64_t pages(int field) const;
  Fd statm_, clear_refs_;
};

// Gives up everything but the descriptors 0, 1, 2, the socket and the gauge: further descriptors,
// new privileges, file systems (Landlock), system calls (seccomp), and memory beyond
// limits.memory_bytes above what is mapped now. There is no way back.
//   errors  of the step that failed: this process must not touch an image
Status confine(const Limits& limits, const MemoryGauge& gauge);

// Lets this process use so many more seconds of CPU, then SIGXCPU ends it.
Status grant_cpu(int seconds);

}  // namespace imgq::worker
