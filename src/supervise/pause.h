#pragma once

#include <cstdint>
#include <string>

namespace imgq::supervise {

// When the spool takes no changes (full, read-only, out of reach), claims wait: 1 s, 2 s, ... 30 s,
// and then one job at a time tries it out until one was published. Told apart from trouble with
// single jobs by is_pausing and is_ambiguous. Knows no clock: callers pass monotonic milliseconds.
class Pause {
 public:
  // Something was refused. True when this begins a pause, or its cause is another one now: log it.
  bool trouble(const std::string& cause, int64_t now_ms);

  // Something was published. True when this ends a pause: log it.
  bool well();

  bool on() const { return wait_ms_ > 0; }

  // How many jobs may be in hand now: none while waiting, one while trying, else as many as wanted.
  enum class Allowed { none, one, all };
  Allowed allowed(int64_t now_ms) const;

  bool lasting() const { return waves_ > 1; }  // it was tried again, in vain
  const std::string& cause() const { return cause_; }

 private:
  int64_t wait_ms_ = 0;
  int64_t until_ms_ = 0;
  int waves_ = 0;
  std::string cause_;
};

}  // namespace imgq::supervise
