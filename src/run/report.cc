// What `imgq run` says at its end.
#include <fmt/format.h>

#include <algorithm>

#include "src/run/prune.h"
#include "src/run/state.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

// Results that could not be made as small as was asked.
void report_too_large(const Run& run, const DoneFile& done_file) {
  for (size_t i = 0; i < run.items.size(); ++i) {
    const RunRecord* record = done_file.find(origin_of(run.items[i]));
    if (run.states[i] != ItemState::made || record == nullptr) continue;
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
  return run.goal == Goal::directory ? "; the same command goes on from here" : "";
}

void tell_removed(const Run& run, const Orphan& orphan) {
  Console& console = run.session.console;
  const std::string path = fmt::format("{}/{}", run.place, orphan.file);
  if (run.session.json) {
    console.put_line(
        run_plan_json(orphan.source, orphan.file, run.options.dry_run ? "to_remove" : "removed"));
  } else if (run.options.dry_run) {
    console.put_line("remove " + printable(path));
  } else {
    console.detail(about(path, "removed: its source is gone"));
  }
}

std::string and_so_many(size_t count, std::string_view what) {
  return count == 0 ? "" : fmt::format(", {} {}", count, what);
}

}  // namespace

void prune(Run& run, const Inputs& inputs, DoneFile& done_file) {
  if (!run.options.prune) return;
  if (inputs.unread) {
    run.session.console.error("nothing is removed: not all that was named could be read");
    return;
  }
  std::vector<Orphan> orphans = find_orphans(run.place, done_file);
  if (!run.options.dry_run) {
    std::vector<Error> trouble;
    orphans = remove_orphans(run.place, done_file, orphans, trouble);
    for (const Error& error : trouble) {
      fail_source(run, {error.path, "io_error", cause_text(error.code)}, Exit::cannot_create);
    }
  }
  for (const Orphan& orphan : orphans) tell_removed(run, orphan);
  run.removed = orphans.size();
}

void tell_plan(const Run& run, const std::vector<size_t>& left) {
  Console& console = run.session.console;
  for (const size_t i : left) {
    const std::string& path = run.items[i].path;
    console.put_line(run.session.json ? run_plan_json(path, "", "to_make")
                                      : "make " + printable(path));
  }
  for (size_t i = 0; i < run.items.size(); ++i) {
    if (run.states[i] == ItemState::up_to_date)
      console.detail(about(run.items[i].path, "is up to date"));
  }
}

void report(const Run& run, const Worked& worked, const DoneFile& done_file) {
  Console& console = run.session.console;
  report_too_large(run, done_file);
  size_t failed = 0;
  for (const RunFailure& failure : run.failures) {
    if (failure.known) continue;
    ++failed;
    console.error(about(failure.source, printable(failure.message)));
  }
  const auto count = [&run](ItemState state) {
    return std::count(run.states.begin(), run.states.end(), state);
  };
  const double seconds = static_cast<double>(sys::monotonic_ms() - run.begin_ms) / 1000;
  if (!worked) console.error("stopped: " + about(run.options.output, worked.error().text()));
  if (!worked || worked->interrupted) {
    console.error(fmt::format("{}{} made, {} left{}", worked ? "interrupted: " : "",
                              count(ItemState::made), count(ItemState::wanted), cure(run)));
    return;
  }
  if (run.items.empty() && run.failures.empty()) console.note(run.nothing);
  if (run.items.empty() && run.failures.empty() && run.removed == 0) return;
  if (run.goal == Goal::out && !run.options.dry_run) return;  // the result says it, or its failure
  const bool dry = run.options.dry_run;
  const size_t known = run.failures.size() - failed;
  const std::string more = and_so_many(known, "known to be bad") +
                           and_so_many(run.removed, dry ? "to remove" : "removed");
  const std::string name = printable(run.options.output);
  const std::string rest =
      fmt::format("{} up to date, {} failed{}", count(ItemState::up_to_date), failed, more);
  console.note(dry ? fmt::format("{}: {} to make, {}", name, count(ItemState::wanted), rest)
                   : fmt::format("{}: {} made, {} in {:.1f} s", name, count(ItemState::made), rest,
                                 seconds));
  if (known > 0) console.note("--retry-failed tries again what is known to be bad; -v names it");
}

Status write_manifest(const Run& run, const DoneFile& done_file) {
  if (run.options.manifest.empty()) return Ok{};
  std::vector<ManifestItem> items;
  for (size_t i = 0; i < run.items.size(); ++i) {
    if (run.states[i] != ItemState::made && run.states[i] != ItemState::up_to_date) continue;
    const RunRecord* record = done_file.find(origin_of(run.items[i]));
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
