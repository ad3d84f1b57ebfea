#include "src/worker/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>

#include "src/base/wire.h"
#include "src/util/io.h"
#include "src/worker/filter.h"
#include "src/worker/landlock.h"

#ifndef IMGQ_SANITIZED
// glibc's fstat is newfstatat with an empty name. A filter cannot see that the name is empty, so to
// allow it would allow to ask for any path. This one, which libvips finds first, needs no name.
extern "C" int fstat(int fd, struct stat* out) noexcept {
  return static_cast<int>(::syscall(SYS_fstat, fd, out));
}
#endif

namespace imgq::worker {
namespace {

// One job's source and results, each once more inside libvips, and what is always open.
constexpr rlim_t kMaxOpen = 8 + 3 * wire::kMaxDescriptors;

Status set_limit(int resource, const rlimit& limit, const char* name) {
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) {
    return last_error("set a limit", name);
  }
  return Ok{};
}

Status limit_memory([[maybe_unused]] const Limits& limits,
                    [[maybe_unused]] const MemoryGauge& gauge) {
#ifdef IMGQ_SANITIZED
  return Ok{};  // the sanitizers map terabytes
#else
  const auto bytes = static_cast<rlim_t>(gauge.mapped_bytes() + limits.memory_bytes);
  const auto with_file = bytes + static_cast<rlim_t>(limits.max_file_bytes);  // while it is mapped
  rlimit now{};
  if (::getrlimit(RLIMIT_AS, &now) != 0) return last_error("read a limit", "RLIMIT_AS");
  return set_limit(
      RLIMIT_AS, {std::min({bytes, now.rlim_cur, now.rlim_max}), std::min(with_file, now.rlim_max)},
      "RLIMIT_AS");
#endif
}

// No RLIMIT_NPROC: it counts all processes of the user, so other programs would use it up.
Status limit_resources(const Limits& limits, const MemoryGauge& gauge) {
  struct {
    int resource;
    rlim_t value;
    const char* name;
  } const fixed[] = {{RLIMIT_CORE, 0, "RLIMIT_CORE"},
                     {RLIMIT_NOFILE, kMaxOpen, "RLIMIT_NOFILE"},
                     {RLIMIT_FSIZE, static_cast<rlim_t>(kMaxResultBytes), "RLIMIT_FSIZE"},
                     {RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK"},
                     {RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE"}};
  for (const auto& each : fixed) {
    rlimit now{};
    if (::getrlimit(static_cast<__rlimit_resource>(each.resource), &now) != 0) {
      return last_error("read a limit", each.name);
    }
    const rlim_t most = std::min(each.value, now.rlim_max);
    auto set = set_limit(each.resource, {most, most}, each.name);
    if (!set) return set;
  }
  (void)::signal(SIGXFSZ, SIG_IGN);  // a result over its limit is an error of write(2), not a death
  return limit_memory(limits, gauge);
}

// Root without capabilities cannot raise a hard limit or override a file's mode. A service that has
// none may not even be allowed to say so.
Status drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> held{};
  if (::syscall(SYS_capget, &header, held.data()) != 0) {
    return last_error("read capabilities", "");
  }
  const bool has_none = std::all_of(held.begin(), held.end(), [](const auto& set) {
    return set.effective == 0 && set.permitted == 0 && set.inheritable == 0;
  });
  held = {};
  if (!has_none && ::syscall(SYS_capset, &header, held.data()) != 0) {
    return last_error("drop capabilities", "");
  }
  return Ok{};
}

// close_range(2), which Linux before 5.9 and some containers' filters do not have.
Status close_range(unsigned first, unsigned last) {
  if (first > last || ::close_range(first, last, 0) == 0) return Ok{};
  if (errno != ENOSYS && errno != EPERM) return last_error("close descriptors", "");
  const auto open = list_names(AT_FDCWD, "/proc/self/fd");
  if (!open) return open.error();
  for (const std::string& name : *open) {
    unsigned fd = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), fd);
    if (read.ec != std::errc() || fd < first || fd > last) continue;
    (void)::close(static_cast<int>(fd));  // the listing's own is closed already
  }
  return Ok{};
}

// Closes all but 0..3 and `keep`.
Status close_others(std::array<int, 2> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned first = wire::kWorkerSocket + 1;
  for (const int fd : keep) {
    if (fd < static_cast<int>(first)) continue;
    const auto kept = static_cast<unsigned>(fd);
    if (auto closed = close_range(first, kept - 1); !closed) return closed;
    first = kept + 1;
  }
  return close_range(first, ~0U);
}

}  // namespace

Status talk_without_waiting() {
  struct stat file{};
  if (::fstat(STDERR_FILENO, &file) != 0 || !S_ISFIFO(file.st_mode)) return Ok{};
  const int flags = ::fcntl(STDERR_FILENO, F_GETFL);
  if (flags < 0 || ::fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK) != 0) {
    return last_error("keep standard error from waiting", "");
  }
  return Ok{};
}

Status follow_supervisor() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (::signal(signal, SIG_IGN) == SIG_ERR) return last_error("ignore signals", "");
  }
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return last_error("follow the supervisor", "");
  ucred maker{};
  socklen_t size = sizeof(maker);
  if (::getsockopt(wire::kWorkerSocket, SOL_SOCKET, SO_PEERCRED, &maker, &size) != 0) {
    return last_error("ask who made the socket", "descriptor 3");
  }
  if (maker.pid != ::getppid()) return Error{ESRCH, "find the supervisor", ""};
  return Ok{};
}

Result<MemoryGauge> MemoryGauge::open() {
  Fd statm(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  if (!statm) return last_error("open", "/proc/self/statm");
  return MemoryGauge(std::move(statm), Fd(::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)));
}

void MemoryGauge::restart_peak() const {
  if (clear_refs_) (void)::pwrite(clear_refs_.get(), "5", 1, 0);
}

int64_t MemoryGauge::pages(int field) const {
  std::array<char, 128> text{};
  const ssize_t got = ::pread(statm_.get(), text.data(), text.size(), 0);
  if (got <= 0) return 0;
  const char* end = text.data() + got;
  const char* at = text.data();
  for (int i = 0; i < field; ++i) at = std::min(std::find(at, end, ' ') + 1, end);
  int64_t count = 0;
  std::from_chars(at, end, count);
  return count * ::sysconf(_SC_PAGESIZE);
}

Status confine(const Limits& limits, const MemoryGauge& gauge) {
  if (auto closed = close_others(gauge.fds()); !closed) return closed;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return last_error("give up new privileges", "");
  }
  if (auto limited = limit_resources(limits, gauge); !limited) return limited;
  if (auto dropped = drop_capabilities(); !dropped) return dropped;
  if (auto landlock = enter_landlock(); !landlock) return landlock.error();
  return enter_filter();
}

Status grant_cpu(int seconds) {
  rusage used{};
  rlimit limit{};
  if (::getrusage(RUSAGE_SELF, &used) != 0 || ::getrlimit(RLIMIT_CPU, &limit) != 0) {
    return last_error("read the CPU time", "");
  }
  const auto spent = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1;
  limit.rlim_cur = std::min(spent + static_cast<rlim_t>(seconds), limit.rlim_max);
  if (::setrlimit(RLIMIT_CPU, &limit) != 0) return last_error("set a limit", "RLIMIT_CPU");
  return Ok{};
}

}  // namespace imgq::worker
