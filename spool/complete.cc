// Ending a claim: results and outcome (FORMAT.md "Complete", "Fail").
// 1. Results get their names by link(2), which replaces nothing; the outcome is written to tmp/.
// 2. Results, their folder, the outcome and the mark of a hook that is owed are synced: what an
//    outcome names is on the disk first.
// 3. Commit: the outcome is linked to <id>.end. The first owner to link it has ended the job; one
//    that was thought dead and comes late reads EEXIST, removes its own results and yields.
// 4. The hour folder is synced. Only now is the answer given: a reader who saw it never sees it
//    undone.
// 5. The token moves to completed/ or failed/, and the source goes. That is tidying: when it fails
//    or the power is cut, recover and fsck do it again.
// An error that leaves open whether the link was made (EIO, a lost reply) keeps everything: the
// results stay, and the outcome keeps its name in tmp/, so that readers do not believe it yet.
#include <algorithm>
#include <iterator>

#include "spool/internal/durable.h"
#include "spool/internal/moves.h"
#include "spool/internal/outcome.h"
#include "spool/internal/tidy.h"
#include "spool/internal/tries.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/digest.h"
#include "src/util/mutant.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

// One job on its way to being published.
struct Publication {
  Finished* job;
  Outcome outcome;
  std::optional<TempFile> record = {};
  std::vector<std::string> named = {};  // results that have their names, to go when it fails
  std::optional<Error> error = {};
  bool stands = false;  // the outcome has its name, or may have

  void note(const Status& status) {
    if (!status) error = status.error();
  }
};

Outcome outcome_of(const Claim& claim, Ending ending, const std::string& owner, Cause cause = {}) {
  Outcome outcome = ending_now(claim.token, ending, owner, std::move(cause));
  outcome.started_ms = claim.claimed_ms;
  return outcome;
}

Result<ResultFile> describe(const FreshResult& fresh, const Token& token) {
  ResultFile result{fresh.rendition};
  result.file = layout::result_file(token.id, token.attempt, fresh.rendition, fresh.extension);
  result.about = fresh.about;
  struct stat about = {};
  if (sys::fstat(fresh.file.fd(), &about) != 0) return last_error("look at a result", result.file);
  result.size_bytes = about.st_size;
  const auto digest = sha256_of_file(fresh.file.fd(), result.file);
  if (!digest) return digest.error();
  result.sha256 = *digest;
  return result;
}

void name_hour_folder(durable::Group& group, const Publication& entry) {
  if (mutated(Mutant::skip_hour_folder_fsync)) return;
  group.folder(layout::hour_folder(entry.outcome.id));
}

// Everything but the outcome: results under their names, the record in tmp/, the hook's mark. Names
// are taken by link, so nobody's result is ever replaced. All of it is to be synced: nothing that
// an outcome names may be lost after it.
Status prepare(const Spool& spool, Publication& entry, durable::Group& group) {
  for (const FreshResult& fresh : entry.job->results) {
    const auto result = describe(fresh, entry.job->claim.token);
    if (!result) return result.error();
    entry.outcome.results.push_back(*result);
  }
  const auto text = encode_checked(entry.outcome);
  if (!text) return text.error();
  for (size_t i = 0; i < entry.outcome.results.size(); ++i) {
    const std::string path = layout::result(entry.outcome.id, entry.outcome.results[i].file);
    const auto named = durable::put_new(spool, entry.job->results[i].file, path);
    if (!named) return named.error();
    entry.named.push_back(path);
  }
  auto record = durable::write_temp(spool, *text);
  if (!record) return record.error();
  entry.record = std::move(*record);
  if (!mutated(Mutant::skip_result_fsync)) {
    for (const FreshResult& fresh : entry.job->results) group.result(fresh.file);
  }
  if (!mutated(Mutant::skip_outcome_fsync)) group.file(*entry.record);
  name_hour_folder(group, entry);
  return owe_hook(spool, entry.outcome.id, group);
}

void flush(durable::Group& group, std::vector<Publication>& entries) {
  const auto synced = group.flush();
  for (Publication& entry : entries) {
    if (!entry.error) entry.note(synced);
  }
}

void remove_named(const Spool& spool, Publication& entry) {
  for (const std::string& path : entry.named) (void)durable::remove(spool, path);  // fsck finds it
  entry.named.clear();
}

// Results of the attempts before, which nobody can publish any more; fsck finds what stays.
void remove_others(const Spool& spool, const std::vector<Publication>& entries) {
  std::vector<Outcome> published;
  for (const Publication& entry : entries) {
    if (!entry.error) published.push_back(entry.outcome);
  }
  (void)remove_other_results(spool, published);
}

Error fenced(const JobId& id) {
  return {EEXIST, "publish: another owner ended the job", id.text()};
}

// The outcome under its stable name. When another's stands there: fenced, and the token goes.
Status commit_or_yield(const Spool& spool, Publication& entry, durable::Group& group,
                       const std::string& token_path) {
  const auto ended = commit(spool, *entry.record, entry.outcome);
  entry.stands = ended ? ended->ours : is_ambiguous(ended.error());
  if (!ended) return ended.error();
  if (!ended->ours) {
    (void)move_ended(spool, token_path, entry.outcome.id, ended->outcome.ending);  // else recovered
    return fenced(entry.outcome.id);
  }
  entry.outcome = ended->outcome;
  name_hour_folder(group, entry);
  return Ok{};
}

}  // namespace

// After the last sync: the token moves, the source goes. What fails here is only tidying, done by
// recover, retain or fsck later; the job has ended.
Result<Outcome> Owner::finish(const Outcome& outcome, SourceAfter source) const {
  move_own_ended({outcome.id, outcome.attempt}, outcome.ending);
  if (source == SourceAfter::remove) (void)durable::remove(*spool_, layout::source(outcome.id));
  return outcome;
}

// FORMAT.md "Complete": results and record, their sync, the commit, its sync, then the answer.
std::vector<Result<Outcome>> Owner::complete_group(std::span<Finished> jobs, Sync sync,
                                                   SourceAfter source) const {
  durable::Group group(*spool_, sync);
  std::vector<Publication> entries;
  for (Finished& job : jobs) {
    Publication entry{&job, outcome_of(job.claim, Ending::completed, name_)};
    entry.outcome.report = job.report;
    entry.note(prepare(*spool_, entry, group));
    entries.push_back(std::move(entry));
  }
  flush(group, entries);
  for (Publication& entry : entries) {
    if (!entry.error) {
      entry.note(commit_or_yield(*spool_, entry, group, path_of(entry.job->claim.token)));
    } else if (entry.error->code == EEXIST) {
      (void)release(entry.job->claim);  // this attempt ran twice: on under the next number
    }
    // Where it is not known whether the outcome stands, what it names must stay.
    if (entry.error && !is_ambiguous(*entry.error)) remove_named(*spool_, entry);
  }
  if (!mutated(Mutant::ack_before_sync)) flush(group, entries);
  for (Publication& entry : entries) {
    // An outcome that may not be on the disk keeps its name in tmp/, which tells readers so.
    if (entry.error && entry.stands) entry.record->given_away();
  }
  remove_others(*spool_, entries);
  std::vector<Result<Outcome>> answers;
  answers.reserve(entries.size());
  for (const Publication& entry : entries) {
    answers.push_back(entry.error ? Result<Outcome>(*entry.error) : finish(entry.outcome, source));
  }
  return answers;
}

std::vector<Result<Outcome>> Owner::complete(std::vector<Finished>& jobs, Sync sync,
                                             SourceAfter source) const {
  const size_t group_size = sync == Sync::full ? 1 : std::max<size_t>(jobs.size(), 1);
  std::vector<Result<Outcome>> answers;
  for (size_t start = 0; start < jobs.size(); start += group_size) {
    const size_t count = std::min(group_size, jobs.size() - start);
    auto group = complete_group(std::span(jobs).subspan(start, count), sync, source);
    std::move(group.begin(), group.end(), std::back_inserter(answers));
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    ended(jobs[i].claim.token, answers[i] ? nullptr : &answers[i].error());
  }
  return answers;
}

Result<Outcome> Owner::fail(const Claim& claim, const Cause& cause, const std::string& report,
                            Sync sync) const {
  Outcome outcome = outcome_of(claim, Ending::failed, name_, cause);
  outcome.report = report;
  const auto published = publish(*spool_, outcome, sync);
  Result<Outcome> answer = outcome;
  if (!published) {
    answer = published.error();
  } else {
    (void)remove_other_results(*spool_, {published->outcome});  // fsck finds what stays
    move_own_ended(claim.token, published->outcome.ending);
    answer = published->ours ? Result<Outcome>(published->outcome) : fenced(outcome.id);
  }
  ended(claim.token, answer ? nullptr : &answer.error());
  return answer;
}

Result<int64_t> Owner::retry_later(const Claim& claim, const Cause& cause, const Backoff& backoff,
                                   Sync sync) const {
  const int crashes = claim.crashes + (cause.signal != 0 ? 1 : 0);
  const auto why =
      why_not_again({claim.failures + 1, crashes, claim.losses, cause}, claim.ticket.max_attempts);
  if (why || !has_next(claim.token)) {
    const auto failed = fail(claim, why.value_or(cause), "{}", sync);
    return failed ? Result<int64_t>(0) : failed.error();
  }
  auto due = delay(claim, cause, backoff, sync);
  ended(claim.token, due ? nullptr : &due.error());
  return due;
}

Result<int64_t> Owner::delay(const Claim& claim, const Cause& cause, const Backoff& backoff,
                             Sync sync) const {
  const auto over = has_ended(claim);
  if (!over) return over.error();
  if (*over) {
    (void)release(claim);  // moves the token to where its outcome says
    return fenced(claim.token.id);
  }
  const int64_t due = now_ms() + wait_ms(backoff, claim.failures + 1);
  const Try attempt{claim.token.id, claim.token.attempt, now_ms(), due, name_,
                    cause,          Try::Kind::counted};
  if (const auto done = record_try(*spool_, attempt, sync); !done) return done.error();
  const auto moved = move_token_durably(*spool_, path_of(claim.token),
                                        layout::delayed(due, next_of(claim.token)), sync);
  if (!moved && moved.error().code == ENOENT) return fenced(claim.token.id);
  return moved ? Result<int64_t>(due) : moved.error();
}

}  // namespace imgq
