#include "spool/internal/tidy.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include "spool/internal/durable.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"

namespace imgq {
namespace {

using layout::Part;
// A failed outcome may have been put aside meanwhile: attempts after it are no business of its own.
bool is_superfluous(const Outcome& outcome, const Part& part, std::string_view name) {
  if (part.kind != Part::Kind::result) return false;
  if (outcome.ending == Ending::failed && part.attempt > outcome.attempt) return false;
  return std::none_of(outcome.results.begin(), outcome.results.end(),
                      [name](const ResultFile& result) { return result.file == name; });
}

using Outcomes = std::map<JobId, const Outcome*>;

Status remove_superfluous(const Spool& spool, const std::string& folder, const Outcomes& jobs) {
  std::vector<std::string> names;
  const auto listed = each_part(spool, folder, [&](const Part& part, std::string_view name) {
    const auto job = jobs.find(part.id);
    if (job != jobs.end() && is_superfluous(*job->second, part, name)) names.emplace_back(name);
  });
  if (!listed) return listed.error();
  for (const std::string& name : names) {
    if (const auto gone = durable::remove(spool, folder + "/" + name); !gone) return gone.error();
  }
  return Ok{};
}

}  // namespace

Status remove_other_results(const Spool& spool, const std::vector<Outcome>& ended) {
  std::map<std::string, Outcomes> by_folder;
  for (const Outcome& outcome : ended) {
    if (outcome.attempt > 1) by_folder[layout::hour_folder(outcome.id)][outcome.id] = &outcome;
  }
  for (const auto& [folder, jobs] : by_folder) {
    if (const auto done = remove_superfluous(spool, folder, jobs); !done) return done.error();
  }
  return Ok{};
}

Status remove_results_of_the_dead(const Spool& spool, const Outcome& outcome) {
  return remove_superfluous(spool, layout::hour_folder(outcome.id), {{outcome.id, &outcome}});
}

}  // namespace imgq
