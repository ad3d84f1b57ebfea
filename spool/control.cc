#include "spool/control.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "spool/internal/durable.h"
#include "spool/internal/locate.h"
#include "spool/internal/moves.h"
#include "spool/internal/outcome.h"
#include "spool/internal/purge.h"
#include "spool/internal/tickets.h"
#include "spool/internal/tidy.h"
#include "spool/layout.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr int kMoveRounds = 3;
constexpr int64_t kRetryGraceMs = 60'000;

Error busy(std::string_view act, const JobId& id, State state) {
  std::string action(act);
  action.append(" the job: its state is ").append(name_of(state));
  return {EBUSY, std::move(action), id.text()};
}

Error moving(const JobId& id) { return {EAGAIN, "catch the job: it moved three times", id.text()}; }

// Where an existing job stands.
Result<Standing> exact_standing(const Spool& spool, const JobId& id) {
  const auto there = require_ticket(spool, id);
  return there ? standing_of(spool, id, Search::thorough) : there.error();
}

// Moves the token where a person wants it. Nothing: somebody else was faster, look again.
Result<std::optional<State>> move_to(const Spool& spool, const Listed& token, State state,
                                     const std::string& to) {
  const auto moved = move_token_durably(spool, path_of(token), to, Sync::full);
  if (!moved && moved.error().code == ENOENT) return std::optional<State>();
  if (!moved) return moved.error();
  const auto outcome = read_outcome(spool, token.id);
  if (!outcome) return outcome.error();
  if (!*outcome) return std::optional(state);
  // Cancelled in the same moment: the outcome decides.
  if (const auto done = move_ended(spool, to, token.id, (*outcome)->ending); !done) {
    return done.error();
  }
  return std::optional(state_after((*outcome)->ending));
}

// The job is already where a person wants it: perhaps only just, by somebody who has not synced it
// yet, or by a call of ours whose reply was lost.
Result<std::optional<State>> is_there(const Spool& spool, State state) {
  const auto synced = durable::sync_folders(spool, Sync::full, {"staging", "hold", "delayed"});
  return synced ? Result<std::optional<State>>(state) : synced.error();
}

// Runs `act` on the standing of a job until it gives an answer, at most three times.
template <class Act>
Result<State> try_thrice(const Spool& spool, const JobId& id, Act act) {
  for (int round = 0; round < kMoveRounds; ++round) {
    const auto standing = exact_standing(spool, id);
    if (!standing) return standing.error();
    if (!standing->outcome && !standing->token) continue;
    Result<std::optional<State>> done = act(*standing);
    if (!done) return done.error();
    if (*done) return **done;
  }
  return moving(id);
}

// After the outcome: the token of a waiting job follows it. One that is being processed is its
// owner's to drop; one that moves meanwhile is settled by whoever claims it.
void move_waiting(const Spool& spool, const JobId& id) {
  for (int round = 0; round < kMoveRounds; ++round) {
    const auto token = locate(spool, id, Search::thorough);
    if (!token || !*token || (*token)->state == State::processing) return;
    (void)move_ended(spool, path_of(**token), id, Ending::cancelled);
  }
}

// The number under which a failed outcome is put aside: its own, or the next that is free.
Result<int> free_try_number(const Spool& spool, const JobId& id, int attempt) {
  for (int n = std::max(attempt, 1); n < kMaxAttemptNumber; ++n) {
    const auto taken = durable::exists(spool, layout::try_record(id, n));
    if (!taken) return taken.error();
    if (!*taken) return n;
  }
  return Error{EBUSY, "retry the job: its attempt numbers are used up", id.text()};
}

// The token of a failed job, wherever it waits for us: failed/, or lost (then made anew).
Result<bool> take_failed_token(const Spool& spool, const JobId& id, const std::string& to) {
  const auto moved = move_token_durably(spool, layout::ended(Ending::failed, id), to, Sync::full);
  if (moved) return true;
  if (moved.error().code != ENOENT) return moved.error();
  const auto elsewhere = locate(spool, id, Search::thorough);
  if (!elsewhere) return elsewhere.error();
  if (*elsewhere) return false;  // its owner is just putting it into failed/, or another retry runs
  const auto ended = durable::exists(spool, layout::ended(Ending::failed, id));
  if (!ended) return ended.error();
  if (*ended) return false;
  const std::string ticket = layout::ticket(id);
  if (sys::linkat(spool.root(), ticket.c_str(), spool.root(), to.c_str()) != 0) {
    return last_error("make a token", to);
  }
  const auto synced = durable::sync_names(spool, "delayed");
  return synced ? Result<bool>(true) : synced.error();
}

bool is_same(const Outcome& a, const Outcome& b) {
  return a.attempt == b.attempt && a.ending == b.ending;
}

// Whether the outcome is still the one that was looked at before its token was ours.
Result<bool> is_unchanged(const Spool& spool, const Outcome& outcome) {
  const auto now = read_outcome(spool, outcome.id);
  if (!now) return now.error();
  return *now && is_same(**now, outcome);
}

// The failed outcome becomes the try record `number`, in one rename. Who was stopped for minutes
// before that may have taken the outcome of a later attempt: it goes back, and the answer is false.
Result<bool> put_outcome_aside(const Spool& spool, const Outcome& outcome, int number) {
  const std::string from = layout::outcome(outcome.id);
  const std::string to = layout::try_record(outcome.id, number);
  if (sys::renameat(spool.root(), from.c_str(), spool.root(), to.c_str()) != 0) {
    return last_error("put the outcome aside", from);
  }
  const auto text = durable::read_text(spool, to);
  if (!text) return text.error();
  const auto aside = decode_outcome(*text, to);
  const bool ours = !aside || is_same(*aside, outcome);
  const auto synced = ours ? durable::sync_names(spool, layout::hour_folder(outcome.id))
                           : put_outcome_back(spool, outcome.id, to);
  return synced ? Result<bool>(ours) : synced.error();
}

// FORMAT.md "Retry by hand": first the token to delayed/ with a due time a minute away, so that
// whatever stops us the job moves on by itself: to failed/ again while the outcome stands, to a new
// attempt when it is gone.
Result<std::optional<State>> retry_failed(const Spool& spool, const Outcome& outcome) {
  const JobId& id = outcome.id;
  const auto lock = lock_job(spool, id);
  if (!lock) return lock.error();
  const auto number = free_try_number(spool, id, outcome.attempt);
  if (!number) return number.error();
  const Token next{id, *number + 1};
  const std::string parked = layout::delayed(now_ms() + kRetryGraceMs, next);
  const auto taken = take_failed_token(spool, id, parked);
  if (!taken) return taken.error();
  if (!*taken) return std::optional<State>();
  const auto same = is_unchanged(spool, outcome);
  if (!same) return same.error();
  if (!*same) return std::optional<State>();  // the parked token goes its way by itself
  const auto aside = put_outcome_aside(spool, outcome, *number);
  if (!aside) return aside.error();
  if (!*aside) return std::optional<State>();
  const auto moved = move_token_durably(spool, parked, layout::staging(next), Sync::full);
  if (!moved && moved.error().code != ENOENT) return moved.error();
  if (!moved) {  // a daemon promoted it already
    if (const auto done = follow_retry(spool, next); !done) return done.error();
  }
  return std::optional(State::staging);
}

// The token first: whoever removes it has the job for himself. A retry that is under way has taken
// it away.
Result<Purgeable> take_ended(const Spool& spool, const Outcome& outcome, const std::string& key) {
  auto lock = lock_job(spool, outcome.id);
  if (!lock && lock.error().code == EAGAIN) return lock.error();  // else it is purged all the same
  const std::string token = layout::ended(outcome.ending, outcome.id);
  for (int round = 0; round < kMoveRounds; ++round) {
    const auto removed = remove_token(spool, token);
    if (removed) break;
    if (removed.error().code != ENOENT) return removed.error();
    const auto elsewhere = locate(spool, outcome.id, Search::thorough);
    if (!elsewhere) return elsewhere.error();
    if (!*elsewhere) break;  // none at all: nobody can run it
    if (round + 1 == kMoveRounds) return moving(outcome.id);
  }
  return Purgeable{outcome.id, outcome.ending, key, lock ? std::move(*lock) : Fd()};
}

// Nothing for a job whose purge was cut short.
Result<std::optional<Purgeable>> take(const Spool& spool, const JobId& id) {
  const auto outcome = read_outcome(spool, id);
  if (!outcome && outcome.error().code != 0) return outcome.error();
  const auto ticket = read_ticket(spool, id);
  if (!ticket && ticket.error().code == ENOENT) {
    if (outcome && !*outcome) return Error{ENOENT, "find the job", id.text()};
    return std::optional<Purgeable>();
  }
  if (!ticket && ticket.error().code != 0) return ticket.error();
  if (!outcome) return outcome.error();
  if (!*outcome) {
    const auto state = state_of(spool, id);
    return state ? busy("purge", id, *state) : state.error();
  }
  auto taken = take_ended(spool, **outcome, ticket ? ticket->key : "");
  return taken ? Result<std::optional<Purgeable>>(std::move(*taken)) : taken.error();
}

// Of different jobs, which are locked at one time; they share the syncs of their folders.
void purge_group(const Spool& spool, std::span<const JobId> ids, std::vector<Status>& answers) {
  std::map<std::string, std::vector<Purgeable>> hours;
  std::map<std::string, std::vector<size_t>> places;
  for (const JobId& id : ids) {
    auto taken = take(spool, id);
    answers.push_back(taken ? Status(Ok{}) : taken.error());
    if (!taken) continue;
    const std::string hour = layout::hour_folder(id);
    places[hour].push_back(answers.size() - 1);
    if (*taken) hours[hour].push_back(std::move(**taken));
  }
  for (const auto& [hour, at] : places) {
    const auto done = purge_parts(spool, hour, hours[hour]);
    for (const size_t i : at) answers[i] = done;
  }
}

}  // namespace

Result<State> cancel(const Spool& spool, const JobId& id) {
  const auto standing = exact_standing(spool, id);
  if (!standing) return standing.error();
  if (standing->outcome) {
    const State state = state_after(standing->outcome->ending);
    if (state != State::cancelled) return busy("cancel", id, state);
    return state;
  }
  const Token token{id, standing->token ? standing->token->attempt : 0};
  const Cause cause{"cancelled", "cancelled on request", 0};
  const auto ended = publish(spool, ending_now(token, Ending::cancelled, "", cause), Sync::full);
  if (!ended) return ended.error();
  if (ended->outcome.ending != Ending::cancelled) {
    return busy("cancel", id, state_after(ended->outcome.ending));
  }
  (void)remove_other_results(spool, {ended->outcome});  // fsck finds what stays
  move_waiting(spool, id);
  return State::cancelled;
}

Result<State> hold(const Spool& spool, const JobId& id) {
  return try_thrice(spool, id, [&](const Standing& at) -> Result<std::optional<State>> {
    if (at.outcome) return busy("hold", id, state_after(at.outcome->ending));
    if (at.token->state == State::hold) return is_there(spool, State::hold);
    if (at.token->state == State::processing) return busy("hold", id, State::processing);
    return move_to(spool, *at.token, State::hold, layout::hold(at.token->token()));
  });
}

Result<State> release(const Spool& spool, const JobId& id) {
  return try_thrice(spool, id, [&](const Standing& at) -> Result<std::optional<State>> {
    if (at.outcome) return busy("release", id, state_after(at.outcome->ending));
    if (at.token->state == State::staging) return is_there(spool, State::staging);
    if (at.token->state != State::hold) return busy("release", id, at.token->state);
    if (!has_next(at.token->token())) return busy("release", id, State::hold);
    return move_to(spool, *at.token, State::staging, layout::staging(next_of(at.token->token())));
  });
}

Result<State> retry(const Spool& spool, const JobId& id) {
  return try_thrice(spool, id, [&](const Standing& at) -> Result<std::optional<State>> {
    if (at.outcome && at.outcome->ending == Ending::failed) return retry_failed(spool, *at.outcome);
    if (at.outcome) return busy("retry", id, state_after(at.outcome->ending));
    if (at.token->state == State::staging) return is_there(spool, State::staging);
    if (at.token->state != State::delayed) return busy("retry", id, at.token->state);
    return move_to(spool, *at.token, State::staging, layout::staging(at.token->token()));
  });
}

std::vector<Status> purge(const Spool& spool, std::span<const JobId> ids) {
  std::vector<Status> answers;
  for (size_t at = 0; at < ids.size();) {
    std::set<JobId> group;
    size_t count = 0;  // up to one that is named again
    while (at + count < ids.size() && count < kMostLocked && group.insert(ids[at + count]).second) {
      ++count;
    }
    purge_group(spool, ids.subspan(at, count), answers);
    at += count;
  }
  return answers;
}

}  // namespace imgq
