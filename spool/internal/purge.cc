#include "spool/internal/purge.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "spool/internal/durable.h"
#include "spool/internal/keys.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"

namespace imgq {
namespace {

using layout::Part;

size_t hash_of(const JobId& id) { return std::hash<std::string>()(id.text()); }

// The hashes of ids that have an outcome and no ticket. An hour may hold a million jobs: of each no
// more than this is kept.
Result<std::vector<size_t>> without_ticket(const Spool& spool, const std::string& folder) {
  std::vector<size_t> tickets, outcomes, suspects;
  const auto read = each_part(spool, folder, [&](const Part& part, std::string_view) {
    if (part.kind == Part::Kind::ticket) tickets.push_back(hash_of(part.id));
    if (part.kind == Part::Kind::outcome) outcomes.push_back(hash_of(part.id));
  });
  if (!read) return read.error();
  std::sort(tickets.begin(), tickets.end());
  std::sort(outcomes.begin(), outcomes.end());
  std::set_difference(outcomes.begin(), outcomes.end(), tickets.begin(), tickets.end(),
                      std::back_inserter(suspects));
  return suspects;
}

struct Remains {
  bool outcome = false;
  std::vector<std::string> others = {};  // names
};

Result<std::map<JobId, Remains>> remains_of(const Spool& spool, const std::string& folder,
                                            const std::vector<size_t>& suspects) {
  std::map<JobId, Remains> all;
  const auto read = each_part(spool, folder, [&](const Part& part, std::string_view name) {
    if (!std::binary_search(suspects.begin(), suspects.end(), hash_of(part.id))) return;
    if (layout::hour_folder(part.id) != folder) return;  // a stranger
    Remains& job = all[part.id];
    if (part.kind == Part::Kind::outcome) job.outcome = true;
    if (part.kind != Part::Kind::outcome) job.others.emplace_back(name);
  });
  if (!read) return read.error();
  return all;
}

// What is made while a folder is read may be missed: the ticket of a job that was submitted and
// ended meanwhile. Its outcome was seen, so it is there by now, unless it was purged.
Status remove_remains(const Spool& spool, const std::string& folder, const JobId& id,
                      const Remains& job) {
  if (!job.outcome) return Ok{};
  const auto stands = durable::exists(spool, layout::ticket(id));
  if (!stands) return stands.error();
  if (*stands) return Ok{};
  for (const std::string& name : job.others) {
    if (const auto gone = durable::remove(spool, folder + "/" + name); !gone) return gone.error();
  }
  return durable::remove(spool, layout::outcome(id));
}

Status finish_purges(const Spool& spool, const std::string& folder) {
  const auto suspects = without_ticket(spool, folder);
  if (!suspects) return suspects.error();
  if (suspects->empty()) return Ok{};
  const auto remains = remains_of(spool, folder, *suspects);
  if (!remains) return remains.error();
  for (const auto& [id, job] : *remains) {
    if (const auto gone = remove_remains(spool, folder, id, job); !gone) return gone.error();
  }
  return Ok{};
}

// A token that came back after a power cut would be taken for the rest of the job.
std::set<std::string> token_folders(const std::vector<Purgeable>& jobs) {
  std::set<std::string> folders;
  for (const Purgeable& job : jobs) {
    folders.insert(layout::folder_of(layout::ended(job.ending, job.id)));
  }
  return folders;
}

Status sync_if_any(const Spool& spool, const std::string& folder) {
  auto synced = durable::sync_names(spool, folder);
  return !synced && synced.error().code == ENOENT ? Status(Ok{}) : synced;
}

}  // namespace

Status purge_parts(const Spool& spool, const std::string& hour_folder,
                   const std::vector<Purgeable>& jobs) {
  for (const Purgeable& job : jobs) {
    if (!job.key.empty()) {
      const auto gone = drop_key(spool, key_path(job.key), job.id, KeyOf::any_job);
      if (!gone) return gone.error();
    }
    // A repair that ran meanwhile may have made the token anew; without the ticket it cannot.
    for (const auto& path :
         {layout::hook(job.id), layout::ticket(job.id), layout::ended(job.ending, job.id)}) {
      if (const auto gone = durable::remove(spool, path); !gone) return gone.error();
    }
  }
  for (const std::string& folder : token_folders(jobs)) {
    if (const auto synced = sync_if_any(spool, folder); !synced) return synced.error();
  }
  if (const auto synced = sync_if_any(spool, hour_folder); !synced) return synced.error();
  return finish_purges(spool, hour_folder);
}

}  // namespace imgq
