#include "src/run/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/base/verdict.h"
#include "src/cli/done_file.h"
#include "src/cli/file_out.h"
#include "src/cli/job_text.h"
#include "src/cli/progress.h"
#include "src/run/deliver.h"
#include "src/run/private_spool.h"
#include "src/run/single.h"
#include "src/run/state.h"
#include "src/supervise/engine.h"
#include "src/util/digest.h"
#include "src/util/log.h"
#include "src/util/sys.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::cli {
namespace {

// How often, and how soon again, a person at a terminal wants a passing fault tried.
constexpr std::chrono::seconds kRetryFirst{1};
constexpr std::chrono::seconds kRetryMax{10};

InTheWay in_the_way(const Run& run) {
  return run.options.overwrite ? InTheWay::replace : InTheWay::keep;
}

// A result that is wanted elsewhere goes there, and is called by that name.
Status put_single(const Run& run, DoneFile& done_file, RunRecord record) {
  if (run.target.empty()) return Ok{};
  RunResult& result = record.results.front();
  const std::string made = fmt::format("{}/{}", run.place, result.file);
  if (auto put = hand_out(made, run.target, in_the_way(run)); !put) return put;
  result.file = base_name(run.target);
  return done_file.add(std::move(record));
}

// One job has ended: its results go to their place.
void take_outcome(Run& run, const Delivery& delivery, DoneFile& done_file, size_t index,
                  const Outcome& outcome) {
  if (outcome.ending != Ending::completed) {
    std::string message = outcome.cause.message;
    const auto code = code_named(outcome.cause.code);
    if (message.empty() && code) message = explain(*code);
    fail_by_verdict(run, index, outcome.cause.code, message);
    return;
  }
  auto record = deliver(delivery, done_file, run.items[index], outcome);
  const Status added = record ? put_single(run, done_file, *record) : Ok{};
  if (record && added) {
    succeed(run, done_file, index, Mark::made);
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
  Delivery delivery{spool, run.place, {}, in_the_way(run), run.request_digest};
  for (const RunItem& item : run.items) delivery.sources.push_back(item.id);
  std::sort(delivery.sources.begin(), delivery.sources.end());
  return delivery;
}

// A daemon's without what is a daemon's: hot folders, the hook, the keeping of the spool.
Result<supervise::Settings> engine_settings(
    const Run& run, std::function<void(const Outcome&, const Ticket&)> ended) {
  auto worker = supervise::find_worker();
  if (!worker) return worker.error();
  supervise::Settings settings;
  Config& config = settings.config = run.session.config;
  config.retry_first = std::min(config.retry_first, kRetryFirst);
  config.retry_max = std::min(config.retry_max, kRetryMax);
  // The floor is for a spool that others need, too; here the disk may be used up.
  if (config.origin["daemon.min_free"] == "default") config.min_free_bytes = 0;
  config.hot_folders.clear();
  config.hook.clear();
  settings.worker_program = *worker;
  settings.sync = run.sync;
  settings.until = supervise::Settings::Until::idle;
  settings.housekeeping = false;
  settings.ended = std::move(ended);
  return settings;
}

Worked work_off(Run& run, const Spool& spool, DoneFile& done_file, const std::vector<size_t>& left,
                const RunSubmitted& submitted) {
  const Delivery delivery = delivery_of(run, spool);
  Progress progress(run.session.console, static_cast<int64_t>(left.size()));
  for (const Refused& refused : submitted.refused) {
    fail_item(run, refused.item, "io_error", refused.error.text(), Exit::io_error);
    progress.step(true);
  }
  const auto ended = [&](const Outcome& outcome, const Ticket& ticket) {
    const auto found = run.by_key.find(ticket.key);
    if (found == run.by_key.end() || run.marks[found->second] != Mark::wanted) return;
    take_outcome(run, delivery, done_file, found->second, outcome);
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
  auto settings = engine_settings(run, ended);
  if (!settings) return {false, settings.error()};
  const auto tally = supervise::run(spool, std::move(*settings));
  if (!tally) return {false, tally.error()};
  return {tally->interrupted, std::nullopt};
}

// The private spool, from its making to its end.
Worked work(Run& run, DoneFile& done_file, const std::vector<size_t>& left) {
  const auto spool = open_run_spool(run.place);
  if (!spool) return {false, spool.error()};
  forget_stale(*spool, run.by_key);
  const auto submitted =
      submit_items(*spool, run.items, left, run.request, run.session.config.max_attempts, run.sync);
  if (!submitted) return {false, submitted.error()};
  Worked worked = work_off(run, *spool, done_file, left, *submitted);
  if (worked.interrupted || worked.trouble) return worked;
  if (auto gone = remove_tree(spool->path()); !gone) run.session.console.error(gone.error().text());
  return worked;
}

// What is left to do, done and told. Told by exit code; everything else is in `run`.
Exit make(Run& run, const Inputs& inputs, DoneFile& done_file) {
  const std::vector<size_t> left = still_to_do(run, done_file);
  const Worked worked = left.empty() ? Worked() : work(run, done_file, left);
  if (!worked.interrupted && !worked.trouble) prune(run, inputs, done_file);
  report(run, worked, done_file);
  for (RunRecord& verdict : run.verdicts) {
    if (auto added = done_file.add(std::move(verdict)); !added) {
      run.session.console.error(added.error().text());
      break;
    }
  }
  if (auto tidied = done_file.tidy(); !tidied) run.session.console.error(tidied.error().text());
  if (worked.interrupted || worked.trouble) {
    if (!run.options.manifest.empty()) {
      run.session.console.error("the manifest is left as it was: not all is made");
    }
    return worked.trouble ? exit_for(*worked.trouble) : Exit::interrupted;
  }
  if (auto wrote = write_manifest(run, done_file); !wrote) {
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
  const auto& names = options.files.names;
  if (names.empty() && options.files.files_from.empty()) {
    return usage_error("no file or directory named; see 'imgq run --help'");
  }
  const int64_t stdins = int64_t{options.files.files_from == "-"} +
                         std::count(names.begin(), names.end(), std::string("-"));
  if (stdins > 1) return usage_error("stdin can be read only once");
  const bool manifest_out = options.manifest == "-";
  const bool result_out = options.output == "-";
  if (int{options.print} + int{options.print0} + int{session.json} + int{manifest_out} +
          int{result_out} >
      1) {
    return usage_error("--print, --print0, --json, --manifest - and --output - exclude each other");
  }
  if (options.dry_run && (options.print || options.print0 || !options.manifest.empty())) {
    return usage_error("--dry-run makes no results: not with --print, --print0 or --manifest");
  }
  if (options.dry_run && stdins > int64_t{options.files.files_from == "-"}) {
    return usage_error("--dry-run reads no image on stdin");
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
    return usage_error(about(name, "is the output, too: choose another --output, as one below it"));
  }
  return Ok{};
}

// What the name of the output says of the result.
Status take_format(Goal goal, RunOptions& options) {
  if (goal != Goal::file) return Ok{};
  const std::string_view format = format_of(options.output);
  if (format.empty()) {
    return usage_error(
        fmt::format("--output: '{}': results are jpeg, png, webp or avif; '{}/' is a "
                    "directory",
                    printable(options.output), printable(options.output)));
  }
  std::string& asked = options.request.fields["format"];
  if (asked.empty() && options.request.preset.empty()) {
    asked = format;
  }
  return Ok{};
}

// Whether the request makes one result, of the kind that its file is named for.
Status check_single(Goal goal, const RunOptions& options, const Request& request) {
  if (goal == Goal::directory) return Ok{};
  if (request.renditions.size() > 1)
    return usage_error("--output: several results need a directory");
  if (goal == Goal::out && ::isatty(STDOUT_FILENO) == 1) {
    return usage_error("--output: an image is not for a terminal; redirect it");
  }
  const Format format = request.renditions.front().format;
  if (goal == Goal::file && name_of(format) != format_of(options.output)) {
    return usage_error(fmt::format("--output: '{}' is no name for a result in {}",
                                   printable(options.output), name_of(format)));
  }
  return Ok{};
}

// The same of the images that were found.
Status check_one_image(Goal goal, const RunOptions& options, const Inputs& inputs) {
  if (goal == Goal::directory) return Ok{};
  if (inputs.files.size() > 1) {
    return usage_error(
        goal == Goal::out
            ? "--output: several images need a directory"
            : fmt::format("--output: several images need a directory: '{}/' makes one",
                          printable(options.output)));
  }
  if (goal == Goal::out || inputs.files.empty()) return Ok{};
  const auto opened = open_input(options.output);
  const auto source = open_input(inputs.files.front().path);
  if (opened) (void)sys::close(opened->fd);  // read only, both
  if (source) (void)sys::close(source->fd);
  if (!opened || !source || !(opened->id == source->id)) return Ok{};
  return usage_error(about(options.output, "is the image itself: choose another --output"));
}

// The options, checked, and what they come to.
struct Wish {
  RunOptions options;
  Goal goal = Goal::directory;
  std::string request{};
  Sync sync = Sync::batch;
};

Result<Wish> wish_of(Session& session, const RunOptions& given) {
  Wish wish{given};
  RunOptions& options = wish.options;
  wish.goal = goal_of(options.output);
  options.output = without_slash(options.output);
  options.files.recursive = true;
  auto ok = check_files(options.files);
  if (ok) ok = check_options(session, options);
  if (ok) ok = check_apart(options);
  if (ok) ok = take_format(wish.goal, options);
  if (ok && options.prune && wish.goal != Goal::directory) {
    ok = usage_error("--prune goes with an output directory");
  }
  if (!ok) return ok.error();
  const auto request = make_request(options.request, session.config);
  if (!request) return request.error();
  if (ok = check_single(wish.goal, options, *request); !ok) return ok.error();
  wish.request = to_json(*request);
  const auto sync = parse_sync(options.sync);
  if (!sync) return sync.error();
  wish.sync = wish.goal == Goal::directory ? *sync : Sync::none;
  if (options.workers.empty()) return wish;
  const auto workers = parse_count(options.workers, 1, 1024);
  if (!workers) return usage_error("--workers: " + workers.error().action);
  session.config.workers = static_cast<int>(*workers);
  return wish;
}

Run run_of(const Session& session, const Wish& wish, const std::string& place) {
  const std::string judged_by =
      fmt::format("{}\n{}\n{}", wish.request, to_json(session.config.limits), IMGQ_VERSION);
  return Run{session,
             wish.options,
             place,
             wish.goal == Goal::directory ? "" : wish.options.output,
             wish.request,
             sha256_hex(wish.request),
             sha256_hex(judged_by),
             wish.sync};
}

bool has_nothing(const Run& run) { return run.items.empty() && run.failures.empty(); }

// Everything once the place is there and ours.
Exit run_in(const Session& session, const Wish& wish, const Inputs& inputs,
            const std::string& place) {
  const RunOptions& options = wish.options;
  for (const std::string& file :
       {options.manifest, wish.goal == Goal::file ? options.output : ""}) {
    if (auto can = check_manifest(file); !can) {
      return fail(session, Exit::cannot_create, about(file, cause_text(can.error().code)));
    }
  }
  auto done_file = DoneFile::open(place);
  if (!done_file) return explain_output(session, place, done_file.error());
  Run run = run_of(session, wish, place);
  add_items(run, inputs, *done_file);
  if (has_nothing(run) && (options.strict || !run.target.empty())) {
    return fail(session, Exit::no_input, run.nothing);
  }
  const Exit exit = make(run, inputs, *done_file);
  (void)::unlink(saved_stdin(place).c_str());  // mostly not there; else swept by the next run
  return exit;
}

// Only says what would be done, and makes nothing, not even the output.
Exit run_dry(const Session& session, const Wish& wish) {
  const std::string& output = wish.options.output;
  const bool directory = wish.goal == Goal::directory;
  const auto inputs =
      gather_files(wish.options.files, directory ? directory_id(output) : std::nullopt);
  if (!inputs) return explain_gathering(session, inputs.error());
  if (auto one = check_one_image(wish.goal, wish.options, *inputs); !one) {
    return fail(session, Exit::usage, one.error().action);
  }
  auto done_file = DoneFile::read(output);  // of a file there is none
  if (!done_file) return explain_output(session, output, done_file.error());
  Run run = run_of(session, wish, output);
  add_items(run, *inputs, *done_file);
  if (has_nothing(run) && wish.options.strict) return fail(session, Exit::no_input, run.nothing);
  tell_plan(run, still_to_do(run, *done_file));
  prune(run, *inputs, *done_file);
  report(run, {}, *done_file);
  return run.sum.total();
}

// In a place of its own, of which nothing stays.
Exit run_single(const Session& session, const Wish& wish, const Inputs& inputs) {
  const auto place = Workplace::make();
  if (!place) return explain_output(session, wish.options.output, place.error());
  (void)std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): a reader that went is an error
  return run_in(session, wish, inputs, place->path());
}

Exit run_in_directory(const Session& session, const Wish& wish) {
  const std::string& output = wish.options.output;
  auto lock = lock_output(output);
  if (!lock && lock.error().code == EWOULDBLOCK) {
    return explain_output(session, output, lock.error());
  }
  const auto inputs = gather_files(wish.options.files, directory_id(output));
  if (!inputs) return explain_gathering(session, inputs.error());
  if (!lock) lock = enter_output(output);
  if (!lock) return explain_output(session, output, lock.error());
  return run_in(session, wish, *inputs, output);
}

}  // namespace

Exit run_command(const Session& given, const RunOptions& options) {
  Session session = given;
  const auto wish = wish_of(session, options);
  if (!wish) return fail(session, Exit::usage, wish.error().action);
  if (wish->options.dry_run) return run_dry(session, *wish);
  if (wish->goal == Goal::directory) return run_in_directory(session, *wish);
  const auto inputs = gather_files(wish->options.files, std::nullopt);
  if (!inputs) return explain_gathering(session, inputs.error());
  const auto one = check_one_image(wish->goal, wish->options, *inputs);
  if (!one) return fail(session, Exit::usage, one.error().action);
  return run_single(session, *wish, *inputs);
}

}  // namespace imgq::cli
