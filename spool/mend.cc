#include "spool/mend.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "spool/internal/durable.h"
#include "spool/internal/locate.h"
#include "spool/internal/moves.h"
#include "spool/internal/outcome.h"
#include "spool/internal/tickets.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/records.h"
#include "src/util/clock.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

using layout::Part;

constexpr int kLooksAtTicket = 3;

// An hour may hold a million jobs: of each no more than this is kept.
size_t hash_in_hour(const JobId& id) { return std::hash<std::string>()(id.text()); }

std::vector<size_t> without(std::vector<size_t> all, std::vector<size_t> some) {
  std::sort(all.begin(), all.end());
  std::sort(some.begin(), some.end());
  std::vector<size_t> rest;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(rest));
  return rest;
}

// All tokens of an hour's jobs, in the direction of their way: one that moves on is met again.
Status add_tokens(const Spool& spool, const std::string& hour, std::vector<size_t>& jobs) {
  for (const State state : {State::staging, State::processing, State::hold, State::delayed,
                            State::staging, State::completed, State::failed, State::cancelled}) {
    auto folders = state == State::completed
                       ? Result<std::vector<std::string>>(std::vector{"completed/" + hour})
                       : folders_of(spool, state);
    if (!folders) return folders.error();
    for (const std::string& folder : *folders) {
      const auto listed = each_name_if_any(spool.root(), folder, [&](std::string_view name) {
        const auto token = read_token(state, folder, name);
        if (token && token->id.folder() == hour) jobs.push_back(hash_in_hour(token->id));
        return true;
      });
      if (!listed) return listed.error();
    }
  }
  return Ok{};
}

// Jobs of an hour that show neither token nor outcome, with the highest attempt that is recorded
// or has a result. Tickets are read first: of what is submitted meanwhile none is seen.
Result<std::map<JobId, int>> lost_jobs(const Spool& spool, const std::string& hour) {
  std::vector<size_t> tickets, others;
  const std::string folder = "jobs/" + hour;
  const auto read = each_part(spool, folder, [&](const Part& part, std::string_view) {
    if (part.kind == Part::Kind::ticket) tickets.push_back(hash_in_hour(part.id));
    if (part.kind == Part::Kind::outcome) others.push_back(hash_in_hour(part.id));
  });
  if (!read) return read.error();
  tickets = without(std::move(tickets), std::exchange(others, {}));
  std::map<JobId, int> lost;
  if (tickets.empty()) return lost;
  if (const auto added = add_tokens(spool, hour, others); !added) return added.error();
  tickets = without(std::move(tickets), std::move(others));
  if (tickets.empty()) return lost;
  const auto again = each_part(spool, folder, [&](const Part& part, std::string_view) {
    if (!std::binary_search(tickets.begin(), tickets.end(), hash_in_hour(part.id))) return;
    if (part.id.folder() != hour) return;  // a stranger
    int& highest = lost[part.id];
    highest = std::max(highest, part.attempt);
  });
  return again ? Result<std::map<JobId, int>>(std::move(lost)) : again.error();
}

// The token, unless the job turns out to have one, to have ended, or to be gone. Under the lock of
// a purge, so that none can run between the look and the link; and where that lock does not reach
// another host, a ticket that is purged cannot be linked.
//   errors  EAGAIN somebody has the job alone; it is looked at again
Result<std::optional<Token>> give_token(const Spool& spool, const JobId& id, int highest) {
  const auto lock = lock_job(spool, id);
  if (!lock && lock.error().code == ENOENT) return std::optional<Token>();
  if (!lock) return lock.error();
  const auto standing = standing_of(spool, id, Search::thorough);
  if (!standing) return standing.error();
  if (standing->outcome || standing->token) return std::optional<Token>();
  const Token token = fresh_token(id, highest);
  const std::string path = layout::staging(token);
  const auto linked =
      durable::link_unless_taken(spool, layout::ticket(id), path, "make a lost token");
  if (!linked && linked.error().code == ENOENT) return std::optional<Token>();
  if (!linked) return linked.error();
  if (const auto synced = durable::sync_names(spool, "staging"); !synced) return synced.error();
  // Its submitter may have come to life: whoever ran it then has ended it beside this token.
  const auto outcome = read_outcome(spool, id);
  if (!outcome) return outcome.error();
  if (!*outcome) return std::optional(token);
  const auto settled = move_ended(spool, path, id, (*outcome)->ending);
  return settled ? std::optional<Token>() : Result<std::optional<Token>>(settled.error());
}

}  // namespace

// Two passes that see the same time have read what was made within one tick of it, too.
bool Mender::is_unchanged(const Spool& spool, const std::string& hour) {
  struct stat about = {};
  if (sys::fstatat(spool.root(), ("jobs/" + hour).c_str(), &about) != 0) return false;
  Read& read = read_[hour];
  const bool same = read.mtime_ns == ns_of(about.st_mtim);
  const bool unchanged = same && read.settled;
  read = {ns_of(about.st_mtim), same};
  return unchanged;
}

Status Mender::choose_hours(const Spool& spool) {
  if (!std::exchange(anew_, false)) {
    for (const auto& [hour, suspects] : suspects_) hours_.push_back(hour);
    return Ok{};
  }
  auto hours = hours_under(spool, "jobs");
  if (!hours) {
    anew_ = true;
    return hours.error();
  }
  std::erase_if(read_, [&](const auto& entry) {
    return !std::binary_search(hours->begin(), hours->end(), entry.first);
  });
  std::erase_if(*hours, [&](const std::string& hour) {
    return is_unchanged(spool, hour) && suspects_.count(hour) == 0;
  });
  hours_ = std::move(*hours);
  return Ok{};
}

Result<Mended> Mender::look(const Spool& spool, std::chrono::milliseconds after) {
  if (hours_.empty()) {
    if (const auto chosen = choose_hours(spool); !chosen) return chosen.error();
  }
  Mended sum;
  if (hours_.empty()) return sum;
  const std::string hour = std::move(hours_.back());
  hours_.pop_back();
  const auto lost = lost_jobs(spool, hour);
  if (!lost) {
    read_.erase(hour);
    return lost.error();
  }
  const int64_t now = sys::monotonic_ms();
  auto before = std::exchange(suspects_[hour], {});
  for (const auto& [id, highest] : *lost) {
    Suspect suspect = before.try_emplace(id, Suspect{now, 0}).first->second;
    ++suspect.looks;
    const bool ripe = suspect.looks >= kLooksAtTicket && now - suspect.since_ms >= after.count();
    const auto given = ripe ? give_token(spool, id, highest) : std::optional<Token>();
    if (!given && given.error().code != EAGAIN) sum.trouble.push_back(given.error());
    if (given && *given) sum.tokens.push_back(**given);
    if (!given || !ripe) suspects_[hour].emplace(id, suspect);
  }
  if (suspects_[hour].empty()) suspects_.erase(hour);
  sum.more = !hours_.empty() || anew_;
  return sum;
}

}  // namespace imgq
