#include "spool/submit.h"

#include <algorithm>

#include "spool/internal/durable.h"
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

Result<int64_t> size_of(const TempFile& file) {
  struct stat about = {};
  if (sys::fstat(file.fd(), &about) != 0) return last_error("look at the source", file.path());
  return static_cast<int64_t>(about.st_size);
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
Status write_ticket(const Spool& spool, Entry& entry) {
  Draft& draft = *entry.draft;
  if (draft.source) {
    const auto size = size_of(*draft.source);
    if (!size) return size.error();
    entry.ticket.source.size_bytes = *size;
  } else if (draft.referenced.kind != SourceKind::referenced) {
    return Error{EINVAL, "submit a job without an image", draft.name};
  }
  const auto text = encode_checked(entry.ticket);
  if (!text) return text.error();
  auto file = durable::write_temp(spool, *text);
  if (!file) return file.error();
  entry.file = std::move(*file);
  return Ok{};
}

Status name_files(const Spool& spool, Entry& entry, Sync sync) {
  const JobId& id = entry.ticket.id;
  const auto made = durable::make_durable_folder(spool, layout::hour_folder(id), sync);
  if (!made) return made.error();
  entry.named = true;
  if (entry.draft->source && !entry.draft->source->path().empty()) {
    const auto put = durable::put(spool, *entry.draft->source, layout::source(id));
    if (!put) return put.error();
  }
  if (!entry.ticket.key.empty()) {
    const State first = entry.draft->held ? State::hold : State::staging;
    const auto taken = take_key(spool, *entry.file, entry.ticket.key, id, first, sync);
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
  if (!put || !entry.keyed) return put;
  // Somebody with the same key may have given it this name already: then rename(2) did nothing.
  return durable::remove(spool, temp);
}

// Retention removes empty folders of past hours; a clock that stepped may lead a job into one that
// is just going.
Status name_files_in_place(const Spool& spool, Entry& entry, Sync sync) {
  for (int round = 0; round < 2; ++round) {
    auto named = name_files(spool, entry, sync);
    if (named || named.error().code != ENOENT) return named;
    spool.known_durable().forget(layout::hour_folder(entry.ticket.id));
  }
  return name_files(spool, entry, sync);
}

// Somebody with the same key found the ticket before its token, and made the token for us.
bool has_token_already(const Spool& spool, const Entry& entry) {
  struct stat about = {};
  const std::string ticket = layout::ticket(entry.ticket.id);
  return entry.keyed && sys::fstatat(spool.root(), ticket.c_str(), &about) == 0 &&
         about.st_nlink > 2;
}

Status make_token(const Spool& spool, const Entry& entry) {
  if (has_token_already(spool, entry)) return Ok{};
  const JobId& id = entry.ticket.id;
  const std::string ticket = layout::ticket(id);
  const std::string token =
      layout::first_token(id, entry.draft->held ? State::hold : State::staging);
  if (sys::linkat(spool.root(), ticket.c_str(), spool.root(), token.c_str()) == 0) return Ok{};
  if (errno == EEXIST) return Ok{};
  return last_error("link to staging", token);
}

// Takes back a job that is not acknowledged, the token first so that nobody runs the rest. One with
// a key stays: another submitter may have answered it already. One that a daemon has taken stays
// too: a job that nobody was told of.
void take_back(const Spool& spool, const Entry& entry) {
  if (entry.keyed) return;
  const JobId& id = entry.ticket.id;
  const std::string ticket = layout::ticket(id);
  const std::string token =
      layout::first_token(id, entry.draft->held ? State::hold : State::staging);
  if (sys::unlinkat(spool.root(), token.c_str(), 0) != 0) {
    struct stat about = {};
    const bool there = sys::fstatat(spool.root(), ticket.c_str(), &about) == 0;
    if (there && about.st_nlink > 1) return;
  }
  // Errors here leave what fsck finds; the answer is an error already.
  (void)durable::remove(spool, ticket);
  (void)durable::remove(spool, layout::source(id));
}

// One sync for the group; its failure is the failure of all that depend on it.
void flush(durable::Group& group, std::vector<Entry>& entries) {
  const auto synced = group.flush();
  if (synced) return;
  for (Entry& entry : entries) {
    if (entry.goes_on()) entry.error = synced.error();
  }
}

void sync_bytes(durable::Group& group, std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (!entry.goes_on()) continue;
    const auto& source = entry.draft->source;
    if (source && !mutated(Mutant::skip_source_fsync)) group.file(source->fd(), source->path());
    if (!mutated(Mutant::skip_ticket_fsync)) group.file(entry.file->fd(), entry.file->path());
  }
  flush(group, entries);
}

void sync_names(durable::Group& group, std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (!entry.goes_on()) continue;
    if (!mutated(Mutant::skip_hour_folder_fsync)) {
      group.folder(layout::hour_folder(entry.ticket.id));
    }
    if (!entry.ticket.key.empty()) {
      group.folder(key_folder(entry.ticket.key));
    }
  }
  flush(group, entries);
}

void sync_tokens(durable::Group& group, std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (!entry.goes_on() || mutated(Mutant::skip_staging_fsync)) continue;
    group.folder(entry.draft->held ? "hold" : "staging");
  }
  flush(group, entries);
}

// FORMAT.md "Submit": bytes, then names, then tokens, each on the disk before the next begins.
void submit_group(const Spool& spool, std::vector<Entry>& entries, Sync sync) {
  durable::Group group(spool, sync);
  for_each(entries, [&](Entry& entry) { return write_ticket(spool, entry); });
  sync_bytes(group, entries);
  for_each(entries, [&](Entry& entry) { return name_files_in_place(spool, entry, sync); });
  if (!mutated(Mutant::ack_before_sync)) sync_names(group, entries);
  for_each(entries, [&](Entry& entry) { return make_token(spool, entry); });
  if (!mutated(Mutant::ack_before_sync)) sync_tokens(group, entries);
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
