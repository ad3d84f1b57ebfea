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
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <limits>
#include <mutex>
#include <thread>

#include "src/util/fd.h"
#include "src/util/sys.h"
#include "src/util/unanswered.h"

namespace imgq::cli {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kGraceMs = 500;  // beyond a deadline that the command itself should have kept
constexpr std::chrono::milliseconds kLookOften{250}, kLookSeldom{2000};
constexpr int kDyingMs = 5'000;  // for a child that was sent a signal

std::atomic<int64_t> deadline_ms{kNever};
std::atomic<void (*)()> say_farewell{nullptr};

// In the child: gives the command up when its time is over.
class Watch {
 public:
  Watch(const Patience& patience, int tell) : patience_(patience), tell_(tell) {
    sigset_t all, before;  // signals are for the command
    sigfillset(&all);
    (void)::pthread_sigmask(SIG_SETMASK, &all, &before);  // fails only for a bad argument
    thread_ = std::thread([this] { run(); });
    (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    stop_.notify_one();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    const std::chrono::milliseconds timeout = patience_.io_timeout;
    const auto seldom = std::clamp(timeout / 8, kLookOften, kLookSeldom);
    for (;;) {
      const bool is_late_soon = deadline_ms.load() != kNever;
      if (stop_.wait_for(lock, is_late_soon ? kLookOften : seldom, [this] { return ended_; }))
        return;
      const auto hanging = hangs_.look(timeout.count());
      if (hanging) {
        give_up(fmt::format("no answer from the file system for {} s ({}): {}",
                            hanging->for_ms / 1000, hanging->call, patience_.advice));
      }
      if (sys::monotonic_ms() - kGraceMs > deadline_ms.load()) {
        const auto slow = longest_unanswered();
        give_up(fmt::format("timed out: the file system is slow to answer{}",
                            slow ? fmt::format(" ({})", slow->call) : ""));
      }
    }
  }

  // The message first: the parent ends when it is told.
  [[noreturn]] void give_up(const std::string& why) const {
    if (const auto farewell = say_farewell.load()) farewell();
    patience_.tell(why);
    const auto code = static_cast<unsigned char>(Exit::try_later);
    (void)!::write(tell_, &code, 1);
    for (;;) ::pause();
  }

  const Patience& patience_;
  const int tell_;
  HangWatch hangs_;
  std::mutex mutex_;
  std::condition_variable stop_;
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

// In the parent.
class Child {
 public:
  Child(pid_t pid, Fd heard, const sigset_t& signals)
      : pid_(pid), heard_(std::move(heard)), signals_(::signalfd(-1, &signals, SFD_CLOEXEC)) {}

  Exit await() {
    for (;;) {
      struct pollfd from[] = {{signals_.get(), POLLIN, 0}, {heard_.get(), POLLIN, 0}};
      const int ready = ::poll(from, 2, fatal_ == 0 ? -1 : kDyingMs);
      if (ready == 0) leave();
      if (ready > 0 && from[0].revents != 0 && has_ended()) return exit_;
      if (ready > 0 && from[1].revents != 0 && has_given_up()) return exit_;
    }
  }

 private:
  [[noreturn]] void leave() {
    (void)::kill(pid_, SIGKILL);
    die_of(fatal_);
  }

  bool has_given_up() {
    unsigned char code = 0;
    if (::read(heard_.get(), &code, 1) != 1) {
      heard_ = Fd();  // it has ended, or will
      return false;
    }
    (void)::kill(pid_, SIGKILL);
    exit_ = static_cast<Exit>(code);
    return true;
  }

  bool has_ended() {
    signalfd_siginfo signal{};
    if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal) return false;
    const int number = static_cast<int>(signal.ssi_signo);
    if (number != SIGCHLD) {
      // A terminal has told the child, too.
      if (signal.ssi_code != SI_KERNEL) (void)::kill(pid_, number);
      fatal_ = number;
      return false;
    }
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    if (WIFSIGNALED(status)) die_of(WTERMSIG(status));
    exit_ = static_cast<Exit>(WEXITSTATUS(status));
    return true;
  }

  const pid_t pid_;
  Fd heard_;
  const Fd signals_;
  int fatal_ = 0;  // the signal that should end it
  Exit exit_ = Exit::ok;
};

}  // namespace

Exit run_apart(const Patience& patience, const std::function<Exit()>& command) {
  int ends[2];
  if (patience.io_timeout.count() == 0 || ::pipe2(ends, O_CLOEXEC) != 0) return command();
  Fd heard(ends[0]), tell(ends[1]);
  sigset_t signals, before;
  sigemptyset(&signals);
  for (const int one : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) sigaddset(&signals, one);
  (void)std::fflush(nullptr);                             // what is held would be told twice
  (void)::pthread_sigmask(SIG_BLOCK, &signals, &before);  // fails only for a bad argument
  const pid_t parent = ::getpid(), child = ::fork();
  if (child > 0) {
    tell = Fd();
    return Child(child, std::move(heard), signals).await();
  }
  if (child == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // when the caller kills what he started
    if (::getppid() != parent) ::_exit(static_cast<int>(Exit::interrupted));
  }
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) return command();
  const Watch watch(patience, tell.get());
  return command();
}

Deadline::Deadline(Timeout timeout)
    : at_ms_(timeout ? sys::monotonic_ms() + timeout->count() * 1000 : kNever) {
  deadline_ms = at_ms_;
}
Deadline::~Deadline() { deadline_ms = kNever; }

int64_t Deadline::left_ms() const { return at_ms_ - sys::monotonic_ms(); }

void when_given_up(void (*farewell)()) { say_farewell = farewell; }

}  // namespace imgq::cli
