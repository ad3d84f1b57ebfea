#include "src/supervise/memory_share.h"

#include <algorithm>

namespace imgq::supervise {
namespace {

constexpr int64_t kDaemonBytes = 32LL << 20;  // the daemon itself
constexpr int64_t kWorkerBytes = 64LL << 20;  // one worker with an ordinary photograph

}  // namespace

// With n workers and a share of 1/(n + 1) for each, the heavy one has two of them.
MemoryShare share_memory(const Config& config, std::optional<int64_t> room, int processors) {
  MemoryShare share{config.workers > 0 ? config.workers : processors, config.limits};
  if (!room) return share;
  const int64_t bytes = std::max(*room - kDaemonBytes, kWorkerBytes);
  if (config.workers == 0) {
    const int64_t fed = std::max<int64_t>(bytes / kWorkerBytes, 1);
    share.workers = static_cast<int>(std::min<int64_t>(share.workers, fed));
  }
  Limits& limits = share.limits;
  limits.heavy_bytes = std::min(limits.heavy_bytes, bytes / (share.workers + 1));
  limits.alone_bytes = bytes - (share.workers - 1) * limits.heavy_bytes;
  return share;
}

}  // namespace imgq::supervise
