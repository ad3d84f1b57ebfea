// With a guard that can be lifted: tests put functions of their own before the real ones.
#ifndef IMGQ_SRC_UTIL_SYS_H_
#define IMGQ_SRC_UTIL_SYS_H_

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Every system call of the spool, one line each, with the kernel's own contract: -1 and errno.
// This is the only seam for faults: sys.cc asks the kernel, tests link another implementation
// (tests/spool/model/sim_sys.cc keeps a volatile and a durable view of a file system in memory).
// Each path is relative to an open directory. Each open adds O_CLOEXEC; EINTR is retried here,
// except by close and fsync, whose state after EINTR is known on Linux (closed) or not (fsync).
namespace imgq::sys {

int open(const char* path, int flags, mode_t mode = 0);  // only for the spool's root
int openat(int dir, const char* path, int flags, mode_t mode = 0);
int close(int fd);
ssize_t read(int fd, void* buffer, size_t count);
ssize_t pread(int fd, void* buffer, size_t count, off_t offset);
ssize_t write(int fd, const void* buffer, size_t count);
ssize_t copy_file_range(int from, off_t* from_offset, int to, size_t count);
int clone_range(int from, int to);  // ioctl FICLONE: shares the blocks where the file system can
int fsync(int fd);
int fsync_after_move(int fd);  // of a folder that another folder was renamed into
int check_local(int fd);       // EREMOTE where other hosts may have the file system, too
int syncfs(int fd);        // EOPNOTSUPP where the kernel's does not reach the disk (FUSE, NFS, ...)
int wait_written(int fd);  // for what a sync has begun; EIO when a block of this file was lost
int fstat(int fd, struct stat* out);
int fstatat(int dir, const char* path, struct stat* out);  // never follows a link
int fstatvfs(int fd, struct statvfs* out);
int fchmod(int fd, mode_t mode);
int futimens_now(int fd);                             // access and modification time := now
int set_mtime(int fd, const struct timespec& mtime);  // access time: now
int flock(int fd, int operation);
int linkat(int from_dir, const char* from, int to_dir, const char* to);
int renameat(int from_dir, const char* from, int to_dir, const char* to);
int unlinkat(int dir, const char* path, int flags);
int mkdirat(int dir, const char* path, mode_t mode);

// Reads every name of a directory, without "." and "..", in the kernel's order, handing each to
// `take`, which returns false to stop early. Opens the directory anew: no shared offset.
//   returns 0, or -1 with errno
int list(int dir, const char* path, bool (*take)(const char* name, void* context), void* context);

int clock_realtime(struct timespec* out);
int64_t monotonic_ms();  // stands still in suspend, as heartbeats do
int64_t boottime_ms();   // does not
void sleep_ms(int64_t ms);
ssize_t getrandom(void* buffer, size_t count);

// Who writes: name of this host, boot id of its kernel, pid. Host and boot hold only letters,
// digits and dashes, at most 64, and are constant while the program runs; kUnknown where there is
// none to be read. pid is getpid(2).
inline constexpr const char* kUnknown = "unknown";
struct Identity {
  std::string host;
  std::string boot;
  int pid = 0;
};
Identity identity();
bool is_running(int pid);  // a process of this host has that number and has not ended
uid_t effective_uid();

}  // namespace imgq::sys

#endif  // IMGQ_SRC_UTIL_SYS_H_
