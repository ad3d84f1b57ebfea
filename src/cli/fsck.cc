#include "spool/fsck.h"

#include <fmt/format.h>

#include <array>

#include "src/cli/commands.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

constexpr std::array<std::string_view, 4> kKinds = {"note", "mended", "mendable", "damage"};

std::string_view name_of(Finding::Kind kind) { return kKinds[static_cast<size_t>(kind)]; }

bool is_left(const Finding& finding) {
  return finding.kind == Finding::Kind::mendable || finding.kind == Finding::Kind::damage;
}

std::string as_json(const FsckReport& report) {
  Json findings = Json::array();
  for (const Finding& finding : report.findings) {
    findings.push_back({{"path", printable(finding.path)},
                        {"what", finding.what},
                        {"kind", name_of(finding.kind)}});
  }
  return versioned({{"jobs", report.jobs},
                    {"results", report.results},
                    {"clean", report.clean()},
                    {"findings", std::move(findings)}});
}

}  // namespace

Exit fsck_command(const Session& session, const FsckOptions& options) {
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  const auto report = fsck(*spool, options.repair ? Repair::mend : Repair::report_only);
  if (!report) return fail(session, report.error());
  Console& console = session.console;
  int64_t left = 0;
  for (const Finding& finding : report->findings) {
    if (is_left(finding)) ++left;
    if (session.json) continue;
    if (finding.kind == Finding::Kind::note && !console.verbose()) continue;
    console.put_line(fmt::format("{:<8} {}: {}", name_of(finding.kind), printable(finding.path),
                                 printable(finding.what)));
  }
  if (session.json) console.put_line(as_json(*report));
  console.note(fmt::format("{}, {} checked; {}", counted(report->jobs, "job"),
                           counted(report->results, "result"),
                           left == 0   ? "nothing is wrong"
                           : left == 1 ? "1 thing is wrong"
                                       : fmt::format("{} things are wrong", left)));
  if (left > 0 && !options.repair) console.note("'imgq fsck --repair' mends what can be mended");
  return left == 0 ? Exit::ok : Exit::some_failed;
}

}  // namespace imgq::cli
