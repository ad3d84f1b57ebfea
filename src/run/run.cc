#include "src/run/run.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/base/notes.h"
#include "src/base/verdict.h"
#include "src/cli/done_file.h"
#include "src/cli/file_out.h"
#include "src/cli/files.h"
#include "src/cli/progress.h"
#include "src/cli/wait.h"
#include "src/run/deliver.h"
#include "src/run/private_spool.h"
#include "src/run/single.h"
#include "src/run/state.h"
#include "src/run/watermark.h"
#include "src/supervise/engine.h"
#include "src/util/digest.h"
#include "src/util/log.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::cli {
namespace {

// How often, and how soon again, a person at a terminal wants a passing fault tried.
constexpr std::chrono::seconds kRetryFirst{1};
constexpr std::chrono::seconds kRetryMax{10};

// A result that is wanted elsewhere goes there, and is called by that name.
Status put_single(const Run& run, DoneFile& done_file, RunRecord record) {
  if (run.goal == Goal::directory) return Ok{};
  RunResult& result = record.results.front();
  if (auto put = hand_out(run, fmt::format("{}/{}", run.place, result.file)); !put) return put;
  result.file = base_name(run.options.output);
  return done_file.add(std::move(record));
}

// Whether the output's file system went away: no image is to blame, the next run goes on with all.
bool is_lost(Run& run) {
  struct stat about{};
  if (!run.lost && !look_at(run.place, about)) run.lost = last_error("look at", run.place);
  return run.lost.has_value();
}

// One job has ended: its results go to their place.
void take_outcome(Run& run, const Spool& spool, DoneFile& done_file, size_t index,
                  const Outcome& outcome) {
  if (outcome.ending != Ending::completed) {
    if (is_lost(run)) return;
    std::string message = outcome.cause.message;
    const auto code = code_named(outcome.cause.code);
    if (message.empty() && code) message = explain(*code);
    fail_by_verdict(run, index, outcome.cause.code, message);
    return;
  }
  auto record = deliver(run, spool, done_file, run.items[index], outcome);
  const Status added = record ? put_single(run, done_file, *record) : Ok{};
  if (record && added) {
    for (const std::string& word : record->notes) {
      run.session.console.detail(about(run.items[index].path, note::explain(word)));
    }
    succeed(run, done_file, index, ItemState::made);
    return;
  }
  const Error& error = record ? added.error() : record.error();
  if (is_ambiguous(error) && (error.code != EIO || is_lost(run))) {  // EIO may be of one file
    run.lost = error;
    return;
  }
  std::string cause = error.code == 0 ? error.action : cause_text(error.code);
  if (error.path != run.items[index].path) {
    cause = fmt::format("{}: {}", printable(error.path), cause);
  }
  fail_item(run, index, "io_error", cause,
            is_pausing(error) ? Exit::try_later : Exit::cannot_create);
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

Worked work_off(Run& run, Spool& spool, DoneFile& done_file, const std::vector<size_t>& left,
                const std::vector<JobId>& finished) {
  Progress progress(run.session.console, static_cast<int64_t>(left.size()));
  for (const size_t i : left) {
    if (run.states[i] == ItemState::failed) progress.step(true);  // refused by the spool
  }
  const auto ended = [&](const Outcome& outcome, const Ticket& ticket) {
    const auto found = run.by_key.find(ticket.key);
    if (found == run.by_key.end() || run.states[found->second] != ItemState::wanted) return;
    take_outcome(run, spool, done_file, found->second, outcome);
    (void)run.session.console.flush();  // a reader sees what is ready; the last flush tells
    progress.step(run.states[found->second] == ItemState::failed);
  };
  for (const JobId& id : finished) {
    const auto view = find(spool, id);
    if (view && view->outcome) ended(*view->outcome, view->ticket);
  }
  const Console& console = run.session.console;
  log::set_level(console.quiet()     ? log::Level::error
                 : console.verbose() ? log::Level::info
                                     : log::Level::warning);
  auto settings = engine_settings(run, ended);
  return settings ? supervise::run(spool, std::move(*settings)) : settings.error();
}

// The private spool, from its making to its end.
Worked work(Run& run, DoneFile& done_file, const std::vector<size_t>& left) {
  auto spool = open_run_spool(run);
  if (!spool) return spool.error();
  const auto finished = submit_items(run, *spool, left, forget_stale(run, *spool));
  if (!finished) return finished.error();
  Worked worked = work_off(run, *spool, done_file, left, *finished);
  if (!worked || worked->interrupted) return worked;
  if (run.lost) return *run.lost;
  if (auto gone = remove_tree(spool->path()); !gone) run.session.console.error(gone.error().text());
  return worked;
}

// What is left to do, done and told. Told by exit code; everything else is in `run`.
Exit make(Run& run, const Inputs& inputs, DoneFile& done_file) {
  Console& console = run.session.console;
  const std::vector<size_t> left = still_to_do(run, done_file);
  const Worked worked = left.empty() ? Worked(supervise::Tally()) : work(run, done_file, left);
  if (worked && worked->signal != 0) note_stop(worked->signal);
  const bool whole = worked && !worked->interrupted;
  if (whole) prune(run, inputs, done_file);
  report(run, worked, done_file);
  for (RunRecord& verdict : run.verdicts) {
    if (auto added = done_file.add(std::move(verdict)); !added) {
      console.error(added.error().text());
      break;
    }
  }
  if (auto tidied = done_file.tidy(); !tidied) console.error(tidied.error().text());
  if (!whole) {
    if (!run.options.manifest.empty()) {
      console.error("the manifest is left as it was: not all is made");
    }
    return worked ? Exit::interrupted : exit_for(worked.error());
  }
  forget_parts(run);
  if (auto wrote = write_manifest(run, done_file); !wrote) {
    return fail(run.session, Exit::cannot_create,
                about(run.options.manifest, cause_text(wrote.error().code)));
  }
  return run.sum.total();
}

Exit explain_output(const Run& run, const Error& error) {
  if (error.code == EWOULDBLOCK) {
    return fail(run.session, Exit::try_later,
                about(run.options.output, "another imgq run is at work there"));
  }
  const Exit exit = is_pausing(error)                             ? Exit::try_later
                    : error.code == EACCES || error.code == EPERM ? Exit::no_permission
                                                                  : Exit::cannot_create;
  return fail(run.session, exit, about(error.path, cause_text(error.code)));
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
    const std::string name = printable(options.output);
    return usage_error(fmt::format("--output: '{0}': results are {1}; '{0}/' is a directory", name,
                                   one_of(written_formats())));
  }
  std::string& asked = options.request.fields["format"];
  if (asked.empty() && options.request.preset.empty()) asked = format;
  return Ok{};
}

// Whether the request makes one result, of the kind that its file is named for.
Status check_single(Goal goal, const RunOptions& options, const Request& request) {
  if (goal == Goal::directory) return Ok{};
  if (request.renditions.size() > 1)
    return usage_error("--output: several results need a directory");
  if (auto ok = check_goal(goal, options.output, 1, "images"); !ok) return ok;
  const Format format = request.renditions.front().format;
  if (goal == Goal::file && name_of(format) != format_of(options.output)) {
    return usage_error(fmt::format("--output: '{}' is no name for a result in {}",
                                   printable(options.output), name_of(format)));
  }
  return Ok{};
}

// The same of the images that were found.
Status check_one_image(const Run& run, const Inputs& inputs) {
  const std::string& output = run.options.output;
  if (auto ok = check_goal(run.goal, output, inputs.files.size(), "images"); !ok) return ok;
  if (run.goal != Goal::file || inputs.files.empty()) return Ok{};
  const auto opened = open_input(output);
  const auto source = open_input(inputs.files.front().path);
  if (!opened || !source || opened->id != source->id) return Ok{};
  return usage_error(about(output, "is the image itself: choose another --output"));
}

// What one of several runs cannot know or do.
Status check_shard(Goal goal, const RunOptions& options) {
  if (options.shard.empty()) return Ok{};
  const auto& names = options.files.names;
  if (goal != Goal::directory) return usage_error("--shard goes with an output directory");
  if (std::find(names.begin(), names.end(), "-") != names.end()) {
    return usage_error("--shard: each would read another image from stdin");
  }
  if (options.prune || !options.manifest.empty()) {
    return usage_error("--prune and --manifest are for a run without --shard, when all are made");
  }
  return Ok{};
}

void enter(Run& run, const std::string& place) {
  run.place = place;
  run.home = home_of(place, run.shard.name());
}

// The run that the options ask for, once they are checked.
Result<Run> run_of(Session& session, RunOptions options) {
  const Goal goal = goal_of(options.output);
  options.output = without_slash(options.output);
  options.files.recursive = true;
  auto ok = check_files(options.files);
  if (ok) ok = check_options(session, options);
  if (ok) ok = check_apart(options);
  if (ok) ok = take_format(goal, options);
  if (ok && options.prune && goal != Goal::directory) {
    ok = usage_error("--prune goes with an output directory");
  }
  if (ok) ok = check_shard(goal, options);
  if (!ok) return ok.error();
  const auto shard = parse_shard(options.shard);
  if (!shard) return shard.error();
  auto request = make_request(options.request, session.config);
  if (!request) return request.error();
  if (ok = take_watermark(options, session.config, *request); !ok) return ok.error();
  if (ok = check_single(goal, options, *request); !ok) return ok.error();
  const auto sync = sync_named(options.sync);
  if (!sync) {
    return usage_error(fmt::format("--sync: '{}' is not full, batch or none",
                                   printable(shortened(options.sync, 40))));
  }
  if (!options.workers.empty()) {
    const auto workers = parse_count(options.workers, 1, 1024);
    if (!workers) return usage_error("--workers: " + workers.error().action);
    session.config.workers = static_cast<int>(*workers);
  }
  Run run{session, std::move(options), goal, to_json(*request)};
  run.request_digest = sha256_hex(run.request);
  run.judged_by = sha256_hex(
      fmt::format("{}\n{}\n{}", run.request, to_json(session.config.limits), IMGQ_VERSION));
  run.sync = goal == Goal::directory ? *sync : Sync::none;
  run.shard = *shard;
  enter(run, run.options.output);
  return run;
}

bool has_nothing(const Run& run) { return run.items.empty() && run.failures.empty(); }

// Everything once the place is there and ours.
Exit run_in_place(Run& run, const Inputs& inputs) {
  const std::string single = run.goal == Goal::file ? run.options.output : "";
  for (const std::string& file : {run.options.manifest, single}) {
    if (auto can = check_manifest(file); !can) {
      return fail(run.session, Exit::cannot_create, about(file, cause_text(can.error().code)));
    }
  }
  auto done_file = DoneFile::open(run.place, run.shard.name());
  if (!done_file) return explain_output(run, done_file.error());
  add_items(run, inputs, *done_file);
  sweep_folders(run);
  if (has_nothing(run) && (run.options.strict || run.goal != Goal::directory)) {
    return fail(run.session, Exit::no_input, run.nothing);
  }
  const Exit exit = make(run, inputs, *done_file);
  (void)::unlink(saved_stdin(run.place).c_str());  // mostly not there; else swept by the next run
  return exit;
}

// Only says what would be done, and makes nothing, not even the output.
Exit run_dry(Run& run, const Inputs& inputs) {
  auto done_file = DoneFile::read(run.place);  // of a file there is none
  if (!done_file) return explain_output(run, done_file.error());
  add_items(run, inputs, *done_file);
  if (has_nothing(run) && run.options.strict) return fail(run.session, Exit::no_input, run.nothing);
  tell_plan(run, still_to_do(run, *done_file));
  prune(run, inputs, *done_file);
  report(run, supervise::Tally(), *done_file);
  return run.sum.total();
}

// In a place of its own, of which nothing stays.
Exit run_single(Run& run, const Inputs& inputs) {
  const auto place = Workplace::make();
  if (!place) return explain_output(run, place.error());
  (void)std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): a reader that went is an error
  enter(run, place->path());
  return run_in_place(run, inputs);
}

}  // namespace

Exit run_command(const Session& given, const RunOptions& options) {
  Session session = given;
  auto run = run_of(session, options);
  if (!run && run.error().path.empty()) return fail(session, Exit::usage, run.error().action);
  if (!run) {
    const Trouble trouble = trouble_for(run.error().path, run.error());
    return fail(session, trouble.exit, about(trouble.name, trouble.cause));
  }
  const bool directory = run->goal == Goal::directory;
  const bool dry = run->options.dry_run;
  const std::string part = run->shard.name();
  auto lock = directory && !dry ? lock_output(run->place, part) : Entered();
  if (!lock && lock.error().code == EWOULDBLOCK) return explain_output(*run, lock.error());
  const auto inputs =
      gather_files(run->options.files, directory ? directory_id(run->place) : std::nullopt);
  if (!inputs) return explain_gathering(session, inputs.error());
  if (auto one = check_one_image(*run, *inputs); !one) {
    return fail(session, Exit::usage, one.error().action);
  }
  if (dry) return run_dry(*run, *inputs);
  if (!directory) return run_single(*run, *inputs);
  if (!lock) lock = enter_output(run->place, part);
  if (!lock) return explain_output(*run, lock.error());
  return run_in_place(*run, *inputs);
}

}  // namespace imgq::cli
