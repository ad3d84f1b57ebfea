#include "spool/purge.h"

#include <set>

#include "spool/durable.h"
#include "spool/keys.h"
#include "spool/layout.h"
#include "spool/walk.h"

namespace imgq {
namespace {

using layout::Part;

struct Contents {
  std::set<std::string> tickets, outcomes;  // ids
  std::vector<std::pair<Part, std::string>> parts;
};

Result<Contents> read_folder(const Spool& spool, const std::string& folder) {
  Contents contents;
  const auto listed = each_name(spool.root(), folder, [&contents](std::string_view name) {
    auto part = layout::parse_part(name);
    if (!part) return true;
    if (part->kind == Part::Kind::ticket) contents.tickets.insert(part->id.text());
    if (part->kind == Part::Kind::outcome) contents.outcomes.insert(part->id.text());
    contents.parts.emplace_back(std::move(*part), std::string(name));
    return true;
  });
  if (!listed && listed.error().code != ENOENT) return listed.error();
  return contents;
}

Status remove_parts(const Spool& spool, const std::string& folder, const Contents& contents,
                    bool outcomes) {
  for (const auto& [part, name] : contents.parts) {
    const std::string& id = part.id.text();
    if (contents.tickets.count(id) > 0 || contents.outcomes.count(id) == 0) continue;
    if ((part.kind == Part::Kind::outcome) != outcomes) continue;
    if (const auto gone = durable::remove(spool, folder + "/" + name); !gone) return gone.error();
  }
  return Ok{};
}

}  // namespace

Status purge_parts(const Spool& spool, const std::string& hour_folder,
                   const std::vector<Purgeable>& jobs) {
  for (const Purgeable& job : jobs) {
    if (!job.key.empty()) {
      if (const auto gone = drop_key(spool, key_path(job.key), job.id); !gone) return gone.error();
    }
    if (const auto gone = durable::remove(spool, layout::ticket(job.id)); !gone) {
      return gone.error();
    }
  }
  durable::Group group(spool, Sync::batch);
  group.folder(hour_folder);
  const auto synced = group.flush();
  if (!synced) return synced.error().code == ENOENT ? Status(Ok{}) : Status(synced.error());
  const auto contents = read_folder(spool, hour_folder);
  if (!contents) return contents.error();
  if (const auto gone = remove_parts(spool, hour_folder, *contents, false); !gone) {
    return gone.error();
  }
  return remove_parts(spool, hour_folder, *contents, true);
}

}  // namespace imgq
