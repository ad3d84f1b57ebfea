#include "src/run/shard.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "src/cli/session.h"
#include "src/util/digest.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::cli {
namespace {

constexpr int64_t kMostShards = 1'000'000;
constexpr int64_t kMostTasks = 1'000'000'000;

// A whole number of the environment.
Result<int64_t> variable(const char* name, std::optional<int64_t> missing = {}) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set here
  if (value == nullptr && missing) return *missing;
  if (value == nullptr) return usage_error(fmt::format("--shard: {} is not set", name));
  const auto number = parse_count(value, 0, kMostTasks);
  if (number) return *number;
  return usage_error(
      fmt::format("--shard: {} is {}, no whole number", name, printable(shortened(value, 40))));
}

Result<Shard> checked(Shard shard) {
  if (shard.count >= 1 && shard.count <= kMostShards && shard.index < shard.count) return shard;
  return usage_error(fmt::format("--shard: {} of {} is no part: they are counted from 0",
                                 shard.index, shard.count));
}

// An array of single numbers (--array=1,3,7) leaves gaps, whose images nobody would make.
Result<Shard> of_slurm() {
  const auto task = variable("SLURM_ARRAY_TASK_ID");
  const auto least = variable("SLURM_ARRAY_TASK_MIN"), most = variable("SLURM_ARRAY_TASK_MAX");
  const auto step = variable("SLURM_ARRAY_TASK_STEP", 1);
  for (const auto& one : {task, least, most, step}) {
    if (!one) return one.error();
  }
  if (*step < 1 || *task < *least || *task > *most || (*task - *least) % *step != 0) {
    return usage_error("--shard slurm: the task is none of its array");
  }
  const Shard shard{(*task - *least) / *step, (*most - *least) / *step + 1};
  const auto tasks = variable("SLURM_ARRAY_TASK_COUNT", shard.count);
  if (!tasks) return tasks.error();
  if (*tasks != shard.count) {
    return usage_error(fmt::format("--shard slurm: the array has {} tasks of {}: give it no gaps",
                                   *tasks, shard.count));
  }
  return checked(shard);
}

}  // namespace

std::string Shard::name() const { return is_all() ? "" : fmt::format("{}-of-{}", index, count); }

bool Shard::has(std::string_view path) const {
  if (is_all()) return true;
  uint64_t number = 0;
  const std::string digest = sha256_hex(path);
  (void)std::from_chars(digest.data(), digest.data() + 16, number, 16);  // 16 digits: no failure
  return number % static_cast<uint64_t>(count) == static_cast<uint64_t>(index);
}

Result<Shard> parse_shard(const std::string& text) {
  if (text.empty()) return Shard();
  if (text == "slurm") return of_slurm();
  const size_t slash = text.find('/');
  const std::string first = text.substr(0, slash);
  const auto count = slash == std::string::npos
                         ? Result<int64_t>(Error{EINVAL, "", ""})
                         : parse_count(text.substr(slash + 1), 1, kMostShards);
  const auto index =
      first == "k8s" ? variable("JOB_COMPLETION_INDEX") : parse_count(first, 0, kMostShards);
  if (count && index) return checked({*index, *count});
  if (count && first == "k8s") return index.error();
  return usage_error(
      fmt::format("--shard: '{}' is not I/N, slurm or k8s/N", printable(shortened(text, 40))));
}

}  // namespace imgq::cli
