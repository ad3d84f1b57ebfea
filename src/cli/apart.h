#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "src/base/exit_code.h"

// A command that uses a spool does so in a process of its own: when a file system does not answer,
// the kernel may keep that process for ever, but not whoever called the command.
namespace imgq::cli {

struct Patience {
  std::chrono::seconds io_timeout{60};  // for a single call of the file system; 0: for ever
  std::string advice;                   // what to do then
  std::function<void(const std::string& message)> tell;  // on another thread than the command's
};

// Runs the command in a child, with the signals and the end that it would have here. A child that
// gives up is killed; one that the kernel keeps is left behind. Where no child can be started, or
// for a time-out of 0, it runs here, and waits.
//   exit  the command's; try_later, which is told, when it was given up
Exit run_apart(const Patience& patience, const std::function<Exit()>& command);

using Timeout = std::optional<std::chrono::seconds>;  // nothing: for ever

// From now on for so long. As long as it lives a command that has not ended soon after is given up.
// One at a time.
class Deadline {
 public:
  explicit Deadline(Timeout timeout);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline();

  int64_t left_ms() const;  // 0 or less: it is over

 private:
  const int64_t at_ms_;  // of the monotonic clock
};

// Called when the command is given up, on another thread than its own: who drew a screen gives it
// back. nullptr: nothing is to be done.
void when_given_up(void (*farewell)());

}  // namespace imgq::cli
