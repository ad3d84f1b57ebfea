#include "src/worker/self_test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "src/image/engine.h"
#include "src/util/fd.h"
#include "src/util/text.h"
#include "src/worker/sandbox.h"

namespace imgq::worker {
namespace {

constexpr const char* kFile = "/proc/self/status";
constexpr const char* kProgram = "/bin/true";

// Each returns -1 and errno when refused; what it got it gives back at once.
using Attempt = int (*)();

int closing(int fd) {
  const int code = errno;
  if (fd < 0) {
    errno = code;
    return -1;
  }
  const Fd owned(fd);
  return 0;
}

int raw(long result) { return result < 0 ? -1 : 0; }

int try_execute() {
  const std::array<char*, 2> argv = {const_cast<char*>(kProgram), nullptr};
  return ::execv(kProgram, argv.data());
}

int try_connect() {
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(9);
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(1, reinterpret_cast<const sockaddr*>(&there), sizeof(there));
}

int try_more_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  limit.rlim_cur = ++limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit);
}

int try_executable_memory() {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return -1;
  return ::munmap(page, 4096);
}

int try_to_make_memory_executable() {
  void* page = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return 0;  // nothing shown: counts as allowed
  const int result = ::mprotect(page, 4096, PROT_READ | PROT_EXEC);
  const int code = errno;
  ::munmap(page, 4096);
  errno = code;
  return result;
}

#ifndef IMGQ_SANITIZED
int try_a_lot_of_memory() {
  const size_t size = static_cast<size_t>(Limits{}.memory_bytes) + (64 << 20);
  void* block = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return -1;
  return ::munmap(block, size);
}
#endif

struct Trial {
  const char* what;
  Attempt attempt;
  bool harmless = true;  // may be tried before the confinement
};

const Trial kFileTrials[] = {
    {"open a file for reading", [] { return closing(::open(kFile, O_RDONLY | O_CLOEXEC)); }},
#ifdef SYS_open  // arm64 has never had the old calls
    {"open a file for reading, old call",
     [] { return closing(static_cast<int>(::syscall(SYS_open, kFile, O_RDONLY))); }},
#endif
    {"open a folder", [] { return closing(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }},
    {"write a file outside",
     [] { return closing(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)); }},
    {"look at a file by its path",
     [] {
       struct stat out{};
       return raw(::syscall(SYS_newfstatat, AT_FDCWD, "/", &out, 0));
     }},
    {"ask whether a file is there", [] { return ::access("/", F_OK); }},
    {"read a link",
     [] {
       std::array<char, 256> out{};
       return raw(::readlink("/proc/self/exe", out.data(), out.size()));
     }},
    {"change the folder", [] { return ::chdir("."); }},
    {"remove a file", [] { return ::unlink("/tmp/imgq-self-test"); }, false},
    {"rename a file", [] { return ::rename("/tmp/imgq-self-test", "/tmp/imgq-self"); }, false},
    {"link a file", [] { return ::link("/tmp/imgq-self-test", "/tmp/imgq-self"); }, false},
    {"make a symbolic link", [] { return ::symlink("/", "/tmp/imgq-self-test"); }, false},
    {"make a folder", [] { return ::mkdir("/tmp/imgq-self-test", 0700); }, false},
    {"change a file's mode", [] { return ::chmod("/tmp/imgq-self-test", 0700); }, false},
    {"truncate a file by its path", [] { return ::truncate("/tmp/imgq-self-test", 0); }, false},
    {"make a file in memory",
     [] { return closing(static_cast<int>(::syscall(SYS_memfd_create, "imgq", 0))); }},
};

const Trial kProcessTrials[] = {
    {"run a program", try_execute, false},
    {"start a process",
     [] {
       const long pid = ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
       if (pid == 0) ::_exit(0);
       return raw(pid);
     },
     false},
#ifdef SYS_vfork
    {"start a process, old call",
     [] {
       const long pid = ::syscall(SYS_vfork);
       if (pid == 0) ::_exit(0);
       return raw(pid);
     },
     false},
#endif
    {"open a network socket", [] { return closing(::socket(AF_INET, SOCK_STREAM, 0)); }},
    {"open a local socket", [] { return closing(::socket(AF_UNIX, SOCK_DGRAM, 0)); }},
    {"connect to a peer", try_connect, false},
    {"signal the parent", [] { return ::kill(::getppid(), SIGCONT); }},
    {"signal the parent's thread",
     [] { return raw(::syscall(SYS_tgkill, ::getppid(), ::getppid(), SIGCONT)); }},
    {"signal everybody", [] { return ::kill(-1, SIGCONT); }, false},
    {"trace the parent", [] { return raw(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr)); },
     false},
    {"set a limit of the parent",
     [] { return ::prlimit(::getppid(), RLIMIT_CORE, nullptr, nullptr); }},
    {"take a limit back", try_more_open_files, false},
    {"become another user", [] { return ::setuid(65534); }, false},
    {"leave a namespace", [] { return ::unshare(CLONE_NEWUSER); }, false},
};

const Trial kMachineTrials[] = {
    {"ask for io_uring", [] { return raw(::syscall(SYS_io_uring_setup, 1, nullptr)); }, false},
    {"load a program into the kernel", [] { return raw(::syscall(SYS_bpf, 0, nullptr, 0)); },
     false},
    {"map executable memory", try_executable_memory},
    {"make memory executable", try_to_make_memory_executable},
#ifndef IMGQ_SANITIZED
    {"become traceable", [] { return ::prctl(PR_SET_DUMPABLE, 1); }},
    {"take more memory than allowed", try_a_lot_of_memory},
#endif
};

std::vector<Trial> trials() {
  std::vector<Trial> all(std::begin(kFileTrials), std::end(kFileTrials));
  all.insert(all.end(), std::begin(kProcessTrials), std::end(kProcessTrials));
  all.insert(all.end(), std::begin(kMachineTrials), std::end(kMachineTrials));
  return all;
}

std::string result_of(Attempt attempt) {
  errno = 0;
  const int result = attempt();
  const int code = errno;
  if (result >= 0) return "allowed";
  const char* name = ::strerrorname_np(code);
  return name == nullptr ? std::to_string(code) : name;
}

Status say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return last_error("write", "stdout");
  }
  return Ok{};
}

Status confine_as_for_work() {
  if (auto started = image::start({}); !started) return started;
  auto gauge = MemoryGauge::open();
  if (!gauge) return gauge.error();
  return confine(Limits{}, *gauge);
}

}  // namespace

Status self_test() {
  const std::vector<Trial> all = trials();
  std::vector<std::string> before;
  before.reserve(all.size());
  for (const Trial& trial : all) {
    before.push_back(trial.harmless ? result_of(trial.attempt) : "not tried");
  }
  if (auto confined = confine_as_for_work(); !confined) return confined;
  int allowed = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string now = result_of(all[i].attempt);
    if (now == "allowed") ++allowed;
    auto said = say(std::string(all[i].what) + ": " + before[i] + ", now " + now + "\n");
    if (!said) return said;
  }
  if (allowed > 0) return bad_data(counted(allowed, "attempt") + " not refused", "");
  return Ok{};
}

}  // namespace imgq::worker
