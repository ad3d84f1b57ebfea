#include "src/cli/control.h"

#include <fmt/format.h>

#include "spool/control.h"
#include "src/cli/ids.h"
#include "src/cli/job_text.h"
#include "src/util/json.h"

namespace imgq::cli {
namespace {

Result<State> perform(const Spool& spool, Act act, const JobId& id) {
  switch (act) {
    case Act::cancel:
      return cancel(spool, id);
    case Act::retry:
      return retry(spool, id);
    case Act::hold:
      return hold(spool, id);
    case Act::release:
      return release(spool, id);
  }
  return Error{EINVAL, "act", id.text()};
}

std::string_view verb(Act act) {
  switch (act) {
    case Act::cancel:
      return "cancelled";
    case Act::retry:
      return "retried";
    case Act::hold:
      return "held";
    case Act::release:
      return "released";
  }
  return "";
}

std::string refusal(const Spool& spool, Act act, const JobId& id, const Error& error) {
  if (error.code == ENOENT) return "no such job";
  if (error.code == EAGAIN) return "the job keeps moving: try again";
  if (error.code != EBUSY) return error.text();
  const auto state = state_of(spool, id);
  return fmt::format("is {} and cannot be {}", state ? name_of(*state) : "in another state",
                     verb(act));
}

Exit one(const Session& session, const Spool& spool, Act act, const JobId& id) {
  const auto state = perform(spool, act, id);
  if (!state) {
    const int code = state.error().code;
    return fail_job(session, id, code == ENOENT ? "unknown" : "refused",
                    refusal(spool, act, id, state.error()),
                    code == ENOENT || code == EBUSY ? Exit::some_failed : exit_for(state.error()));
  }
  if (session.json) {
    session.console.put_line(versioned({{"id", id.text()}, {"state", name_of(*state)}}));
  } else {
    session.console.detail(about(id.text(), name_of(*state)));
  }
  return Exit::ok;
}

}  // namespace

Exit control_command(const Session& session, Act act, const ControlOptions& options) {
  const auto ids = gather_ids(options.ids);
  if (!ids) return fail(session, Exit::usage, ids.error().action);
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  Sum sum;
  for (const JobId& id : *ids) sum.add(one(session, *spool, act, id));
  return sum.total();
}

}  // namespace imgq::cli
