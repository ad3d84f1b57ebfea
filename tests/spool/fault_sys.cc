// sys.cc under another name, and the functions of sys.h in front of it.
#define sys real_sys
#include "src/util/sys.cc"
#undef sys
#undef IMGQ_SRC_UTIL_SYS_H_
#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "src/util/sys.h"
#include "tests/spool/fault_sys.h"

namespace imgq::faults {
namespace {

std::mutex mutex;
std::vector<Rule> rules;
int hit_count = 0;
int call_count = 0;
int64_t ahead_ms = 0;  // the wall clock
std::atomic<int64_t> skipped_ms = 0;
thread_local bool inside = false;

std::string path_of(int fd) {
  char path[4096];
  const ssize_t length = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : "";
}

// The rule that a call hits, counted off.
std::optional<Rule> hit(const char* call, const std::string& path) {
  const std::string_view name = call;
  const std::lock_guard lock(mutex);
  if (name != "listed" && name != "sleep") ++call_count;
  for (Rule& rule : rules) {
    const bool spared = name == "clock_realtime" || name == "listed" || name == "sleep";
    if (rule.call.empty() ? spared : rule.call != name) continue;
    if (path.find(rule.path) == std::string::npos) continue;
    if (rule.skip > 0) {
      --rule.skip;
      continue;
    }
    if (rule.times == 0) continue;
    if (rule.times > 0) --rule.times;
    ++hit_count;
    return rule;
  }
  return std::nullopt;
}

template <class Call>
auto through(const char* name, const std::string& path, Call call) -> decltype(call()) {
  if (inside) return call();
  const auto rule = hit(name, path);
  if (rule && rule->run) {
    inside = true;
    rule->run();
    inside = false;
  }
  if (!rule || rule->code == 0) return call();
  if (rule->after) (void)call();
  errno = rule->code;
  return -1;
}

}  // namespace

void add(Rule rule) {
  const std::lock_guard lock(mutex);
  rules.push_back(std::move(rule));
}
void clear() {
  const std::lock_guard lock(mutex);
  rules.clear();
  hit_count = call_count = 0;
  ahead_ms = 0;
}
void step_clock(int64_t seconds) {
  const std::lock_guard lock(mutex);
  ahead_ms += seconds * 1000;
}
int hits() {
  const std::lock_guard lock(mutex);
  return hit_count;
}
int calls() {
  const std::lock_guard lock(mutex);
  return call_count;
}

}  // namespace imgq::faults

namespace imgq::sys {

using faults::path_of;
using faults::through;

int open(const char* path, int flags, mode_t mode) {
  return through("open", path, [=] { return real_sys::open(path, flags, mode); });
}
int openat(int dir, const char* path, int flags, mode_t mode) {
  return through("openat", path, [=] { return real_sys::openat(dir, path, flags, mode); });
}
int close(int fd) { return real_sys::close(fd); }
ssize_t read(int fd, void* buffer, size_t count) {
  return through("read", path_of(fd), [=] { return real_sys::read(fd, buffer, count); });
}
ssize_t pread(int fd, void* buffer, size_t count, off_t offset) {
  return through("pread", path_of(fd), [=] { return real_sys::pread(fd, buffer, count, offset); });
}
ssize_t write(int fd, const void* buffer, size_t count) {
  return through("write", path_of(fd), [=] { return real_sys::write(fd, buffer, count); });
}
ssize_t copy_file_range(int from, off_t* from_offset, int to, size_t count) {
  return through("copy_file_range", path_of(to),
                 [=] { return real_sys::copy_file_range(from, from_offset, to, count); });
}
int clone_range(int from, int to) {
  return through("clone_range", path_of(to), [=] { return real_sys::clone_range(from, to); });
}
int fsync(int fd) {
  return through("fsync", path_of(fd), [=] { return real_sys::fsync(fd); });
}
int fsync_after_move(int fd) {
  return through("fsync", path_of(fd), [=] { return real_sys::fsync_after_move(fd); });
}
int syncfs(int fd) {
  return through("syncfs", path_of(fd), [=] { return real_sys::syncfs(fd); });
}
int wait_written(int fd) {
  return through("wait_written", path_of(fd), [=] { return real_sys::wait_written(fd); });
}
int fstat(int fd, struct stat* out) {
  return through("fstat", path_of(fd), [=] { return real_sys::fstat(fd, out); });
}
int fstatat(int dir, const char* path, struct stat* out) {
  return through("fstatat", path, [=] { return real_sys::fstatat(dir, path, out); });
}
int fstatvfs(int fd, struct statvfs* out) {
  return through("fstatvfs", path_of(fd), [=] { return real_sys::fstatvfs(fd, out); });
}
int fchmod(int fd, mode_t mode) {
  return through("fchmod", path_of(fd), [=] { return real_sys::fchmod(fd, mode); });
}
int futimens_now(int fd) {
  return through("futimens_now", path_of(fd), [=] { return real_sys::futimens_now(fd); });
}
int set_mtime(int fd, const struct timespec& mtime) {
  return through("set_mtime", path_of(fd), [&] { return real_sys::set_mtime(fd, mtime); });
}
int check_local(int fd) {
  return through("check_local", path_of(fd), [=] { return real_sys::check_local(fd); });
}
int flock(int fd, int operation) {
  return through("flock", path_of(fd), [=] { return real_sys::flock(fd, operation); });
}
int linkat(int from_dir, const char* from, int to_dir, const char* to) {
  return through("linkat", std::string(from) + " " + to,
                 [=] { return real_sys::linkat(from_dir, from, to_dir, to); });
}
int renameat(int from_dir, const char* from, int to_dir, const char* to) {
  return through("renameat", std::string(from) + " " + to,
                 [=] { return real_sys::renameat(from_dir, from, to_dir, to); });
}
int unlinkat(int dir, const char* path, int flags) {
  return through("unlinkat", path, [=] { return real_sys::unlinkat(dir, path, flags); });
}
int mkdirat(int dir, const char* path, mode_t mode) {
  return through("mkdirat", path, [=] { return real_sys::mkdirat(dir, path, mode); });
}
namespace {

// A listing, each name of which can be withheld.
struct Listing {
  std::string folder;
  bool (*take)(const char* name, void* context);
  void* context;
};
bool take_unless_withheld(const char* name, void* context) {
  const auto& listing = *static_cast<Listing*>(context);
  if (through("listed", listing.folder + "/" + name, [] { return 0; }) != 0) return true;
  return listing.take(name, listing.context);
}

}  // namespace

int list(int dir, const char* path, bool (*take)(const char* name, void* context), void* context) {
  Listing listing{path, take, context};
  return through("list", path,
                 [&] { return real_sys::list(dir, path, take_unless_withheld, &listing); });
}
int clock_realtime(struct timespec* out) {
  const int result = through("clock_realtime", "", [=] { return real_sys::clock_realtime(out); });
  const std::lock_guard lock(faults::mutex);
  const int64_t ms = out->tv_sec * 1000 + faults::ahead_ms;
  out->tv_sec = ms / 1000;
  out->tv_nsec += ms % 1000 * 1'000'000;
  out->tv_sec += out->tv_nsec / 1'000'000'000;
  out->tv_nsec %= 1'000'000'000;
  return result;
}
int64_t monotonic_ms() { return real_sys::monotonic_ms() + faults::skipped_ms; }
int64_t boottime_ms() { return real_sys::boottime_ms() + faults::skipped_ms; }
void sleep_ms(int64_t ms) {
  const auto sleep = [ms] {
    real_sys::sleep_ms(ms);
    return 0;
  };
  if (through("sleep", "", sleep) == 0) return;
  const std::lock_guard lock(faults::mutex);
  faults::skipped_ms += ms;
  faults::ahead_ms += ms;
}
ssize_t getrandom(void* buffer, size_t count) { return real_sys::getrandom(buffer, count); }
Identity identity() {
  const auto me = real_sys::identity();
  return {me.host, me.boot, me.pid};
}
bool is_running(int pid) { return real_sys::is_running(pid); }
uid_t effective_uid() { return real_sys::effective_uid(); }

}  // namespace imgq::sys
