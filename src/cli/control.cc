#include "spool/control.h"

#include <fmt/format.h>

#include <array>

#include "src/cli/commands.h"
#include "src/cli/ids.h"
#include "src/cli/job_text.h"
#include "src/util/json.h"

namespace imgq::cli {
namespace {

struct Action {
  Result<State> (*perform)(const Spool& spool, const JobId& id);
  std::string_view verb;
};
constexpr std::array<Action, 4> kActions = {
    {{cancel, "cancelled"}, {retry, "retried"}, {hold, "held"}, {release, "released"}}};  // by Act

std::string refusal(const Spool& spool, std::string_view verb, const JobId& id,
                    const Error& error) {
  if (error.code == EAGAIN) return "the job keeps moving: try again";
  if (error.code != EBUSY) return error.text();
  const auto state = state_of(spool, id);
  return fmt::format("is {} and cannot be {}", state ? name_of(*state) : "in another state", verb);
}

Exit one(const Session& session, const Spool& spool, const Action& action, const JobId& id) {
  const auto state = action.perform(spool, id);
  if (!state) {
    const std::string words = refusal(spool, action.verb, id, state.error());
    return fail_refused(session, id, state.error(), words);
  }
  if (session.json) {
    session.console.put_line(versioned({{"id", id.text()}, {"state", name_of(*state)}}));
  } else {
    session.console.detail(about(id.text(), name_of(*state)));
  }
  return Exit::ok;
}

}  // namespace

Exit control_command(const Session& session, Act act, const std::vector<std::string>& names) {
  const auto ids = gather_ids(names);
  if (!ids) return fail(session, Exit::usage, ids.error().action);
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  const Action& action = kActions[static_cast<size_t>(act)];
  Sum sum;
  for (const JobId& id : *ids) sum.add(one(session, *spool, action, id));
  return sum.total();
}

}  // namespace imgq::cli
