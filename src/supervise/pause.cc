#include "src/supervise/pause.h"

#include <algorithm>

namespace imgq::supervise {
namespace {
constexpr int64_t kFirstMs = 1'000;
constexpr int64_t kLongestMs = 30'000;
}  // namespace

bool Pause::trouble(const std::string& cause, int64_t now_ms) {
  const bool fresh = !on() || cause != cause_;
  cause_ = cause;
  if (on() && now_ms < until_ms_) return fresh;  // of the same wave
  wait_ms_ = on() ? std::min(wait_ms_ * 2, kLongestMs) : kFirstMs;
  until_ms_ = now_ms + wait_ms_;
  ++waves_;
  return fresh;
}

bool Pause::well() {
  if (!on()) return false;
  wait_ms_ = 0;
  waves_ = 0;
  cause_.clear();
  return true;
}

Pause::Allowed Pause::allowed(int64_t now_ms) const {
  if (!on()) return Allowed::all;
  return now_ms < until_ms_ ? Allowed::none : Allowed::one;
}

}  // namespace imgq::supervise
