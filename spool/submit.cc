#include "spool/submit.h"

#include <algorithm>

#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/internal/keys.h"
#include "spool/layout.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/mutant.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr size_t kMaxGroup = 256;  // each holds a descriptor of its ticket until it is synced

// One draft on its way into the spool. Once `error` or `earlier` is set it goes no further.
struct Entry {
  Draft* draft;
  Ticket ticket;
  std::optional<TempFile> file = {};  // the ticket's, in tmp/
  std::optional<JobId> earlier = {};  // the job that has its key
  std::optional<Error> error = {};
  bool named = false;  // names in jobs/ may be there, to be removed should a later step fail
  bool keyed = false;  // its key is taken: others may have been told of it

  bool goes_on() const { return !error && !earlier; }
  State first() const { return draft->held ? State::hold : State::staging; }
  std::string token() const { return layout::first_token(ticket.id, first()); }
  void note(const Status& status) {
    if (!status) error = status.error();
  }
};

// Takes each entry that still goes on through one step.
template <class Step>
void for_each(std::vector<Entry>& entries, Step step) {
  for (Entry& entry : entries) {
    if (entry.goes_on()) entry.note(step(entry));
  }
}

Ticket ticket_of(const Draft& draft) {
  Ticket ticket{JobId::generate()};
  ticket.submitted_ms = now_ms();
  ticket.name = draft.name;
  ticket.request = draft.request;
  ticket.key = draft.key;
  ticket.max_attempts = draft.max_attempts;
  if (!draft.source) ticket.source = draft.referenced;
  if (!draft.sha256.empty()) ticket.source.sha256 = draft.sha256;
  return ticket;
}

// The ticket in tmp/; nothing has a name yet.
Status write_ticket(const Spool& spool, Entry& entry, durable::Group& group) {
  Draft& draft = *entry.draft;
  if (draft.source) {
    struct stat about = {};
    if (sys::fstat(draft.source->fd(), &about) != 0) {
      return last_error("look at the source", draft.source->path());
    }
    entry.ticket.source.size_bytes = about.st_size;
  } else if (draft.referenced.kind != SourceKind::referenced) {
    return Error{EINVAL, "submit a job without an image", draft.name};
  }
  const auto text = encode_checked(entry.ticket);
  if (!text) return text.error();
  auto file = durable::write_temp(spool, *text);
  if (!file) return file.error();
  entry.file = std::move(*file);
  if (draft.source && !mutated(Mutant::skip_source_fsync)) group.file(*draft.source);
  if (!mutated(Mutant::skip_ticket_fsync)) group.file(*entry.file);
  return Ok{};
}

Status name_files(const Spool& spool, Entry& entry, durable::Group& group, Sync sync) {
  const JobId& id = entry.ticket.id;
  const std::string hour = layout::hour_folder(id);
  if (const auto made = durable::make_durable_folder(spool, hour, sync); !made) return made.error();
  entry.named = true;
  if (entry.draft->source && !entry.draft->source->path().empty()) {
    const auto put = durable::put(spool, *entry.draft->source, layout::source(id));
    if (!put) return put.error();
  }
  if (!entry.ticket.key.empty() && entry.draft->takes_key) {
    const auto taken = take_key(spool, *entry.file, entry.ticket.key, id, entry.first(), sync);
    if (!taken) {
      entry.keyed = is_ambiguous(taken.error());  // the key may be ours, and known to others
      return taken.error();
    }
    if (*taken != id) {
      entry.earlier = *taken;
      return Ok{};
    }
    entry.keyed = true;
  }
  const std::string temp = entry.file->path();
  auto put = durable::put(spool, *entry.file, layout::ticket(id));
  // Somebody with the same key may have given it this name already: then rename(2) did nothing.
  if (put && entry.keyed) put = durable::remove(spool, temp);
  if (!put) return put;
  if (!mutated(Mutant::skip_hour_folder_fsync)) group.folder(hour);
  if (entry.keyed) group.folder(key_folder(entry.ticket.key));
  return Ok{};
}

// How many names the ticket has; 0 when it cannot be seen.
nlink_t names_of_ticket(const Spool& spool, const Entry& entry) {
  struct stat about = {};
  const std::string ticket = layout::ticket(entry.ticket.id);
  return sys::fstatat(spool.root(), ticket.c_str(), &about) == 0 ? about.st_nlink : 0;
}

Status make_token(const Spool& spool, const Entry& entry, durable::Group& group) {
  // Somebody with the same key may have found the ticket before its token, and made that for us.
  if (!entry.keyed || names_of_ticket(spool, entry) <= 2) {
    const auto linked = durable::link_unless_taken(spool, layout::ticket(entry.ticket.id),
                                                   entry.token(), "link to staging");
    if (!linked) return linked.error();
  }
  if (!mutated(Mutant::skip_staging_fsync)) group.folder(std::string(name_of(entry.first())));
  return Ok{};
}

// Takes back a job that is not acknowledged, the token first so that nobody runs the rest. One with
// a key stays: another submitter may have answered it already. One that a daemon has taken, or has
// given a token of its own, stays too: a job that nobody was told of.
void take_back(const Spool& spool, const Entry& entry) {
  if (entry.keyed) return;
  const JobId& id = entry.ticket.id;
  (void)sys::unlinkat(spool.root(), entry.token().c_str(), 0);  // the next line tells
  if (names_of_ticket(spool, entry) > 1) return;
  // Errors here leave what fsck finds; the answer is an error already.
  (void)durable::remove(spool, layout::ticket(id));
  (void)durable::remove(spool, layout::source(id));
}

// One sync for the group; its failure is the failure of all that depend on it.
void flush(durable::Group& group, std::vector<Entry>& entries) {
  auto synced = group.flush();
  for_each(entries, [&synced](const Entry&) { return synced; });
}

// FORMAT.md "Submit": bytes, then names, then tokens, each on the disk before the next begins.
void submit_group(const Spool& spool, std::vector<Entry>& entries, Sync sync) {
  durable::Group group(spool, sync);
  for_each(entries, [&](Entry& entry) { return write_ticket(spool, entry, group); });
  flush(group, entries);
  for_each(entries, [&](Entry& entry) { return name_files(spool, entry, group, sync); });
  if (!mutated(Mutant::ack_before_sync)) flush(group, entries);
  for_each(entries, [&](Entry& entry) { return make_token(spool, entry, group); });
  if (!mutated(Mutant::ack_before_sync)) flush(group, entries);
  for (const Entry& entry : entries) {
    if (!entry.named || (!entry.error && !entry.earlier)) continue;
    if (entry.error) take_back(spool, entry);
    if (entry.earlier) (void)durable::remove(spool, layout::source(entry.ticket.id));
  }
}

Result<Submitted> answer_of(const Entry& entry) {
  if (entry.error) return *entry.error;
  if (entry.earlier) return Submitted{*entry.earlier, true};
  return Submitted{entry.ticket.id, false};
}

}  // namespace

std::vector<Result<Submitted>> submit(const Spool& spool, std::vector<Draft> drafts, Sync sync) {
  const size_t group_size = sync == Sync::full ? 1 : kMaxGroup;
  std::vector<Result<Submitted>> answers;
  answers.reserve(drafts.size());
  for (size_t start = 0; start < drafts.size(); start += group_size) {
    std::vector<Entry> entries;
    for (size_t i = start; i < std::min(start + group_size, drafts.size()); ++i) {
      entries.push_back(Entry{&drafts[i], ticket_of(drafts[i])});
    }
    submit_group(spool, entries, sync);
    for (const Entry& entry : entries) answers.push_back(answer_of(entry));
  }
  return answers;
}

}  // namespace imgq
