#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/formats.h"
#include "src/util/error.h"

namespace imgq {

// What a worker may be asked to do. All configurable.
struct Limits {
  int64_t max_pixels = 1'000'000'000;
  int max_side_px = 20'000;
  int64_t max_file_bytes = 512LL * 1024 * 1024;
  int max_frames = 1000;           // an animation with more is refused; only the first is decoded
  int max_animation_frames = 200;  // of one that stays an animation; of another the first is taken
  int64_t max_animation_pixels = 100'000'000;  // of all its frames, in the source and in the result
  int max_result_side_px = 8192;
  int64_t memory_bytes =
      768LL * 1024 *
      1024;  // RLIMIT_AS above what the worker has at its start, and the estimate's bound
  int64_t heavy_bytes = 256LL * 1024 * 1024;        // an estimate above this runs one at a time
  int64_t alone_bytes = INT64_MAX;                  // and above this while nothing else does: not
                                                    // configured, src/supervise/memory_share.h
  int wall_seconds = 30;                            // SIGKILL by the supervisor
  int cpu_seconds = 20;                             // RLIMIT_CPU
  int recycle_jobs = 500;                           // a worker is replaced after so many jobs,
  int64_t recycle_rss_bytes = 256LL * 1024 * 1024;  // or once it has grown to this
  OptionalFormats formats;
};

// Images that need much memory run one at a time for a daemon, in the heavy slot; those that need
// more than there is beside others, while nothing else runs.
enum class Slot { normal, heavy, alone };

std::string to_json(const Limits& limits);
Result<Limits> parse_limits(std::string_view json);

}  // namespace imgq
