#include "spool/list.h"

#include <fmt/format.h>

#include <limits>

#include "spool/query.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/cli/commands.h"
#include "src/cli/job_text.h"
#include "src/util/clock.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::cli {
namespace {

constexpr size_t kTableLimit = 100;
constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

Tint tint_of(State state) {
  return state == State::completed    ? Tint::good
         : state == State::failed     ? Tint::bad
         : state == State::processing ? Tint::strong
                                      : Tint::none;
}

// The first `limit` of all states together.
Result<std::vector<Listed>> list_all(const Spool& spool, Order order, size_t limit) {
  std::vector<Listed> all;
  for (const State state : kAllStates) {
    const auto some = list(spool, state, order, limit);
    if (!some) return some.error();
    all.insert(all.end(), some->begin(), some->end());
  }
  return merged(std::move(all), order, limit);
}

Result<size_t> limit_of(const Session& session, const ListOptions& options) {
  if (options.limit.empty()) return options.ids_only || session.json ? kNoLimit : kTableLimit;
  const auto limit = parse_count(options.limit, 1, 1'000'000);
  if (!limit) return limit.error();
  return static_cast<size_t>(*limit);
}

void print(const Session& session, const Spool& spool, const Listed& job) {
  const auto view = find(spool, job.id);
  if (!view) {
    if (view.error().code == ENOENT) return;  // purged meanwhile
    session.console.error(view.error().text());
    return;
  }
  if (session.json) {
    session.console.put_line(job_json(spool, *view));
    return;
  }
  const std::string state = fmt::format("{:<10}", name_of(view->state));
  const std::string age = age_words(view->ticket.submitted_ms, now_ms());
  session.console.put_line(fmt::format("{} {} {:>7}  {}", job.id.text(),
                                       session.console.paint(tint_of(view->state), state), age,
                                       printable(view->ticket.name)));
}

}  // namespace

Exit list_command(const Session& session, const ListOptions& options) {
  if (options.newest && options.oldest) {
    return fail(session, Exit::usage, "--newest and --oldest exclude each other");
  }
  if (options.ids_only && session.json) {
    return fail(session, Exit::usage, "--ids and --json exclude each other");
  }
  const auto limit = limit_of(session, options);
  if (!limit) return fail(session, Exit::usage, "--limit: " + limit.error().action);
  Result<State> state = State::staging;
  if (!options.state.empty()) state = parse_state(options.state);
  if (!state) return fail(session, Exit::usage, state.error().action);
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  const Order order = options.oldest ? Order::oldest_first : Order::newest_first;
  const bool cut = options.limit.empty() && *limit < kNoLimit;
  const size_t size = *limit + (cut ? 1 : 0);  // one more shows that there is more
  auto jobs =
      options.state.empty() ? list_all(*spool, order, size) : list(*spool, *state, order, size);
  if (!jobs) return fail(session, jobs.error());
  const bool more = cut && jobs->size() > *limit;
  if (more) jobs->pop_back();
  for (const Listed& job : *jobs) {
    if (options.ids_only)
      session.console.put_line(job.id.text());
    else
      print(session, *spool, job);
  }
  if (more) session.console.note(fmt::format("only {} are listed: --limit N lists more", *limit));
  return Exit::ok;
}

}  // namespace imgq::cli
