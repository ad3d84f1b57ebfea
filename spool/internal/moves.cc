#include "spool/internal/moves.h"

#include <algorithm>
#include <cerrno>

#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/layout.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/util/sys.h"

namespace imgq {

Status move_token(const Spool& spool, const std::string& from, const std::string& to) {
  const durable::Given given = durable::give_name(spool, durable::Naming::move, from, to);
  if (given.code == 0) return durable::remove(spool, from);
  return last_error("move to " + layout::folder_of(to), from,
                    given.old_stands ? ESTALE : given.code);
}

Status move_token_once(const Spool& spool, const std::string& from, const std::string& to) {
  if (sys::renameat(spool.root(), from.c_str(), spool.root(), to.c_str()) != 0) {
    return last_error("move to " + layout::folder_of(to), from);
  }
  return durable::remove(spool, from);
}

Status remove_token(const Spool& spool, const std::string& path) {
  durable::Patience patience;
  while (sys::unlinkat(spool.root(), path.c_str(), 0) != 0) {
    const Error why = last_error("remove", path);
    if (why.code != ENOENT && why.code != ESTALE) return why;
    const auto stands = durable::exists_anew(spool, path);
    if (!stands) return stands.error();
    if (!*stands) return Error{ENOENT, why.action, path};
    if (!patience.again()) return Error{ESTALE, why.action, path};
  }
  return Ok{};
}

Status move_token_durably(const Spool& spool, const std::string& from, const std::string& to,
                          Sync sync) {
  if (const auto moved = move_token(spool, from, to); !moved) return moved.error();
  return durable::sync_folders(spool, sync, {layout::folder_of(to), layout::folder_of(from)});
}

Status make_completed_folder(const Spool& spool, const JobId& id) {
  const auto made = durable::make_folders(spool, "completed/" + id.folder(), Sync::none);
  return made ? Status(Ok{}) : made.error();
}

Status follow_retry(const Spool& spool, const Token& last) {
  const auto ended = durable::exists(spool, layout::outcome(last.id));
  if (!ended || *ended) return ended ? Status(Ok{}) : ended.error();
  const auto stands = durable::exists(spool, layout::ticket(last.id));  // else it was purged
  if (!stands || !*stands || !has_next(last)) return stands ? Status(Ok{}) : stands.error();
  const auto moved = move_token_durably(spool, layout::ended(Ending::failed, last.id),
                                        layout::staging(next_of(last)), Sync::batch);
  return !moved && moved.error().code == ENOENT ? Status(Ok{}) : moved;
}

Status move_ended(const Spool& spool, const std::string& from, const JobId& id, Ending ending) {
  const std::string to = layout::ended(ending, id);
  auto moved = move_token(spool, from, to);
  if (!moved && moved.error().code == ENOENT) return Ok{};
  if (!moved || ending != Ending::failed) return moved;
  const auto token = layout::parse_token(from.substr(from.rfind('/') + 1));
  return token ? follow_retry(spool, *token) : Status(Ok{});
}

Token fresh_token(const JobId& id, int highest_attempt) {
  return {id, std::clamp(highest_attempt + 1, 2, kMaxAttemptNumber)};
}

bool has_next(const Token& token) { return token.attempt < kMaxAttemptNumber; }

Token next_of(const Token& token) { return {token.id, token.attempt + 1}; }

}  // namespace imgq
