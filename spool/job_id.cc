#include "spool/job_id.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>

#include "spool/internal/walk.h"
#include "src/util/clock.h"
#include "src/util/hex.h"
#include "src/util/random.h"

namespace imgq {
namespace {

constexpr size_t kTextLength = 36;
constexpr int64_t kLastMs = 253'402'300'799'999;  // 9999-12-31: a day has ten characters
constexpr uint64_t kMaxAheadMs = 3'600'000;
constexpr uint64_t kTailMask = (uint64_t{1} << 62) - 1;
constexpr uint64_t kHeadMask = (uint64_t{1} << 12) - 1;

// The parts of a UUIDv7 that vary: 48 bits of time, 12 and 62 random ones.
struct Parts {
  uint64_t ms = 0, head = 0, tail = 0;
  friend auto operator<=>(const Parts&, const Parts&) = default;
};

uint64_t clock_ms() {
  return static_cast<uint64_t>(std::min(std::max<int64_t>(now_ms(), 0), kLastMs));
}

// The last id, made greater by a random step: still unguessable, and in order.
Parts after(Parts last, uint64_t step) {
  last.tail += (step & 0xffffffff) + 1;
  last.head += last.tail >> 62;
  last.tail &= kTailMask;
  last.ms += last.head >> 12;
  last.head &= kHeadMask;
  return last;
}

Parts next_parts() {
  static std::mutex mutex;
  static Parts last;
  const auto [first, second] = random_words();
  const Parts fresh = {clock_ms(), first & kHeadMask, second & kTailMask};
  const std::lock_guard lock(mutex);
  // A clock that was far ahead and is set right is followed: else all ids of a long-lived program
  // would lie in one hour, which is not over for years.
  const bool follow = fresh.ms > last.ms || last.ms - fresh.ms > kMaxAheadMs;
  last = follow ? fresh : after(last, first >> 12);
  return last;
}

std::string text_of(const Parts& parts) {
  char text[64];
  (void)std::snprintf(text, sizeof text, "%08llx-%04llx-7%03llx-%04llx-%012llx",  // always fits
                      static_cast<unsigned long long>(parts.ms >> 16),
                      static_cast<unsigned long long>(parts.ms & 0xffff),
                      static_cast<unsigned long long>(parts.head),
                      static_cast<unsigned long long>(0x8000 | (parts.tail >> 48)),
                      static_cast<unsigned long long>(parts.tail & 0xffff'ffff'ffff));
  return text;
}

int64_t time_in(std::string_view text) {
  int64_t ms = 0;
  for (const size_t at : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 9u, 10u, 11u, 12u}) {
    ms = ms << 4 | hex_digit(text[at]);
  }
  return ms;
}

bool is_job_id(std::string_view text) {
  if (text.size() != kTextLength) return false;
  for (size_t at = 0; at < kTextLength; ++at) {
    const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
    const bool capital = text[at] >= 'A' && text[at] <= 'F';
    if (dash ? text[at] != '-' : capital || hex_digit(text[at]) < 0) return false;
  }
  const char variant = text[19];
  return text[14] == '7' &&
         (variant == '8' || variant == '9' || variant == 'a' || variant == 'b') &&
         time_in(text) <= kLastMs;
}

// Text fit to show: what is not printable ASCII as \xNN, at most 40 bytes of it.
std::string shown(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, 40)) {
    const auto byte = static_cast<unsigned char>(c);
    char escape[8];
    (void)std::snprintf(escape, sizeof escape, "\\x%02x", byte);  // always fits
    line += byte >= 0x20 && byte < 0x7f && c != '\\' ? std::string(1, c) : escape;
  }
  return text.size() > 40 ? line + "..." : line;
}

}  // namespace

JobId JobId::generate() { return JobId(text_of(next_parts())); }

Result<JobId> JobId::parse(std::string_view text) {
  if (!is_job_id(text)) return bad_data("not a job id", shown(text));
  return JobId(std::string(text));
}

int64_t JobId::unix_ms() const { return time_in(text_); }

std::string JobId::folder() const { return hour_at(unix_ms()); }

}  // namespace imgq
