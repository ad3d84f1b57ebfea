#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/supervise/finish_file.h"

namespace imgq::supervise {

// The jobs whose end a hot folder waits for. No I/O; times are of the monotonic clock.
class AwaitedJobs {
 public:
  void add(const AwaitedFile& file) { jobs_.try_emplace(file.job, Job{file}); }

  // It has ended, or may have.
  void ended(const JobId& job) {
    if (jobs_.count(job) > 0) ended_.insert(job);
  }

  // Some of those of which that is to be asked, in turn.
  std::vector<JobId> to_ask(int64_t now_ms);

  // Up to so many that have ended.
  std::vector<AwaitedFile> take(size_t most);
  bool has_ended_ones() const { return !ended_.empty(); }

  // Whether that is worth a line in the log: not what was said of this file before.
  bool became(const FinishedFile& file, int64_t now_ms);

 private:
  struct Job {
    AwaitedFile file;
    int64_t again_ms = 0;
    std::string said = {};
  };
  std::map<JobId, Job> jobs_;
  std::set<JobId> ended_;
  std::optional<JobId> asked_;  // up to this one
};

}  // namespace imgq::supervise
