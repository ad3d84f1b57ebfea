#include "src/worker/filter.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

#include "src/base/wire.h"

namespace imgq::worker {
namespace {

using Name = const char*;

// Harmless whatever the arguments.
constexpr Name kAllowed[] = {
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek",
    "close", "close_range", "fstat", "dup", "ftruncate", "fallocate", "fadvise64",
    // memory and threads
    "brk", "munmap", "mremap", "madvise", "futex", "set_robust_list", "rseq", "set_tid_address",
    "sched_yield", "sched_getaffinity", "getcpu", "membarrier", "exit", "exit_group",
    // signals to oneself, time, chance, who am I
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "poll",
    "ppoll", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday",
    "time", "times", "getrandom", "getrusage", "sysinfo", "uname", "getpid", "gettid", "getppid",
    "getuid", "geteuid", "getgid", "getegid"};

// Files by name, programs, peers: "permission denied".
constexpr Name kNoAccess[] = {"open",
                              "openat",
                              "openat2",
                              "creat",
                              "open_by_handle_at",
                              "name_to_handle_at",
                              "open_tree",
                              "stat",
                              "lstat",
                              "newfstatat",
                              "statx",
                              "access",
                              "faccessat",
                              "faccessat2",
                              "readlink",
                              "readlinkat",
                              "statfs",
                              "getcwd",
                              "chdir",
                              "fchdir",
                              "chroot",
                              "getdents",
                              "getdents64",
                              "unlink",
                              "unlinkat",
                              "rename",
                              "renameat",
                              "renameat2",
                              "link",
                              "linkat",
                              "symlink",
                              "symlinkat",
                              "mkdir",
                              "mkdirat",
                              "rmdir",
                              "mknod",
                              "mknodat",
                              "truncate",
                              "chmod",
                              "fchmod",
                              "fchmodat",
                              "chown",
                              "fchown",
                              "lchown",
                              "fchownat",
                              "utime",
                              "utimes",
                              "utimensat",
                              "futimesat",
                              "setxattr",
                              "lsetxattr",
                              "fsetxattr",
                              "inotify_init",
                              "inotify_init1",
                              "inotify_add_watch",
                              "fanotify_init",
                              "execve",
                              "execveat",
                              "uselib",
                              "socket",
                              "socketpair",
                              "connect",
                              "bind",
                              "listen",
                              "accept",
                              "accept4",
                              "sendto",
                              "recvfrom",
                              "sendmmsg",
                              "recvmmsg",
                              "memfd_create",
                              "memfd_secret",
                              "shmget",
                              "shmat",
                              "msgget",
                              "semget",
                              "mq_open"};

// Power over processes and the machine: "not permitted".
constexpr Name kNotPermitted[] = {"fork",
                                  "vfork",
                                  "kill",
                                  "tkill",
                                  "rt_sigqueueinfo",
                                  "rt_tgsigqueueinfo",
                                  "pidfd_open",
                                  "pidfd_send_signal",
                                  "pidfd_getfd",
                                  "ptrace",
                                  "process_vm_readv",
                                  "process_vm_writev",
                                  "process_madvise",
                                  "kcmp",
                                  "setuid",
                                  "setgid",
                                  "setreuid",
                                  "setregid",
                                  "setresuid",
                                  "setresgid",
                                  "setgroups",
                                  "setfsuid",
                                  "setfsgid",
                                  "capset",
                                  "setpgid",
                                  "setsid",
                                  "setpriority",
                                  "sched_setscheduler",
                                  "sched_setparam",
                                  "sched_setattr",
                                  "sched_setaffinity",
                                  "ioprio_set",
                                  "unshare",
                                  "setns",
                                  "mount",
                                  "umount2",
                                  "pivot_root",
                                  "move_mount",
                                  "fsopen",
                                  "fsmount",
                                  "bpf",
                                  "perf_event_open",
                                  "io_uring_setup",
                                  "io_uring_enter",
                                  "io_uring_register",
                                  "userfaultfd",
                                  "keyctl",
                                  "add_key",
                                  "request_key",
                                  "personality",
                                  "seccomp",
                                  "init_module",
                                  "finit_module",
                                  "kexec_load",
                                  "reboot",
                                  "swapon",
                                  "acct",
                                  "quotactl",
                                  "syslog",
                                  "settimeofday",
                                  "clock_settime",
                                  "adjtimex",
                                  "sethostname"};

using Context = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&seccomp_release)>;

// Collects rules; remembers the first error.
class Rules {
 public:
  explicit Rules(uint32_t otherwise) : context_(seccomp_init(otherwise), &seccomp_release) {
    if (!context_) error_ = -ENOMEM;
    note(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    note(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_TSYNC, 1));
    note(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));  // a binary tree
  }

  // Names this architecture does not have are passed over.
  void add(uint32_t action, Name name, std::initializer_list<scmp_arg_cmp> when = {}) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number < 0) return;
    note(seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(when.size()),
                                std::data(when)));
  }

  Status load() {
    if (error_ == 0) note(seccomp_load(context_.get()));
    if (error_ != 0) return Error{-error_, "load the system call filter", ""};
    return Ok{};
  }

 private:
  void note(int result) {
    // EACCES: the rule's action is the default one, in the lenient build; nothing to add.
    if (error_ == 0 && result != -EACCES) error_ = result;
  }

  Context context_;
  int error_ = 0;
};

constexpr uint32_t errno_action(int code) { return SCMP_ACT_ERRNO(static_cast<uint32_t>(code)); }

// The sanitizers' own run-time calls are not ours to list, so there only what is named is refused.
constexpr uint32_t other_calls() {
#ifdef IMGQ_SANITIZED
  return SCMP_ACT_ALLOW;
#else
  return errno_action(ENOSYS);
#endif
}

scmp_arg_cmp argument(unsigned index, scmp_compare how, uint64_t value, uint64_t second = 0) {
  return scmp_arg_cmp{index, how, value, second};
}

// The image engine makes no code at run time (no Orc).
void add_memory_rules(Rules& rules) {
  for (Name name : {"mmap", "mprotect", "pkey_mprotect"}) {
    rules.add(SCMP_ACT_ALLOW, name, {argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
    rules.add(errno_action(EPERM), name, {argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)});
  }
}

// New threads, never processes. clone3 hides its flags from a filter, so libc must use clone.
void add_thread_rules(Rules& rules) {
  rules.add(SCMP_ACT_ALLOW, "clone",
            {argument(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM)});
  rules.add(errno_action(EPERM), "clone", {argument(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)});
  rules.add(errno_action(ENOSYS), "clone3");
  const auto self = static_cast<uint64_t>(::getpid());
  rules.add(SCMP_ACT_ALLOW, "tgkill", {argument(0, SCMP_CMP_EQ, self)});  // abort(3), raise(3)
  rules.add(errno_action(EPERM), "tgkill", {argument(0, SCMP_CMP_NE, self)});
}

void add_descriptor_rules(Rules& rules) {
  for (Name name : {"sendmsg", "recvmsg"}) {
    rules.add(SCMP_ACT_ALLOW, name, {argument(0, SCMP_CMP_EQ, wire::kWorkerSocket)});
    rules.add(errno_action(EACCES), name, {argument(0, SCMP_CMP_NE, wire::kWorkerSocket)});
  }
  for (int command : {F_GETFL, F_GETFD, F_SETFD, F_DUPFD_CLOEXEC}) {
    rules.add(SCMP_ACT_ALLOW, "fcntl", {argument(1, SCMP_CMP_EQ, static_cast<uint64_t>(command))});
  }
  rules.add(errno_action(ENOTTY), "ioctl");
}

// Its own limits only: the worker renews its CPU limit for each job. Hard limits stay what they
// are.
void add_process_rules(Rules& rules) {
  rules.add(SCMP_ACT_ALLOW, "prlimit64", {argument(0, SCMP_CMP_EQ, 0)});
  rules.add(errno_action(EPERM), "prlimit64", {argument(0, SCMP_CMP_NE, 0)});
  rules.add(SCMP_ACT_ALLOW, "prctl", {argument(0, SCMP_CMP_EQ, PR_SET_NAME)});
#ifndef IMGQ_SANITIZED
  rules.add(errno_action(EPERM), "prctl", {argument(0, SCMP_CMP_NE, PR_SET_NAME)});
#endif
}

}  // namespace

Status enter_filter() {
  Rules rules(other_calls());
  for (Name name : kAllowed) rules.add(SCMP_ACT_ALLOW, name);
  for (Name name : kNoAccess) rules.add(errno_action(EACCES), name);
  for (Name name : kNotPermitted) rules.add(errno_action(EPERM), name);
  add_memory_rules(rules);
  add_thread_rules(rules);
  add_descriptor_rules(rules);
  add_process_rules(rules);
  return rules.load();
}

std::string filter_library() {
  const scmp_version* version = ::seccomp_version();
  return "libseccomp " + std::to_string(version->major) + "." + std::to_string(version->minor) +
         "." + std::to_string(version->micro);
}

}  // namespace imgq::worker
