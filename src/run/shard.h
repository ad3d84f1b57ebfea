#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/util/error.h"

// The part of all images that one of several runs makes, side by side into one output directory.
namespace imgq::cli {

struct Shard {
  int64_t index = 0, count = 0;  // count 0: all images, of a run by itself

  bool is_all() const { return count == 0; }
  std::string name() const;  // "3-of-8"; empty: of a run by itself

  // Whether an image is made here: SHA-256 of its path below the given directory or root, the first
  // 8 bytes, most significant first, modulo count, is the index.
  bool has(std::string_view path) const;
};

// "3/8"; "slurm": the task of a job array, as SLURM_ARRAY_TASK_ID, _MIN, _MAX and _STEP have it;
// "k8s/8": of an indexed Job of eight, as JOB_COMPLETION_INDEX has it. Empty: all.
//   errors  EINVAL the action says all
Result<Shard> parse_shard(const std::string& text);

}  // namespace imgq::cli
