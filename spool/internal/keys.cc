#include "spool/internal/keys.h"

#include <fcntl.h>
#include <sys/file.h>

#include <set>

#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/internal/locate.h"
#include "spool/internal/tickets.h"
#include "spool/layout.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/util/digest.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr int kLinkRounds = 10;
constexpr std::string_view kCarry = "carry a submission through";

// Keys of one folder are dropped, and used to carry a submission through, by one at a time.
Result<Fd> lock_shard(const Spool& spool, const std::string& shard) {
  Fd folder(sys::openat(spool.root(), shard.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!folder) return last_error("open", shard);
  if (sys::flock(folder.get(), LOCK_EX) != 0) return last_error("lock", shard);
  return folder;
}

Result<bool> leads_to(const Spool& spool, const std::string& path, const JobId& id) {
  const auto text = durable::read_text(spool, path);
  if (!text) return text.error().code == ENOENT ? Result<bool>(false) : text.error();
  const auto ticket = decode_ticket(*text, path);
  return ticket && ticket->id == id;
}

// Gives the ticket behind a key its name, if it is still that job's; false when it is not.
Result<bool> carry_through(const Spool& spool, const std::string& path, const JobId& id) {
  const auto lock = lock_shard(spool, layout::folder_of(path));
  if (!lock) return lock.error();
  auto same = leads_to(spool, path, id);
  if (!same || !*same) return same;
  const auto linked = durable::link_unless_taken(spool, path, layout::ticket(id), kCarry);
  return linked ? Result<bool>(true) : linked.error();
}

// Nobody tells a job of which only part is on the disk: whoever answers it syncs its names first.
Status sync_names(const Spool& spool, const JobId& id, const std::string& path, Sync sync) {
  const std::string hour = layout::hour_folder(id);
  if (const auto made = durable::make_durable_folder(spool, hour, sync); !made) return made.error();
  return durable::sync_folders(spool, sync, {hour, layout::folder_of(path)});
}

// A ticket without a token: its submitter stopped half-way, and whoever answers it finishes.
Status ensure_token(const Spool& spool, const JobId& id, State first, Sync sync) {
  const auto ended = durable::exists(spool, layout::outcome(id));
  if (!ended) return ended.error();
  if (*ended) return Ok{};
  const auto token = locate(spool, id, Search::thorough);
  if (!token) return token.error();
  if (!*token) {
    const std::string made = layout::first_token(id, first);
    const auto linked = durable::link_unless_taken(spool, layout::ticket(id), made, kCarry);
    if (!linked) return linked.error();
  }
  std::set<std::string> folders{"staging"};
  if (first == State::hold || (*token && (*token)->state == State::hold)) folders.insert("hold");
  return durable::sync_folders(spool, sync, folders);
}

enum class Earlier { stands, can_be_finished, is_broken, is_gone };

// Whether the job can run: its source is there, or its outcome, after which the source may go.
Result<bool> is_complete(const Spool& spool, const Ticket& ticket) {
  if (ticket.source.kind == SourceKind::referenced) return true;
  auto source = durable::exists(spool, layout::source(ticket.id));
  if (!source || *source) return source;
  return durable::exists(spool, layout::outcome(ticket.id));
}

Result<Earlier> look_at_earlier(const Spool& spool, const Ticket& ticket) {
  const auto job = durable::exists(spool, layout::ticket(ticket.id));
  if (!job) return job.error();
  if (!*job) {
    // Purged, or submitted and ended since it was missed: whoever drops the key looks once more.
    const auto ended = durable::exists(spool, layout::outcome(ticket.id));
    if (!ended) return ended.error();
    if (*ended) return Earlier::is_gone;
  }
  const auto complete = is_complete(spool, ticket);
  if (!complete) return complete.error();
  // Its submission was cut short, and part of it lost.
  if (!*complete) return *job ? Earlier::is_broken : Earlier::is_gone;
  return *job ? Earlier::stands : Earlier::can_be_finished;
}

// The earlier job when it stands or can be carried through; else the key is free again.
Result<std::optional<JobId>> resolve(const Spool& spool, const Ticket& ticket,
                                     const std::string& path, State first, Sync sync) {
  const auto earlier = look_at_earlier(spool, ticket);
  if (!earlier) return earlier.error();
  if (*earlier == Earlier::is_gone || *earlier == Earlier::is_broken) {
    const KeyOf whose = *earlier == Earlier::is_gone ? KeyOf::no_job : KeyOf::any_job;
    const auto dropped = drop_key(spool, path, ticket.id, whose);
    return dropped ? Result<std::optional<JobId>>(std::nullopt) : dropped.error();
  }
  if (*earlier == Earlier::can_be_finished) {
    const auto carried = carry_through(spool, path, ticket.id);
    if (!carried && carried.error().code != ENOENT) return carried.error();
    if (!carried || !*carried) return std::optional<JobId>();  // look again whose it is
  }
  if (const auto done = sync_names(spool, ticket.id, path, sync); !done) return done.error();
  if (const auto done = ensure_token(spool, ticket.id, first, sync); !done) return done.error();
  return std::optional(ticket.id);
}

// A key that cannot be used any more leaves its place: it is gone already, or no ticket.
Status make_way(const Spool& spool, const std::string& path, const Error& why) {
  if (why.code == ENOENT) return Ok{};
  if (why.code != 0) return why;
  return durable::quarantine(spool, path);
}

}  // namespace

std::string key_path(const std::string& key) { return layout::key(sha256_hex(key)); }

std::string key_folder(const std::string& key) { return layout::key_shard(sha256_hex(key)); }

Result<Ticket> read_key(const Spool& spool, const std::string& path, const std::string& key) {
  auto ticket = read_record(spool, path, decode_ticket);
  if (ticket && ticket->key != key) return bad_data("key leads to a ticket without it", path);
  return ticket;
}

Status drop_key(const Spool& spool, const std::string& path, const JobId& id, KeyOf whose) {
  const auto lock = lock_shard(spool, layout::folder_of(path));
  if (!lock) return lock.error().code == ENOENT ? Status(Ok{}) : Status(lock.error());
  const auto same = leads_to(spool, path, id);
  if (!same) return same.error();
  if (!*same) return Ok{};
  if (whose == KeyOf::no_job) {
    const auto job = durable::exists(spool, layout::ticket(id));
    if (!job) return job.error();
    if (*job) return Ok{};
  }
  return durable::remove(spool, path);
}

Result<JobId> take_key(const Spool& spool, const TempFile& ticket, const std::string& key,
                       const JobId& mine, State first, Sync sync) {
  const std::string path = key_path(key);
  for (int round = 0; round < kLinkRounds; ++round) {
    const auto made = durable::make_durable_folder(spool, layout::folder_of(path), sync);
    if (!made) return made.error();
    const auto linked = durable::put_new(spool, ticket, path);
    if (linked) return mine;
    if (linked.error().code != EEXIST) return linked.error();
    const auto earlier = read_key(spool, path, key);
    if (!earlier) {
      if (const auto away = make_way(spool, path, earlier.error()); !away) return away.error();
      continue;
    }
    if (earlier->id == mine) return mine;  // the answer to an earlier call was lost
    const auto job = resolve(spool, *earlier, path, first, sync);
    if (!job) return job.error();
    if (*job) return **job;
  }
  return Error{EAGAIN, "settle whose key it is", path};
}

}  // namespace imgq
