#include "src/cli/run.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>
#include <set>

#include "spool/digest.h"
#include "spool/query.h"
#include "spool/sys.h"
#include "src/base/log.h"
#include "src/base/text.h"
#include "src/base/verdict.h"
#include "src/cli/file_out.h"
#include "src/cli/job_text.h"
#include "src/cli/progress.h"
#include "src/cli/run_deliver.h"
#include "src/cli/run_ledger.h"
#include "src/cli/run_names.h"
#include "src/cli/run_spool.h"

namespace imgq::cli {
namespace {

// How often, and how soon again, a person at a terminal wants a passing fault tried.
constexpr std::chrono::seconds kRetryFirst{1};
constexpr std::chrono::seconds kRetryMax{10};

enum class Mark { wanted, made, up_to_date, failed };

// One run, from its inputs to its report.
struct Run {
  const Session& session;
  const RunOptions& options;
  std::string request;
  std::string request_digest;
  Sync sync = Sync::batch;
  std::vector<RunItem> items{};
  std::vector<Mark> marks{};  // of items
  ItemsByKey by_key{};
  std::vector<RunFailure> failures{};
  Sum sum{};
  std::string_view nothing = "no image found";  // when there is neither
  int64_t begin_ms = sys::monotonic_ms();
};

void fail_source(Run& run, const std::string& source, std::string code, std::string message,
                 Exit exit) {
  run.failures.push_back({source, std::move(code), std::move(message)});
  run.sum.add(exit);
  if (run.session.json) run.session.console.put_line(run_failure_json(run.failures.back()));
}

void fail_item(Run& run, size_t index, std::string code, std::string message, Exit exit) {
  run.marks[index] = Mark::failed;
  fail_source(run, run.items[index].path, std::move(code), std::move(message), exit);
}

Origin origin_of(const RunItem& item) { return {item.real, item.folder}; }

void succeed(Run& run, const Ledger& ledger, size_t index, Mark mark) {
  run.marks[index] = mark;
  run.sum.add(Exit::ok);
  const RunItem& item = run.items[index];
  const RunRecord* record = ledger.find(origin_of(item));
  Console& console = run.session.console;
  if (record == nullptr) return;
  if (run.session.json) {
    console.put_line(
        run_item_json({item.path, record}, mark == Mark::made ? "completed" : "up_to_date"));
    return;
  }
  if (!run.options.print && !run.options.print0) return;
  for (const RunResult& result : record->results) {
    console.put(fmt::format("{}/{}", run.options.output, result.file));
    console.put(run.options.print0 ? std::string_view("\0", 1) : "\n");
  }
}

// Looks at one input; an item, or a failure.
void add_item(Run& run, const Input& input, std::set<Origin>& seen, std::vector<Input>& kept) {
  const auto opened = open_input(input.path);
  if (!opened || opened->size_bytes == 0) {
    const Trouble trouble =
        trouble_for(input.path, opened ? Error{ENODATA, "", ""} : opened.error());
    if (opened) (void)sys::close(opened->fd);  // read only
    fail_source(run, input.path, std::string(name_of(trouble.code)), trouble.cause, trouble.exit);
    return;
  }
  (void)sys::close(opened->fd);  // the engine opens it again when its turn comes
  RunItem item;
  item.path = input.path;
  item.real = real_path(input.path);
  if (item.real.empty()) {
    fail_source(run, input.path, "source_missing", cause_text(errno), Exit::no_input);
    return;
  }
  item.folder = input.folder;
  if (!seen.insert(origin_of(item)).second) {
    run.session.console.detail(about(input.path, "is the same file as another named"));
    return;
  }
  item.size_bytes = opened->size_bytes;
  item.modified_ns = opened->modified_ns;
  item.id = opened->id;
  item.key = run_key(item, run.request_digest);
  run.items.push_back(std::move(item));
  kept.push_back(input);
}

void add_items(Run& run, const Inputs& inputs, const Ledger& ledger) {
  for (const Trouble& trouble : inputs.trouble) {
    fail_source(run, trouble.name, std::string(name_of(trouble.code)), trouble.cause, trouble.exit);
  }
  std::set<Origin> seen;
  std::vector<Input> kept;
  for (const Input& input : inputs.files) add_item(run, input, seen, kept);
  const std::vector<std::string> stems =
      name_outputs(kept, [&](const std::string& name, size_t input) {
        return ledger.is_taken(name, run.items[input].real);
      });
  for (size_t i = 0; i < run.items.size(); ++i) {
    run.items[i].stem = stems[i];
    run.by_key[run.items[i].key] = i;
  }
  run.marks.assign(run.items.size(), Mark::wanted);
  tell_passed_over(run.session.console, inputs);
  const bool made = std::any_of(inputs.passed_over.begin(), inputs.passed_over.end(),
                                [](const auto& one) { return one.why == Passed::own_result; });
  if (made) run.nothing = "no image found but those that imgq has made";
}

// What is done already is reported; what is left is returned.
std::vector<size_t> still_to_do(Run& run, const Ledger& ledger) {
  std::vector<size_t> left;
  for (size_t i = 0; i < run.items.size(); ++i) {
    const RunItem& item = run.items[i];
    if (ledger.up_to_date(origin_of(item), item.size_bytes, item.modified_ns, run.request_digest)) {
      succeed(run, ledger, i, Mark::up_to_date);
    } else {
      left.push_back(i);
    }
  }
  return left;
}

Exit exit_of(const Cause& cause) {
  const auto code = code_named(cause.code);
  if (code == Code::source_missing) return Exit::no_input;
  return code && is_permanent(*code) && code != Code::poison && code != Code::cancelled
             ? Exit::bad_image
             : Exit::some_failed;
}

// One job has ended: its results go to their place.
void take_outcome(Run& run, const Delivery& delivery, Ledger& ledger, size_t index,
                  const Outcome& outcome) {
  if (outcome.ending != Ending::completed) {
    std::string message = outcome.cause.message;
    const auto code = code_named(outcome.cause.code);
    if (message.empty() && code) message = explain(*code);
    fail_item(run, index, outcome.cause.code, message, exit_of(outcome.cause));
    return;
  }
  auto record = deliver(delivery, ledger, run.items[index], outcome);
  Status added = Ok{};
  if (record) added = ledger.add(std::move(*record));
  if (record && added) {
    succeed(run, ledger, index, Mark::made);
    return;
  }
  const Error& error = record ? added.error() : record.error();
  std::string cause = error.code == 0 ? error.action : cause_text(error.code);
  if (error.path != run.items[index].path) {
    cause = fmt::format("{}: {}", printable(error.path), cause);
  }
  fail_item(run, index, "io_error", cause,
            is_pausing(error) ? Exit::try_later : Exit::cannot_create);
}

Delivery delivery_of(const Run& run, const Spool& spool) {
  Delivery delivery{spool, run.options.output, {}, InTheWay::keep, run.request_digest};
  if (run.options.overwrite) delivery.in_the_way = InTheWay::replace;
  for (const RunItem& item : run.items) delivery.sources.push_back(item.id);
  std::sort(delivery.sources.begin(), delivery.sources.end());
  return delivery;
}

struct Worked {
  bool interrupted = false;
  std::optional<Error> trouble;
};

Worked work_off(Run& run, const Engine& engine, const Spool& spool, Ledger& ledger,
                const std::vector<size_t>& left, const RunSubmitted& submitted) {
  const Delivery delivery = delivery_of(run, spool);
  Progress progress(run.session.console, static_cast<int64_t>(left.size()));
  for (const Refused& refused : submitted.refused) {
    fail_item(run, refused.item, "io_error", refused.error.text(), Exit::io_error);
    progress.step(true);
  }
  const auto ended = [&](const Outcome& outcome, const Ticket& ticket) {
    const auto found = run.by_key.find(ticket.key);
    if (found == run.by_key.end() || run.marks[found->second] != Mark::wanted) return;
    take_outcome(run, delivery, ledger, found->second, outcome);
    (void)run.session.console.flush();  // a reader sees what is ready; the last flush tells
    progress.step(run.marks[found->second] == Mark::failed);
  };
  for (const JobId& id : submitted.finished) {
    const auto view = find(spool, id);
    if (view && view->outcome) ended(*view->outcome, view->ticket);
  }
  const Console& console = run.session.console;
  log::set_level(console.quiet()     ? log::Level::error
                 : console.verbose() ? log::Level::info
                                     : log::Level::warning);
  Config config = run.session.config;
  config.retry_first = std::min(config.retry_first, kRetryFirst);
  config.retry_max = std::min(config.retry_max, kRetryMax);
  // The floor is for a spool that others need, too; here the disk may be used up.
  if (config.origin["daemon.min_free"] == "default") config.min_free_bytes = 0;
  const auto tally = engine(spool, config, run.sync, ended);
  if (!tally) return {false, tally.error()};
  return {tally->interrupted, std::nullopt};
}

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

void report(const Run& run, const Worked& worked, const Ledger& ledger) {
  Console& console = run.session.console;
  report_too_large(run, ledger);
  for (const RunFailure& failure : run.failures) {
    console.error(about(failure.source, printable(failure.message)));
  }
  const auto count = [&run](Mark mark) {
    return std::count(run.marks.begin(), run.marks.end(), mark);
  };
  const double seconds = static_cast<double>(sys::monotonic_ms() - run.begin_ms) / 1000;
  if (worked.trouble) {
    console.error("stopped: " + about(run.options.output, worked.trouble->text()));
    console.error(fmt::format("{} made, {} left; the same command goes on from here",
                              count(Mark::made), count(Mark::wanted)));
    return;
  }
  if (worked.interrupted) {
    console.error(fmt::format("interrupted: {} made, {} left; the same command goes on from here",
                              count(Mark::made), count(Mark::wanted)));
    return;
  }
  if (run.items.empty() && run.failures.empty()) {
    console.note(run.nothing);
    return;
  }
  console.note(fmt::format("{}: {} made, {} up to date, {} failed in {:.1f} s",
                           printable(run.options.output), count(Mark::made),
                           count(Mark::up_to_date), run.failures.size(), seconds));
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

// The private spool, from its making to its end.
Worked work(Run& run, const Engine& engine, Ledger& ledger, const std::vector<size_t>& left) {
  const auto spool = open_run_spool(run.options.output);
  if (!spool) return {false, spool.error()};
  forget_stale(*spool, run.by_key);
  const auto submitted =
      submit_items(*spool, run.items, left, run.request, run.session.config.max_attempts, run.sync);
  if (!submitted) return {false, submitted.error()};
  Worked worked = work_off(run, engine, *spool, ledger, left, *submitted);
  if (worked.interrupted || worked.trouble) return worked;
  if (auto gone = remove_tree(spool->path()); !gone) run.session.console.error(gone.error().text());
  return worked;
}

// What is left to do, done and told. Told by exit code; everything else is in `run`.
Exit make(Run& run, const Engine& engine, Ledger& ledger) {
  const std::vector<size_t> left = still_to_do(run, ledger);
  const Worked worked = left.empty() ? Worked() : work(run, engine, ledger, left);
  report(run, worked, ledger);
  if (auto tidied = ledger.tidy(); !tidied) run.session.console.error(tidied.error().text());
  if (worked.interrupted || worked.trouble) {
    if (!run.options.manifest.empty()) {
      run.session.console.error("the manifest is left as it was: not all is made");
    }
    return worked.trouble ? exit_for(*worked.trouble) : Exit::interrupted;
  }
  if (auto wrote = write_manifest(run, ledger); !wrote) {
    return fail(run.session, Exit::cannot_create,
                about(run.options.manifest, cause_text(wrote.error().code)));
  }
  return run.sum.total();
}

Exit explain_output(const Session& session, const std::string& output, const Error& error) {
  if (error.code == EWOULDBLOCK) {
    return fail(session, Exit::try_later, about(output, "another imgq run is at work there"));
  }
  const Exit exit = is_pausing(error)                             ? Exit::try_later
                    : error.code == EACCES || error.code == EPERM ? Exit::no_permission
                                                                  : Exit::cannot_create;
  return fail(session, exit, about(error.path, cause_text(error.code)));
}

Result<Sync> parse_sync(const std::string& word) {
  if (const auto sync = sync_named(word)) return *sync;
  return Error{
      EINVAL,
      fmt::format("--sync: '{}' is not full, batch or none", printable(shortened(word, 40))), ""};
}

Status check_options(const Session& session, const RunOptions& options) {
  const auto usage = [](std::string_view what) { return Error{EINVAL, std::string(what), ""}; };
  if (options.files.names.empty() && options.files.files_from.empty()) {
    return usage("no file or directory named; see 'imgq run --help'");
  }
  for (const std::string& name : options.files.names) {
    if (name == "-") return usage("'-': a list of files on stdin is --files-from -");
  }
  const bool manifest_out = options.manifest == "-";
  if (int{options.print} + int{options.print0} + int{session.json} + int{manifest_out} > 1) {
    return usage("--print, --print0, --json and --manifest - exclude each other");
  }
  return Ok{};
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// An output that is an input would hold sources and results side by side, of one name each.
Status check_apart(const RunOptions& options) {
  const auto output = directory_id(options.output);
  for (const std::string& name : options.files.names) {
    if (!output || directory_id(name) != output) continue;
    return Error{EINVAL,
                 about(name, "is the output, too: choose another --output, as one below it"), ""};
  }
  return Ok{};
}

}  // namespace

Exit run_command(const Session& given, const RunOptions& given_options, const Engine& engine) {
  Session session = given;
  RunOptions options = given_options;
  options.output = without_slash(options.output);
  options.files.recursive = true;
  auto ok = check_files(options.files);
  if (ok) ok = check_options(session, options);
  if (ok) ok = check_apart(options);
  if (!ok) return fail(session, Exit::usage, ok.error().action);
  const auto request = make_request(options.request, session.config);
  if (!request) return fail(session, Exit::usage, request.error().action);
  const auto sync = parse_sync(options.sync);
  if (!sync) return fail(session, Exit::usage, sync.error().action);
  if (!options.workers.empty()) {
    const auto workers = parse_count(options.workers, 1, 1024);
    if (!workers) return fail(session, Exit::usage, "--workers: " + workers.error().action);
    session.config.workers = static_cast<int>(*workers);
  }
  auto lock = lock_output(options.output);
  if (!lock && lock.error().code == EWOULDBLOCK) {
    return explain_output(session, options.output, lock.error());
  }
  const auto inputs = gather_files(options.files, directory_id(options.output));
  if (!inputs) return explain_gathering(session, inputs.error());
  if (!lock) lock = enter_output(options.output);
  if (!lock) return explain_output(session, options.output, lock.error());
  if (auto can = check_manifest(options.manifest); !can) {
    return fail(session, Exit::cannot_create,
                about(options.manifest, cause_text(can.error().code)));
  }
  const std::string text = to_json(*request);
  auto ledger = Ledger::open(options.output);
  if (!ledger) return explain_output(session, options.output, ledger.error());
  Run run{session, options, text, sha256_hex(text), *sync};
  add_items(run, *inputs, *ledger);
  if (run.items.empty() && run.failures.empty() && options.strict) {
    return fail(session, Exit::no_input, run.nothing);
  }
  return make(run, engine, *ledger);
}

}  // namespace imgq::cli
