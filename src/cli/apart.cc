#include "src/cli/apart.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>

#include "src/cli/wait.h"
#include "src/util/fd.h"
#include "src/util/sys.h"
#include "src/util/threads.h"
#include "src/util/unanswered.h"

namespace imgq::cli {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kGraceMs = 500;  // beyond a deadline that the command itself should have kept
constexpr std::chrono::milliseconds kLookOften{250}, kLookSeldom{2000};
constexpr int64_t kStoppingMs = 1'000;  // for a call while the command is to stop
constexpr int kDyingMs = 5'000;         // for a child that was sent a signal

std::atomic<std::chrono::milliseconds> io_timeout{};
std::atomic<int64_t> deadline_ms{kNever};
std::atomic<void (*)()> say_farewell{nullptr};

// Of the watch, which looks anew when a deadline is set.
std::mutex watching;
std::condition_variable look_now;

// Told to stop; a thread that the kernel keeps cannot take the signal, which is pending then.
bool is_stopping() { return stopped() || any_pending({SIGINT, SIGTERM, SIGHUP}); }

// In the child: gives the command up when its time is over.
class Watch {
 public:
  Watch(const GiveUp& tell, int parent) : tell_(tell), parent_(parent) {
    const NoSignals for_the_command;
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      // Without, it waits as if nobody watched.
    }
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    {
      const std::lock_guard lock(watching);
      ended_ = true;
    }
    look_now.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(watching);
    while (!ended_) {
      look();
      const bool soon = deadline_ms.load() != kNever || is_stopping();
      const auto seldom = std::clamp(io_timeout.load() / 8, kLookOften, kLookSeldom);
      (void)look_now.wait_for(lock, soon ? kLookOften : seldom);
    }
  }

  void look() {
    const bool stopping = is_stopping();
    const int64_t timeout_ms = stopping ? kStoppingMs : io_timeout.load().count();
    const auto hanging = hangs_.look(timeout_ms > 0 ? timeout_ms : kNever);
    if (hanging && stopping) give_up(Exit::interrupted, "");
    if (hanging) {
      give_up(Exit::try_later, fmt::format("no answer from the file system for {} s ({})",
                                           hanging->for_ms / 1000, hanging->call));
    }
    const int64_t until = deadline_ms.load();
    const auto slow = longest_unanswered();
    if (slow && slow->since_ms < until && sys::monotonic_ms() - kGraceMs > until) {
      give_up(Exit::try_later,
              fmt::format("timed out: the file system is slow to answer ({})", slow->call));
    }
  }

  // The message first, and nothing held open: the parent ends when it is told, and whoever reads
  // what it wrote waits for no end but that.
  [[noreturn]] void give_up(Exit exit, const std::string& why) const {
    if (const auto farewell = say_farewell.load()) farewell();
    if (!why.empty()) tell_(why);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) (void)::close(fd);
    const auto code = static_cast<unsigned char>(exit);
    (void)!::write(parent_, &code, 1);
    for (;;) ::pause();
  }

  const GiveUp& tell_;
  const int parent_;
  HangWatch hangs_;
  bool ended_ = false;
  std::thread thread_;
};

// As the child died: whoever called us sees the same end. Its core is the one to be looked at.
[[noreturn]] void die_of(int signal) {
  const struct rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);  // else there are two
  (void)::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  (void)::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  (void)::raise(signal);
  ::_exit(128 + signal);
}

constexpr std::array kEnding{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

// Whether a signal ends who does not handle it, by what his caller ignores and blocks.
bool ends(int signal, const sigset_t& blocked) {
  struct sigaction action{};
  (void)::sigaction(signal, nullptr, &action);  // cannot fail with these
  return action.sa_handler != SIG_IGN && ::sigismember(&blocked, signal) == 0;
}

// In the parent. `signals` are blocked; those of `blocked` were before.
class Child {
 public:
  Child(pid_t pid, Fd heard, const sigset_t& signals, const sigset_t& blocked)
      : pid_(pid),
        heard_(std::move(heard)),
        signals_(::signalfd(-1, &signals, SFD_CLOEXEC)),
        blocked_(blocked) {}

  Exit await() {
    for (;;) {
      struct pollfd from[] = {{signals_.get(), POLLIN, 0}, {heard_.get(), POLLIN, 0}};
      const int ready = ::poll(from, 2, fatal_ == 0 ? -1 : kDyingMs);
      if (ready == 0) leave();
      if (ready > 0 && from[0].revents != 0 && take_signal()) return exit_;
      if (ready > 0 && from[1].revents != 0 && has_given_up()) return exit_;
    }
  }

 private:
  [[noreturn]] void leave() {
    (void)::kill(pid_, SIGKILL);
    die_of(fatal_);
  }

  // At the end of the pipe it has ended, or will in a moment.
  bool has_given_up() {
    unsigned char code = 0;
    if (::read(heard_.get(), &code, 1) != 1) {
      heard_ = Fd();
      return has_ended(0);
    }
    (void)::kill(pid_, SIGKILL);
    exit_ = static_cast<Exit>(code);
    if (exit_ == Exit::interrupted && fatal_ != 0) die_of(fatal_);
    return true;
  }

  bool take_signal() {
    signalfd_siginfo signal{};
    if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal) return false;
    const int number = static_cast<int>(signal.ssi_signo);
    if (number == SIGCHLD) return has_ended(WNOHANG);
    // A terminal has told the child, too. What its caller ignores the child may handle.
    if (signal.ssi_code != SI_KERNEL) (void)::kill(pid_, number);
    if (ends(number, blocked_)) fatal_ = number;
    return false;
  }

  bool has_ended(int options) {
    int status = 0;
    if (::waitpid(pid_, &status, options) != pid_) return false;
    if (WIFSIGNALED(status)) die_of(WTERMSIG(status));
    exit_ = static_cast<Exit>(WEXITSTATUS(status));
    return true;
  }

  const pid_t pid_;
  Fd heard_;
  const Fd signals_;
  const sigset_t blocked_;
  int fatal_ = 0;  // the signal that should end it
  Exit exit_ = Exit::ok;
};

}  // namespace

Exit run_apart(const GiveUp& tell, const std::function<Exit()>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return command();
  Fd heard(ends[0]), parents(ends[1]);
  (void)std::fflush(nullptr);        // what is held would be told twice
  (void)::signal(SIGCHLD, SIG_DFL);  // ignored, as it may come to us, it would not be told of
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  for (const int one : kEnding) sigaddset(&signals, one);
  (void)::pthread_sigmask(SIG_BLOCK, &signals, &before);  // fails only for a bad argument
  const pid_t parent = ::getpid(), child = ::fork();
  if (child > 0) {
    parents = Fd();
    return Child(child, std::move(heard), signals, before).await();
  }
  if (child == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // when the caller kills what he started
    if (::getppid() != parent) ::_exit(static_cast<int>(Exit::interrupted));
  }
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) return command();
  const Watch watch(tell, parents.get());
  return command();
}

void set_io_timeout(std::chrono::seconds timeout) { io_timeout = timeout; }

Deadline::Deadline(Timeout timeout)
    : at_ms_(timeout ? sys::monotonic_ms() + timeout->count() * 1000 : kNever) {
  const std::lock_guard lock(watching);
  deadline_ms = at_ms_;
  look_now.notify_one();
}
Deadline::~Deadline() { deadline_ms = kNever; }

int64_t Deadline::left_ms() const { return at_ms_ - sys::monotonic_ms(); }

void when_given_up(void (*farewell)()) { say_farewell = farewell; }

}  // namespace imgq::cli
