#include "src/util/unanswered.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace imgq {
namespace {

// By the tick, a few milliseconds: it is asked at every call.
int64_t now_ms() {
  struct timespec now = {};
  (void)::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // cannot fail
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

// What one thread waits for. Written by that thread alone.
struct Place {
  std::atomic<const char*> call{nullptr};  // nullptr: nothing
  std::atomic<int64_t> since_ms{0};
};

struct Places {
  std::mutex mutex;
  std::vector<const Place*> all;
};

Places& places() {
  static auto* all = new Places;  // for ever: threads may outlive what is static
  return *all;
}

// The place of a thread, from its first call to its end.
class OwnPlace {
 public:
  OwnPlace() {
    const std::lock_guard lock(places().mutex);
    places().all.push_back(&place_);
  }
  OwnPlace(const OwnPlace&) = delete;
  OwnPlace& operator=(const OwnPlace&) = delete;
  ~OwnPlace() {
    const std::lock_guard lock(places().mutex);
    std::erase(places().all, &place_);
  }
  Place& place() { return place_; }

 private:
  Place place_;
};

Place& own_place() {
  thread_local OwnPlace own;
  return own.place();
}

}  // namespace

Asking::Asking(const char* call) noexcept {
  Place& place = own_place();
  place.since_ms.store(now_ms(), std::memory_order_relaxed);
  place.call.store(call, std::memory_order_release);
}

Asking::~Asking() { own_place().call.store(nullptr, std::memory_order_release); }

std::optional<Unanswered> longest_unanswered() {
  std::optional<Unanswered> longest;
  const int64_t now = now_ms();
  const std::lock_guard lock(places().mutex);
  for (const Place* place : places().all) {
    const char* call = place->call.load(std::memory_order_acquire);
    if (call == nullptr) continue;
    const int64_t since = place->since_ms.load(std::memory_order_relaxed);
    if (longest && longest->since_ms <= since) continue;
    longest = Unanswered{call, since, std::max<int64_t>(0, now - since)};
  }
  return longest;
}

std::optional<Unanswered> HangWatch::look(int64_t ms) {
  auto longest = longest_unanswered();
  if (longest && longest->for_ms < ms) longest.reset();
  const int64_t before = std::exchange(since_ms_, longest ? longest->since_ms : -1);
  return before == since_ms_ ? longest : std::nullopt;
}

}  // namespace imgq
