#include "src/supervise/left_out.h"

namespace imgq::supervise {
namespace {

constexpr int64_t kMayChangeMs = 60'000;

}  // namespace

std::vector<LeftOut> LeftOutNames::to_tell(const std::vector<LeftOut>& found, int64_t now_ms) {
  ++looks_;
  std::vector<LeftOut> tell;
  for (const LeftOut& one : found) {
    Name& name = names_.try_emplace(one.name, Name{now_ms}).first->second;
    name.look = looks_;
    const bool waits = one.may_change && now_ms - name.since_ms < kMayChangeMs;
    if (waits || name.told == one.why) continue;
    name.told = one.why;
    tell.push_back(one);
  }
  std::erase_if(names_, [this](const auto& entry) { return entry.second.look < looks_; });
  return tell;
}

}  // namespace imgq::supervise
