#pragma once

#include <time.h>

#include <cstdint>

// The time. What must not jump is asked of sys::monotonic_ms.
namespace imgq {

// Unix time in milliseconds, by the clock that people set.
int64_t now_ms();

inline int64_t ms_of(const timespec& time) {
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}
inline int64_t ns_of(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace imgq
