#include "spool/internal/outcome.h"

#include "spool/internal/folders.h"
#include "spool/internal/tickets.h"
#include "spool/layout.h"
#include "src/util/clock.h"
#include "src/util/mutant.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

// After a link whose answer was lost or refused: is the outcome there, and is it ours?
Result<Ended> look_who_ended(const Spool& spool, const Outcome& mine, const Error& why) {
  const auto there = read_outcome(spool, mine.id);
  if (!there) return there.error();
  if (!*there) return why;
  const Outcome& found = **there;
  const bool ours =
      found.owner == mine.owner && found.attempt == mine.attempt && found.ending == mine.ending;
  return Ended{ours, found};
}

durable::Given link_outcome(const Spool& spool, const std::string& from, const std::string& to) {
  const bool replaces = mutated(Mutant::outcome_by_rename);
  return durable::give_name(spool, replaces ? durable::Naming::move : durable::Naming::link, from,
                            to);
}

// A spool of an older version gets its folder now. Without a ticket there is no job to tell of.
Status link_mark(const Spool& spool, const JobId& id) {
  const std::string from = layout::ticket(id), to = layout::hook(id);
  const int done = sys::linkat(spool.root(), from.c_str(), spool.root(), to.c_str());
  if (done == 0 || errno == EEXIST) return Ok{};
  if (errno != ENOENT) return last_error("owe a hook", to);
  if (const auto made = durable::make_folder(spool, layout::kHooks); !made) return made.error();
  if (const auto synced = durable::sync_names(spool, "."); !synced) return synced.error();
  auto linked = durable::link_unless_taken(spool, from, to, "owe a hook");
  return !linked && linked.error().code == ENOENT ? Status(Ok{}) : linked;
}

// The record in tmp/ and the mark, both on the disk.
Result<TempFile> write_record(const Spool& spool, const Outcome& outcome, Sync sync) {
  const auto text = encode_checked(outcome);
  if (!text) return text.error();
  auto record = durable::write_temp(spool, *text);
  if (!record) return record;
  durable::Group group(spool, sync);
  if (!mutated(Mutant::skip_outcome_fsync)) group.file(*record);
  if (const auto owed = owe_hook(spool, outcome.id, group); !owed) return owed.error();
  const auto synced = group.flush();
  return synced ? std::move(record) : synced.error();
}

}  // namespace

Status owe_hook(const Spool& spool, const JobId& id, durable::Group& group) {
  if (!spool.owes_hooks() || mutated(Mutant::forget_hook)) return Ok{};
  if (const auto linked = link_mark(spool, id); !linked) return linked.error();
  if (!mutated(Mutant::skip_hook_fsync)) group.folder(layout::kHooks);
  return Ok{};
}

Result<std::optional<Outcome>> read_outcome(const Spool& spool, const JobId& id) {
  auto outcome = read_record(spool, layout::outcome(id), id, decode_outcome);
  if (!outcome && outcome.error().code == ENOENT) return std::optional<Outcome>();
  if (!outcome) return outcome.error();
  return std::optional(std::move(*outcome));
}

Outcome ending_now(const Token& token, Ending ending, std::string owner, Cause cause) {
  const int64_t now = now_ms();
  return {token.id, ending, token.attempt, now, now, std::move(owner), std::move(cause)};
}

Result<Ended> commit(const Spool& spool, const TempFile& record, const Outcome& outcome) {
  const std::string path = layout::outcome(outcome.id);
  const int code = link_outcome(spool, record.path(), path).code;
  if (code == 0) return Ended{true, outcome};
  const Error why = last_error("publish an outcome", path, code);
  auto looked = look_who_ended(spool, outcome, why);
  if (looked || looked.error().code == why.code || looked.error().code == 0) return looked;
  return Error{EIO, "know whether an outcome was published", path};  // ambiguous
}

Result<Ended> publish(const Spool& spool, const Outcome& outcome, Sync sync) {
  auto record = write_record(spool, outcome, sync);
  if (!record) return record.error();
  auto ended = commit(spool, *record, outcome);
  const bool stands = ended ? ended->ours : is_ambiguous(ended.error());
  if (ended && !mutated(Mutant::skip_hour_folder_fsync)) {
    const auto synced = durable::sync_folders(spool, sync, {layout::hour_folder(outcome.id)});
    if (!synced) ended = synced.error();
  }
  // An outcome that may not be on the disk keeps its name in tmp/, which tells readers so.
  if (!ended && stands) record->given_away();
  return ended;
}

Status put_outcome_back(const Spool& spool, const JobId& id, const std::string& path) {
  const std::string right = layout::outcome(id);
  if (sys::linkat(spool.root(), path.c_str(), spool.root(), right.c_str()) == 0) {
    if (const auto gone = durable::remove(spool, path); !gone) return gone.error();
  } else if (errno != EEXIST) {
    return last_error("put the outcome back", right);
  }
  return durable::sync_names(spool, layout::hour_folder(id));
}

}  // namespace imgq
