#include "src/supervise/awaited_jobs.h"

#include <algorithm>
#include <utility>

namespace imgq::supervise {
namespace {

constexpr size_t kMostAsked = 1000;
constexpr int64_t kAgainMs = 5000;
constexpr int64_t kEndedBadlyAgainMs = 60'000;  // it may be tried again by hand

}  // namespace

std::vector<JobId> AwaitedJobs::to_ask(int64_t now_ms) {
  std::vector<JobId> jobs;
  auto at = asked_ ? jobs_.upper_bound(*asked_) : jobs_.begin();
  for (size_t steps = std::min(kMostAsked, jobs_.size()); steps > 0; --steps, ++at) {
    if (at == jobs_.end()) at = jobs_.begin();
    asked_ = at->first;
    if (at->second.again_ms <= now_ms) jobs.push_back(at->first);
  }
  return jobs;
}

std::vector<AwaitedFile> AwaitedJobs::take(size_t most) {
  std::vector<AwaitedFile> files;
  while (!ended_.empty() && files.size() < most) {
    const auto job = jobs_.find(ended_.extract(ended_.begin()).value());
    if (job != jobs_.end()) files.push_back(job->second.file);
  }
  return files;
}

bool AwaitedJobs::became(const FinishedFile& file, int64_t now_ms) {
  const auto at = jobs_.find(file.job);
  if (at == jobs_.end()) return false;
  switch (file.fate) {
    case FinishedFile::Fate::done:
    case FinishedFile::Fate::forgotten:
      jobs_.erase(at);
      return true;
    case FinishedFile::Fate::waiting:
    case FinishedFile::Fate::later:
      at->second.again_ms = now_ms + kAgainMs;
      break;
    case FinishedFile::Fate::ended_badly:
      at->second.again_ms = now_ms + kEndedBadlyAgainMs;
      break;
  }
  return std::exchange(at->second.said, file.why) != file.why;
}

}  // namespace imgq::supervise
