#include "spool/internal/keys.h"

#include <fcntl.h>
#include <sys/file.h>

#include "spool/internal/durable.h"
#include "spool/internal/locate.h"
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

std::string shard_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

Status link_names(const Spool& spool, const std::string& from, const std::string& to) {
  if (sys::linkat(spool.root(), from.c_str(), spool.root(), to.c_str()) == 0) return Ok{};
  if (errno == EEXIST) return Ok{};
  return last_error("carry a submission through", to);
}

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
  const auto lock = lock_shard(spool, shard_of(path));
  if (!lock) return lock.error();
  auto same = leads_to(spool, path, id);
  if (!same || !*same) return same;
  const auto linked = link_names(spool, path, layout::ticket(id));
  return linked ? Result<bool>(true) : linked.error();
}

// Nobody tells a job of which only part is on the disk: whoever answers it syncs its names first.
Status sync_names(const Spool& spool, const JobId& id, const std::string& path, Sync sync) {
  const std::string hour = layout::hour_folder(id);
  if (const auto made = durable::make_durable_folder(spool, hour, sync); !made) return made.error();
  durable::Group group(spool, sync);
  group.folder(hour);
  group.folder(shard_of(path));
  return group.flush();
}

// A ticket without a token: its submitter stopped half-way, and whoever answers it finishes.
Status ensure_token(const Spool& spool, const JobId& id, State first, Sync sync) {
  const auto ended = durable::exists(spool, layout::outcome(id));
  if (!ended) return ended.error();
  if (*ended) return Ok{};
  const auto place = locate(spool, id, Search::thorough);
  if (!place) return place.error();
  if (!*place) {
    const auto linked = link_names(spool, layout::ticket(id), layout::first_token(id, first));
    if (!linked) return linked.error();
  }
  durable::Group group(spool, sync);
  group.folder("staging");
  if (first == State::hold || (*place && (*place)->state == State::hold)) group.folder("hold");
  return group.flush();
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

Status link_key(const Spool& spool, const TempFile& ticket, const std::string& path, Sync sync) {
  const auto made = durable::make_durable_folder(spool, shard_of(path), sync);
  return made ? durable::put_new(spool, ticket, path) : made;
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
  const auto text = durable::read_text(spool, path);
  if (!text) return text.error();
  auto ticket = decode_ticket(*text, path);
  if (ticket && ticket->key != key) return bad_data("key leads to a ticket without it", path);
  return ticket;
}

Status drop_key(const Spool& spool, const std::string& path, const JobId& id, KeyOf whose) {
  const auto lock = lock_shard(spool, shard_of(path));
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
    const auto linked = link_key(spool, ticket, path, sync);
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
