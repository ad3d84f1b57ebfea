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
using IsUnwanted = std::function<bool(const Part& part, const std::string& name)>;

Status remove_results(const Spool& spool, const std::string& folder, const IsUnwanted& unwanted) {
  std::vector<std::string> names;
  const auto listed = each_name(spool.root(), folder, [&](std::string_view name) {
    const auto part = layout::parse_part(name);
    if (part && part->kind == Part::Kind::result && unwanted(*part, std::string(name))) {
      names.emplace_back(name);
    }
    return true;
  });
  if (!listed && listed.error().code != ENOENT) return listed.error();
  for (const std::string& name : names) {
    if (const auto gone = durable::remove(spool, folder + "/" + name); !gone) return gone.error();
  }
  return Ok{};
}

// A failed outcome may have been put aside meanwhile: attempts after it are no business of its own.
bool is_superfluous(const Outcome& outcome, const Part& part, const std::string& name) {
  if (outcome.ending == Ending::failed && part.attempt > outcome.attempt) return false;
  return std::none_of(outcome.results.begin(), outcome.results.end(),
                      [&name](const ResultFile& result) { return result.file == name; });
}

using Outcomes = std::map<JobId, const Outcome*>;

Status remove_superfluous(const Spool& spool, const std::string& folder, const Outcomes& jobs) {
  return remove_results(spool, folder, [&jobs](const Part& part, const std::string& name) {
    const auto job = jobs.find(part.id);
    return job != jobs.end() && is_superfluous(*job->second, part, name);
  });
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
