#include "src/util/sys.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include "src/util/mutant.h"
#include "src/util/unanswered.h"

namespace imgq::sys {
namespace {

constexpr size_t kListBytes = 65'536;
constexpr long kNfs = 0x6969, kCifs = 0xFF534D42, kSmb2 = 0xFE534D42, kFuse = 0x65735546,
               kCeph = 0x00c36400, kNineP = 0x01021997, kLustre = 0x0BD00BD0, kGpfs = 0x47504653,
               kBeegfs = 0x19830326, kOcfs2 = 0x7461636F, kGfs2 = 0x01161970;

// Repeats a call that a signal interrupted before it did anything. `name` is told while it lasts.
template <class Call>
auto again(const char* name, Call call) {
  const Asking asking(name);
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

// A pipe, a socket or a terminal, which keeps one waiting as long as whoever is at its other end.
bool kept_by_others(int fd) { return ::lseek(fd, 0, SEEK_CUR) == -1; }

struct Entry {  // linux_dirent64, see getdents(2)
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[1];
};

// Hands each name of one slice to `take`; false when it wants no more.
bool take_slice(const char* slice, long bytes, bool (*take)(const char*, void*), void* context) {
  for (long at = 0; at < bytes;) {
    unsigned short length = 0;
    std::memcpy(&length, slice + at + offsetof(Entry, length), sizeof length);
    const char* name = slice + at + offsetof(Entry, name);
    at += length;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    if (!take(name, context)) return false;
  }
  return true;
}

std::string first_line_of(const char* path) {
  char text[256] = "";
  const int fd = again("open", [&] { return ::open(path, O_RDONLY | O_CLOEXEC); });
  if (fd < 0) return "";
  const ssize_t got = again("read", [&] { return ::read(fd, text, sizeof text - 1); });
  (void)::close(fd);
  if (got <= 0) return "";
  text[got] = '\0';
  text[std::strcspn(text, "\n")] = '\0';
  return text;
}

// Only what may stand in a name of the spool between two dots: letters, digits and dashes.
std::string label(std::string text) {
  for (char& c : text) {
    const bool fit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fit) c = '-';
  }
  text.resize(std::min<size_t>(text.size(), 64));
  return text.empty() ? kUnknown : text;
}

std::string host_label() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return kUnknown;
  return label(name);
}

std::string boot_label() {
  std::string boot = first_line_of("/proc/sys/kernel/random/boot_id");
  std::erase(boot, '-');
  return label(boot);
}

int close_on_exec() { return mutated(Mutant::lose_cloexec) ? 0 : O_CLOEXEC; }

}  // namespace

int open(const char* path, int flags, mode_t mode) {
  return again("open", [&] { return ::open(path, flags | close_on_exec(), mode); });
}
int openat(int dir, const char* path, int flags, mode_t mode) {
  return again("openat", [&] { return ::openat(dir, path, flags | close_on_exec(), mode); });
}
int close(int fd) {
  const Asking asking("close");
  return ::close(fd);
}
ssize_t read(int fd, void* buffer, size_t count) {
  return again(kept_by_others(fd) ? nullptr : "read", [&] { return ::read(fd, buffer, count); });
}
ssize_t pread(int fd, void* buffer, size_t count, off_t offset) {
  return again("pread", [&] { return ::pread(fd, buffer, count, offset); });
}
ssize_t write(int fd, const void* buffer, size_t count) {
  return again(kept_by_others(fd) ? nullptr : "write", [&] { return ::write(fd, buffer, count); });
}
ssize_t copy_file_range(int from, off_t* from_offset, int to, size_t count) {
  return again("copy_file_range",
               [&] { return ::copy_file_range(from, from_offset, to, nullptr, count, 0); });
}
int clone_range(int from, int to) {
  return again("ioctl", [&] { return ::ioctl(to, FICLONE, from); });
}
int fsync(int fd) {
  const Asking asking("fsync");
  return ::fsync(fd);
}
// The log that btrfs writes for an fsync may name the folder in both its places; mounted after a
// power cut, it is refused, and the file system with it (Linux 6.18: "invalid nlink: has 2 expect
// no more than 1 for dir"). A full commit leaves no such log.
int fsync_after_move(int fd) {
  struct statfs about = {};
  const Asking asking("fsync");
  const bool btrfs = ::fstatfs(fd, &about) == 0 && about.f_type == BTRFS_SUPER_MAGIC;
  return btrfs ? ::syncfs(fd) : ::fsync(fd);
}
int check_local(int fd) {
  const Asking asking("fstatfs");
  struct statfs about = {};
  if (::fstatfs(fd, &about) != 0) return -1;
  for (const long remote :
       {kNfs, kCifs, kSmb2, kFuse, kCeph, kNineP, kLustre, kGpfs, kBeegfs, kOcfs2, kGfs2}) {
    if (static_cast<long>(about.f_type) == remote) {
      errno = EREMOTE;
      return -1;
    }
  }
  return 0;
}
int syncfs(int fd) {
  if (check_local(fd) == 0) {
    const Asking asking("syncfs");
    return ::syncfs(fd);
  }
  if (errno == EREMOTE) errno = EOPNOTSUPP;
  return -1;
}
int wait_written(int fd) {
  const Asking asking("sync_file_range");
  return ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE);
}
int fstat(int fd, struct stat* out) {
  const Asking asking("fstat");
  return ::fstat(fd, out);
}
int fstatat(int dir, const char* path, struct stat* out) {
  return again("fstatat", [&] { return ::fstatat(dir, path, out, AT_SYMLINK_NOFOLLOW); });
}
int fstatvfs(int fd, struct statvfs* out) {
  return again("fstatvfs", [&] { return ::fstatvfs(fd, out); });
}
int fchmod(int fd, mode_t mode) {
  return again("fchmod", [&] { return ::fchmod(fd, mode); });
}
int futimens_now(int fd) {
  return again("futimens", [&] { return ::futimens(fd, nullptr); });
}
int set_mtime(int fd, const struct timespec& mtime) {
  const struct timespec times[2] = {{0, UTIME_NOW}, mtime};
  return again("futimens", [&] { return ::futimens(fd, times); });
}
int flock(int fd, int operation) {
  // One that may wait does so for whoever holds it, as long as that takes.
  return again((operation & LOCK_NB) != 0 ? "flock" : nullptr,
               [&] { return ::flock(fd, operation); });
}
int linkat(int from_dir, const char* from, int to_dir, const char* to) {
  return again("linkat", [&] { return ::linkat(from_dir, from, to_dir, to, 0); });
}
int renameat(int from_dir, const char* from, int to_dir, const char* to) {
  return again("renameat", [&] { return ::renameat(from_dir, from, to_dir, to); });
}
int unlinkat(int dir, const char* path, int flags) {
  return again("unlinkat", [&] { return ::unlinkat(dir, path, flags); });
}
int mkdirat(int dir, const char* path, mode_t mode) {
  return again("mkdirat", [&] { return ::mkdirat(dir, path, mode); });
}

int list(int dir, const char* path, bool (*take)(const char* name, void* context), void* context) {
  const int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) return -1;
  const auto slice = std::make_unique_for_overwrite<char[]>(kListBytes);
  long got = 0;
  do {
    got =
        again("getdents64", [&] { return ::syscall(SYS_getdents64, fd, slice.get(), kListBytes); });
  } while (got > 0 && take_slice(slice.get(), got, take, context));
  const int code = errno;
  (void)::close(fd);
  errno = code;
  return got < 0 ? -1 : 0;
}

int clock_realtime(struct timespec* out) { return ::clock_gettime(CLOCK_REALTIME, out); }

int64_t monotonic_ms() {
  struct timespec now = {};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);  // cannot fail: the clock and the pointer are good
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

int64_t boottime_ms() {
  struct timespec now = {};
  (void)::clock_gettime(CLOCK_BOOTTIME, &now);  // cannot fail, as above
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

void sleep_ms(int64_t ms) {
  struct timespec rest = {ms / 1000, (ms % 1000) * 1'000'000};
  while (::nanosleep(&rest, &rest) != 0 && errno == EINTR) {
  }
}

ssize_t getrandom(void* buffer, size_t count) {
  return again(nullptr, [&] { return ::getrandom(buffer, count, 0); });
}

Identity identity() {
  static const std::string host = host_label();
  static const std::string boot = boot_label();
  return {host, boot, ::getpid()};
}

// A process that has ended and was not waited for yet (state Z in proc(5)) writes nothing any more.
bool is_running(int pid) {
  if (::kill(pid, 0) != 0 && errno != EPERM) return false;
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  char text[512];
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : ::read(fd, text, sizeof text);
  if (fd >= 0) (void)::close(fd);
  if (got <= 0) return true;  // no proc to ask
  const std::string_view stat(text, static_cast<size_t>(got));
  const size_t name_end = stat.rfind(')');  // the name before it may hold anything
  if (name_end == std::string_view::npos || name_end + 2 >= stat.size()) return true;
  return stat[name_end + 2] != 'Z' && stat[name_end + 2] != 'X';
}

uid_t effective_uid() { return ::geteuid(); }

}  // namespace imgq::sys
