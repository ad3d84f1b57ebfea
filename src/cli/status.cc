#include <fmt/format.h>

#include "spool/query.h"
#include "spool/spool.h"
#include "src/cli/commands.h"
#include "src/cli/ids.h"
#include "src/cli/job_text.h"

namespace imgq::cli {
namespace {

Exit one(const Session& session, const Spool& spool, const JobId& id, bool alone) {
  const auto view = find(spool, id);
  if (!view) return tell_missing(session, id, view.error());
  const std::string state(name_of(view->state));
  session.console.put_line(session.json ? job_json(spool, *view)
                           : alone      ? state
                                        : fmt::format("{} {}", id.text(), state));
  return Exit::ok;
}

}  // namespace

Exit status_command(const Session& session, const std::vector<std::string>& names) {
  const auto ids = gather_ids(names);
  if (!ids) return fail(session, Exit::usage, ids.error().action);
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  Sum sum;
  for (const JobId& id : *ids) sum.add(one(session, *spool, id, ids->size() == 1));
  return sum.total();
}

}  // namespace imgq::cli
