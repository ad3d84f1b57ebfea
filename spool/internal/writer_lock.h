#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <string>

#include "spool/spool.h"
#include "src/util/fd.h"

// Whether who wrote a file of tmp/ lives, told by a lock: its pid may be another's by now, as that
// of each first process of a container is, or of another PID namespace (FORMAT.md "Sweep").
namespace imgq {

// Names the temporary files of one Spool in one process, and holds the lock that they go by. Made
// with the first name, removed at an end in good order.
class WriterLock {
 public:
  WriterLock() = default;
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;
  ~WriterLock();

  // A fresh name in tmp/, before which the lock stands. Where there are no locks, others judge by
  // the pid alone.
  std::string fresh_path(const Spool& spool);

 private:
  void begin(const Spool& spool);
  void make(const Spool& spool);
  bool stands() const;
  std::mutex mutex_;
  int root_ = -1;  // borrowed from the Spool, whose part this is
  int pid_ = 0;    // whose files these are; another's after a fork
  std::string run_;
  uint32_t made_ = 0;
  bool lockable_ = true;
  Fd file_;
};

enum class LockSeen { none, free, held };

// The lock that a file of tmp/ goes by, which may be itself.
LockSeen look_at_lock(const Spool& spool, const std::string& name);

// Removes a lock that nobody holds.
Status remove_lock(const Spool& spool, const std::string& path);

}  // namespace imgq
