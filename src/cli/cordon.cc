#include "src/cli/cordon.h"

#include <fmt/format.h>

#include <algorithm>

#include "spool/layout.h"
#include "src/cli/commands.h"
#include "src/cli/doctor.h"
#include "src/jobs/owners.h"
#include "src/util/json.h"
#include "src/util/sys.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

// What somebody may not expect, though it is no error.
std::string remark(const Session& session, const Spool& spool, Cordoning what,
                   const std::string& host, bool changed) {
  if (what == Cordoning::off) return changed ? "" : about(host, "was not cordoned");
  if (!changed) {
    const auto all = cordons(spool);
    if (!all) return all.error().text();
    const auto found = std::find_if(all->begin(), all->end(),
                                    [&host](const Cordon& one) { return one.host == host; });
    return found == all->end() ? "" : about(cordon_words(*found), "was cordoned already");
  }
  Heartbeats seen;
  const auto owners = see_owners(spool, session.config.lease, seen);
  const bool any = owners && std::any_of(owners->begin(), owners->end(), [&host](const auto& one) {
                     return one.host == host && may_serve({one});
                   });
  return any ? "" : about(host, "cordoned, though no daemon of it is there: one that comes waits");
}

Exit cordon_one(const Session& session, const Spool& spool, Cordoning what,
                const std::string& host) {
  const bool on = what == Cordoning::on;
  const auto changed = on ? cordon(spool, host) : uncordon(spool, host);
  if (!changed) return fail(session, changed.error());
  const std::string note = remark(session, spool, what, host, *changed);
  if (!note.empty()) {
    session.console.note(note);
  } else {
    session.console.detail(about(host, on ? "cordoned" : "uncordoned"));
  }
  if (session.json) {
    session.console.put_line(versioned({{"host", host}, {"cordoned", on}, {"changed", *changed}}));
  }
  return Exit::ok;
}

}  // namespace

std::string cordon_words(const Cordon& cordon) {
  return fmt::format("{}, since {}, by {}", cordon.host, iso_time(cordon.since_ms / 1000 * 1000),
                     printable(user_name(cordon.by)));
}

Json cordons_array(const std::vector<Cordon>& cordons) {
  Json out = Json::array();
  for (const Cordon& cordon : cordons) {
    out.push_back({{"host", cordon.host},
                   {"since", iso_time(cordon.since_ms)},
                   {"by", printable(user_name(cordon.by))}});
  }
  return out;
}

Exit cordon_command(const Session& session, Cordoning what, std::vector<std::string> hosts) {
  if (hosts.empty()) hosts.push_back(sys::identity().host);
  for (const std::string& host : hosts) {
    if (layout::is_host(host)) continue;
    return fail(session, Exit::usage,
                fmt::format("'{}' is no host's name as 'imgq top' shows them: letters, digits and "
                            "dashes, at most 64",
                            printable(shortened(host, 80))));
  }
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  Sum sum;
  for (const std::string& host : hosts) sum.add(cordon_one(session, *spool, what, host));
  return sum.total();
}

}  // namespace imgq::cli
