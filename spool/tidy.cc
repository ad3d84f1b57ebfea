#include "spool/tidy.h"

#include <functional>
#include <map>
#include <string>

#include "spool/durable.h"
#include "spool/layout.h"
#include "spool/walk.h"

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

}  // namespace

Status remove_other_results(const Spool& spool, const std::vector<Outcome>& ended) {
  std::map<std::string, std::map<JobId, std::set<std::string>>> named;  // by hour folder
  for (const Outcome& outcome : ended) {
    if (outcome.attempt < 2) continue;
    auto& files = named[layout::hour_folder(outcome.id)][outcome.id];
    for (const ResultFile& result : outcome.results) files.insert(result.file);
  }
  for (const auto& [folder, jobs] : named) {
    const auto done =
        remove_results(spool, folder, [&jobs = jobs](const Part& part, const std::string& name) {
          const auto job = jobs.find(part.id);
          return job != jobs.end() && job->second.count(name) == 0;
        });
    if (!done) return done.error();
  }
  return Ok{};
}

Status remove_results_of(const Spool& spool, const std::set<Token>& attempts) {
  std::set<std::string> folders;
  for (const Token& token : attempts) folders.insert(layout::hour_folder(token.id));
  for (const std::string& folder : folders) {
    const auto done =
        remove_results(spool, folder, [&attempts](const Part& part, const std::string&) {
          return attempts.count({part.id, part.attempt}) > 0;
        });
    if (!done) return done.error();
  }
  return Ok{};
}

}  // namespace imgq
