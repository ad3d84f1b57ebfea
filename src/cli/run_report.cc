// What `imgq run` says at its end.
#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/cli/run_state.h"

namespace imgq::cli {
namespace {

// Results that could not be made as small as was asked.
void report_too_large(const Run& run, const Ledger& ledger) {
  for (size_t i = 0; i < run.items.size(); ++i) {
    const RunRecord* record = ledger.find(origin_of(run.items[i]));
    if (run.marks[i] != Mark::made || record == nullptr) continue;
    for (const RunResult& result : record->results) {
      if (result.max_bytes_met) continue;
      run.session.console.note(
          about(run.items[i].path, fmt::format("{}: {} bytes, and no quality makes it small enough",
                                               printable(result.file), result.size_bytes)));
    }
  }
}

// What to do after an end before the end.
std::string_view cure(const Run& run) {
  return run.target.empty() ? "; the same command goes on from here" : "";
}

}  // namespace

void report(const Run& run, const Worked& worked, const Ledger& ledger) {
  Console& console = run.session.console;
  report_too_large(run, ledger);
  size_t failed = 0;
  for (const RunFailure& failure : run.failures) {
    if (failure.known) continue;
    ++failed;
    console.error(about(failure.source, printable(failure.message)));
  }
  const auto count = [&run](Mark mark) {
    return std::count(run.marks.begin(), run.marks.end(), mark);
  };
  const double seconds = static_cast<double>(sys::monotonic_ms() - run.begin_ms) / 1000;
  if (worked.trouble) {
    console.error("stopped: " + about(run.options.output, worked.trouble->text()));
    console.error(
        fmt::format("{} made, {} left{}", count(Mark::made), count(Mark::wanted), cure(run)));
    return;
  }
  if (worked.interrupted) {
    console.error(fmt::format("interrupted: {} made, {} left{}", count(Mark::made),
                              count(Mark::wanted), cure(run)));
    return;
  }
  if (run.items.empty() && run.failures.empty()) {
    console.note(run.nothing);
    return;
  }
  if (run.target == "-") return;  // the result says it, or its failure
  const size_t known = run.failures.size() - failed;
  console.note(fmt::format("{}: {} made, {} up to date, {} failed{} in {:.1f} s",
                           printable(run.options.output), count(Mark::made),
                           count(Mark::up_to_date), failed,
                           known == 0 ? "" : fmt::format(", {} known to be bad", known), seconds));
  if (known > 0) console.note("--retry-failed tries again what is known to be bad; -v names it");
}

Status write_manifest(const Run& run, const Ledger& ledger) {
  if (run.options.manifest.empty()) return Ok{};
  std::vector<ManifestItem> items;
  for (size_t i = 0; i < run.items.size(); ++i) {
    if (run.marks[i] != Mark::made && run.marks[i] != Mark::up_to_date) continue;
    const RunRecord* record = ledger.find(origin_of(run.items[i]));
    if (record != nullptr) items.push_back({run.items[i].path, record});
  }
  const std::string text = manifest_json(items, run.failures) + "\n";
  if (run.options.manifest == "-") {
    run.session.console.put(text);
    return Ok{};
  }
  return put_manifest(run.options.manifest, text);
}

}  // namespace imgq::cli
