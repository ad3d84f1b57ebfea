#include "spool/internal/tokens.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>

#include "spool/internal/durable.h"
#include "spool/layout.h"
#include "src/util/mutant.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Status rename_token(const Spool& spool, const std::string& from, const std::string& to) {
  if (sys::renameat(spool.root(), from.c_str(), spool.root(), to.c_str()) == 0) return Ok{};
  return last_error("move to " + folder_of(to), from);
}

// A record whose id is not that of its name was put there by somebody else.
template <class Record>
Result<Record> of_job(Result<Record> record, const JobId& id, const std::string& path) {
  if (record && record->id != id) return bad_data("record is another job's", path);
  return record;
}

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

int link_outcome(const Spool& spool, const std::string& from, const std::string& to) {
  if (mutated(Mutant::outcome_by_rename)) {
    return sys::renameat(spool.root(), from.c_str(), spool.root(), to.c_str());
  }
  return sys::linkat(spool.root(), from.c_str(), spool.root(), to.c_str());
}

void count(Tally& sum, const Try& attempt) {
  switch (attempt.kind) {
    case Try::Kind::counted:
      ++sum.failures;
      if (attempt.cause.signal != 0) ++sum.crashes;
      sum.last = attempt.cause;
      break;
    case Try::Kind::lost:
      ++sum.losses;
      break;
    case Try::Kind::retried:
      sum = {};
      break;
  }
}

}  // namespace

Status move_token(const Spool& spool, const std::string& from, const std::string& to) {
  if (const auto moved = rename_token(spool, from, to); !moved) return moved.error();
  return durable::remove(spool, from);
}

Status move_token_durably(const Spool& spool, const std::string& from, const std::string& to,
                          Sync sync) {
  if (const auto moved = move_token(spool, from, to); !moved) return moved.error();
  durable::Group group(spool, sync);
  group.folder(folder_of(to));
  group.folder(folder_of(from));
  return group.flush();
}

Status make_completed_folder(const Spool& spool, const JobId& id) {
  const std::string day = "completed/" + id.day();
  if (const auto made = durable::make_folder(spool, day); !made) return made.error();
  return durable::make_folder(spool, day + "/" + id.hour());
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

Status settle(const Spool& spool, const std::string& from, const JobId& id, Ending ending) {
  const std::string to = layout::ended(ending, id);
  auto moved = move_token(spool, from, to);
  if (!moved && moved.error().code == ENOENT && ending == Ending::completed) {
    if (const auto made = make_completed_folder(spool, id); !made) return made.error();
    moved = move_token(spool, from, to);
  }
  if (!moved && moved.error().code == ENOENT) return Ok{};
  if (!moved || ending != Ending::failed) return moved;
  const auto token = layout::parse_token(from.substr(from.rfind('/') + 1));
  return token ? follow_retry(spool, *token) : Status(Ok{});
}

Result<std::optional<Outcome>> read_outcome(const Spool& spool, const JobId& id) {
  const std::string path = layout::outcome(id);
  const auto text = durable::read_text(spool, path);
  if (!text && text.error().code == ENOENT) return std::optional<Outcome>();
  if (!text) return text.error();
  auto outcome = of_job(decode_outcome(*text, path), id, path);
  if (!outcome) return outcome.error();
  return std::optional(std::move(*outcome));
}

Result<Ticket> read_ticket(const Spool& spool, const JobId& id) {
  const std::string path = layout::ticket(id);
  const auto text = durable::read_text(spool, path);
  if (!text) return text.error();
  return of_job(decode_ticket(*text, path), id, path);
}

Result<std::vector<Try>> read_tries(const Spool& spool, const JobId& id, int below) {
  std::vector<Try> tries;
  for (int n = 1; n < below; ++n) {
    const std::string path = layout::try_record(id, n);
    const auto text = durable::read_text(spool, path);
    if (!text && text.error().code == ENOENT) continue;
    if (!text && text.error().code != 0) return text.error();
    if (!text) continue;
    auto attempt = of_job(decode_try(*text, path), id, path);
    if (attempt) tries.push_back(std::move(*attempt));
  }
  return tries;
}

Tally tally(const std::vector<Try>& tries) {
  Tally sum;
  for (const Try& attempt : tries) count(sum, attempt);
  return sum;
}

std::optional<Cause> why_not_again(const Tally& sum, int max_attempts) {
  if (sum.losses > kMaxLosses) {
    return Cause{"poison", "the daemons running it died too often", 0};
  }
  if (sum.crashes >= kPoisonCrashes) {
    return Cause{"poison", "killed its workers: " + sum.last.message, sum.last.signal};
  }
  if (sum.failures >= max_attempts) return sum.last;
  return std::nullopt;
}

Result<Ended> commit(const Spool& spool, const TempFile& record, const Outcome& outcome) {
  const std::string path = layout::outcome(outcome.id);
  if (link_outcome(spool, record.path(), path) == 0) return Ended{true, outcome};
  const Error why = last_error("publish an outcome", path);
  auto looked = look_who_ended(spool, outcome, why);
  if (looked || looked.error().code == why.code || looked.error().code == 0) return looked;
  return Error{EIO, "know whether an outcome was published", path};  // ambiguous
}

Result<Ended> publish(const Spool& spool, const Outcome& outcome, Sync sync) {
  const auto text = encode_checked(outcome);
  if (!text) return text.error();
  auto record = durable::write_temp(spool, *text);
  if (!record) return record.error();
  durable::Group group(spool, sync);
  if (!mutated(Mutant::skip_outcome_fsync)) group.file(record->fd(), record->path());
  if (const auto synced = group.flush(); !synced) return synced.error();
  auto ended = commit(spool, *record, outcome);
  const bool stands = ended ? ended->ours : is_ambiguous(ended.error());
  if (ended && !mutated(Mutant::skip_hour_folder_fsync)) {
    group.folder(layout::hour_folder(outcome.id));
    if (const auto synced = group.flush(); !synced) ended = synced.error();
  }
  // An outcome that may not be on the disk keeps its name in tmp/, which tells readers so.
  if (!ended && stands) record->given_away();
  return ended;
}

Result<Fd> lock_job(const Spool& spool, const JobId& id) {
  const std::string path = layout::ticket(id);
  Fd ticket(sys::openat(spool.root(), path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK));
  if (!ticket) return last_error("open the ticket", path);
  if (sys::flock(ticket.get(), LOCK_EX | LOCK_NB) == 0) return ticket;
  if (errno == EWOULDBLOCK) {
    return Error{EAGAIN, "have the job alone: a retry or purge is under way", id.text()};
  }
  return last_error("lock the ticket", path);
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

Status record_try(const Spool& spool, const Try& attempt, Sync sync) {
  if (mutated(Mutant::attempt_not_counted)) return Ok{};
  const auto record = durable::write_temp(spool, encode(attempt));
  if (!record) return record.error();
  durable::Group group(spool, sync);
  group.file(record->fd(), record->path());
  if (const auto synced = group.flush(); !synced) return synced.error();
  const auto named =
      durable::put_new(spool, *record, layout::try_record(attempt.id, attempt.attempt));
  if (!named && named.error().code != EEXIST) return named.error();
  group.folder(layout::hour_folder(attempt.id));
  return group.flush();
}

Status restore_ticket(const Spool& spool, const std::string& token_path, const JobId& id) {
  const auto text = durable::read_text(spool, token_path);
  if (!text) return text.error();
  const auto ticket = of_job(decode_ticket(*text, token_path), id, token_path);
  if (!ticket) return ticket.error();
  if (ticket->source.kind == SourceKind::spooled) {
    const auto source = durable::exists(spool, layout::source(id));
    if (!source) return source.error();
    if (!*source) return bad_data("ticket and source are gone", token_path);
  }
  const std::string path = layout::ticket(id);
  if (sys::linkat(spool.root(), token_path.c_str(), spool.root(), path.c_str()) != 0 &&
      errno != EEXIST) {
    return last_error("restore the ticket", path);
  }
  return durable::sync_names(spool, layout::hour_folder(id));
}

State state_after(Ending ending) {
  switch (ending) {
    case Ending::completed:
      return State::completed;
    case Ending::failed:
      return State::failed;
    case Ending::cancelled:
      return State::cancelled;
  }
  return State::failed;
}

bool has_next(const Token& token) { return token.attempt < kMaxAttemptNumber; }

Token next_of(const Token& token) { return {token.id, token.attempt + 1}; }

}  // namespace imgq
