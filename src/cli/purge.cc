#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <span>
#include <vector>

#include "spool/control.h"
#include "spool/list.h"
#include "src/cli/commands.h"
#include "src/cli/ids.h"
#include "src/cli/job_text.h"
#include "src/util/clock.h"
#include "src/util/json.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::cli {
namespace {

Result<std::vector<State>> states_of(const std::string& word) {
  if (word.empty()) return std::vector<State>{State::completed, State::failed, State::cancelled};
  const auto state = parse_state(word);
  if (!state) return state.error();
  if (*state == State::completed || *state == State::failed || *state == State::cancelled) {
    return std::vector<State>{*state};
  }
  return Error{EINVAL, "--state: only completed, failed and cancelled jobs can be purged", ""};
}

// Ended jobs whose end lies before `before_ms`. A job ends after it was submitted, so the walk in
// order of submission can stop at the first id that is younger.
Result<std::vector<JobId>> ended_before(const Spool& spool, const std::vector<State>& states,
                                        int64_t before_ms) {
  std::vector<JobId> ids;
  for (const State state : states) {
    const auto jobs = list(spool, state, Order::oldest_first, std::numeric_limits<size_t>::max());
    if (!jobs) return jobs.error();
    for (const Listed& job : *jobs) {
      if (job.id.unix_ms() >= before_ms) break;
      const auto view = find(spool, job.id);
      if (view && view->outcome && view->outcome->ended_ms < before_ms) ids.push_back(job.id);
    }
  }
  return ids;
}

Status could_be_purged(const Spool& spool, const JobId& id) {
  const auto state = state_of(spool, id);
  if (!state) return state.error();
  const bool ended =
      *state == State::completed || *state == State::failed || *state == State::cancelled;
  return ended ? Status(Ok{}) : Error{EBUSY, "purge", id.text()};
}

Exit tell(const Session& session, const JobId& id, const Status& done, bool dry_run) {
  if (!done) {
    const Error& why = done.error();
    return fail_refused(session, id, why,
                        why.code == EBUSY ? "has not ended: cancel it first" : why.text());
  }
  session.console.put_line(session.json ? versioned({{"id", id.text()}, {"purged", !dry_run}})
                                        : id.text());
  return Exit::ok;
}

// A bare number is seconds elsewhere; here it would be a trap.
Result<std::chrono::seconds> parse_age(const std::string& text) {
  if (text.empty()) return std::chrono::seconds(0);
  auto age = parse_duration(text);
  const bool bare = text.find_first_not_of("0123456789") == std::string::npos;
  if (!age) return bad_data("--older: " + age.error().action, "");
  if (!bare || age->count() == 0) return age;
  return bad_data(fmt::format("--older: '{0}' has no unit: {0}d, {0}h, {0}min or {0}s", text), "");
}

Status check_company(const PurgeOptions& options) {
  if (!options.older.empty() && !options.ids.empty()) {
    return usage_error("give job ids or --older, not both");
  }
  if (options.older.empty() && !options.state.empty())
    return usage_error("--state goes with --older");
  if (!options.force && !options.dry_run && !can_ask()) {
    return usage_error("nobody can be asked, as this is no terminal: --force or --dry-run");
  }
  return Ok{};
}

}  // namespace

Exit purge_command(const Session& session, const PurgeOptions& options) {
  const auto age = parse_age(options.older);
  if (!age) return fail(session, Exit::usage, age.error().action);
  if (auto ok = check_company(options); !ok) return fail(session, Exit::usage, ok.error().action);
  const auto states = states_of(options.state);
  if (!states) return fail(session, Exit::usage, states.error().action);
  Result<std::vector<JobId>> ids = std::vector<JobId>();
  if (options.older.empty()) ids = gather_ids(options.ids);
  if (!ids) return fail(session, Exit::usage, ids.error().action);
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  if (!options.older.empty()) ids = ended_before(*spool, *states, now_ms() - age->count() * 1000);
  if (!ids) return fail(session, ids.error());
  const auto number = static_cast<int64_t>(ids->size());
  const bool question = !options.force && !options.dry_run && number > 0;
  if (question && !ask(fmt::format("Remove {} and {} results?", counted(number, "job"),
                                   number == 1 ? "its" : "their"))) {
    return fail(session, Exit::some_failed, "nothing removed");
  }
  Sum sum;
  constexpr size_t kAtOnce = 100;  // told when they are gone
  for (size_t begin = 0; begin < ids->size(); begin += kAtOnce) {
    const auto some = std::span(*ids).subspan(begin, std::min(kAtOnce, ids->size() - begin));
    std::vector<Status> done;
    if (!options.dry_run) done = purge(*spool, some);
    for (size_t i = 0; i < some.size(); ++i) {
      const Status one = options.dry_run ? could_be_purged(*spool, some[i]) : done[i];
      sum.add(tell(session, some[i], one, options.dry_run));
    }
  }
  return sum.total();
}

}  // namespace imgq::cli
