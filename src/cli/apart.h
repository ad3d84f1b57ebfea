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

// How a command is given up, told on another thread than its own.
using GiveUp = std::function<void(const std::string& why)>;

// Runs the command in a child, with the signals and the end that it would have here. A child that
// gives up is killed; one that the kernel keeps is left behind, and holds no output open. Where no
// child can be started it runs here, and waits.
//   exit  the command's; try_later, which is told, when it was given up
Exit run_apart(const GiveUp& tell, const std::function<Exit()>& command);

// How long it waits for a single call of the file system, from now on; 0, as at first: for ever.
void set_io_timeout(std::chrono::seconds timeout);

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
