#ifndef IMGQ_SRC_WEB_SITE_H_
#define IMGQ_SRC_WEB_SITE_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spool/spool.h"
#include "src/base/config.h"
#include "src/web/board.h"
#include "src/web/committer.h"
#include "src/web/intake.h"
#include "src/web/meter.h"

namespace imgq::web {

struct SiteOptions {
  std::string token;               // whoever does not show it is told nothing; empty: no check
  std::vector<std::string> hosts;  // Host names that are answered; empty: any
  int64_t max_body_bytes = int64_t{256} << 20;
  int64_t max_waiting = 100'000;  // jobs; more are answered with 429
  int max_held = 64;              // event streams, and as many long polls
};

// What the routes work on. Outlives the server; all of it may be used from many threads.
struct Site {
  const Spool& spool;
  const Config& config;
  SiteOptions options;
  Committer& committer;
  Board& board;
  Meter& meter;
  std::atomic<int> streams{0}, long_polls{0};  // replies that are held open
};

// How many replies are held open; a Turn is one of them as long as it lives.
class Turn {
 public:
  // Nothing when `most` are held already.
  static std::optional<Turn> take(std::atomic<int>& count, int most) {
    if (++count <= most) return Turn(&count);
    --count;
    return std::nullopt;
  }
  Turn(Turn&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Turn& operator=(Turn&&) = delete;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (count_ != nullptr) --*count_;
  }

 private:
  explicit Turn(std::atomic<int>* count) : count_(count) {}
  std::atomic<int>* count_;
};

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_SITE_H_
