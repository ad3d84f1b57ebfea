#include "tools/init.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace imgq::tools {
namespace {

sigset_t signals_of_init() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int one : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals, one);
  return signals;
}

// The exit code of the program, once it has ended; what else has ended is reaped.
bool has_ended(pid_t program, int& status) {
  int ended = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &ended, WNOHANG)) > 0;) {
    if (pid != program) continue;
    status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
    return true;
  }
  return false;
}

}  // namespace

Exit run_with_init(const std::function<Exit()>& program) {
  if (::getpid() != 1) return program();
  const sigset_t signals = signals_of_init();
  sigset_t before;
  (void)::pthread_sigmask(SIG_BLOCK, &signals, &before);  // fails only for a bad argument
  const pid_t child = ::fork();
  if (child < 0) {
    (void)std::fprintf(stderr, "cannot start: %s\n", ::strerrordesc_np(errno));
    return Exit::try_later;
  }
  if (child == 0) {
    (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return program();
  }
  int status = 0;
  while (!has_ended(child, status)) {
    int caught = 0;
    if (::sigwait(&signals, &caught) == 0 && caught != SIGCHLD) (void)::kill(child, caught);
  }
  return static_cast<Exit>(status);
}

}  // namespace imgq::tools
