#include <fmt/format.h>
#include <unistd.h>

#include <set>

#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/cli/commands.h"
#include "src/cli/file_out.h"
#include "src/cli/files.h"
#include "src/cli/ids.h"
#include "src/cli/job_text.h"
#include "src/cli/wait.h"
#include "src/jobs/result_name.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

struct Get {
  const Session& session;
  const GetOptions& options;
  const Spool& spool;
  Goal goal;
  std::set<std::string> used;  // names given in this run
  Sum sum;
};

// An existing directory or a name with a slash at its end is a directory.
Goal goal_of(const std::string& output) {
  if (output == "-") return Goal::out;
  return output.back() == '/' || directory_id(output) ? Goal::directory : Goal::file;
}

// -2, -3, ... when two jobs of one command would have the same.
std::string free_name(Get& get, const JobView& view, const ResultFile& result) {
  int number = 1;
  while (true) {
    std::string name = result_name(view.ticket, *view.outcome, result, number);
    if (get.used.insert(name).second) return name;
    ++number;
  }
}

void print_path(const Get& get, const JobView& view, const ResultFile& result,
                const std::string& path) {
  Console& console = get.session.console;
  if (get.session.json) {
    Json out{
        {"id", view.ticket.id.text()}, {"name", result.rendition}, {"bytes", result.size_bytes}};
    put_bytes(out, "file", path);
    console.put_line(versioned(out));
  } else {
    console.put(path);
    console.put(get.options.print0 ? std::string_view("\0", 1) : "\n");
  }
}

// A result that cannot be handed out.
Exit fail_copy(const Get& get, const JobView& view, Exit exit, const std::string& message) {
  if (get.session.json) {
    get.session.console.put_line(error_json("id", view.ticket.id.text(), "io_error", message));
  }
  return fail(get.session, exit, message);
}

Exit copy_to_file(const Get& get, const JobView& view, int from, Result<OutFile> out) {
  if (!out) return fail_copy(get, view, Exit::cannot_create, out.error().text());
  if (auto done = out->copy(from); !done) {
    return fail_copy(get, view, exit_for(done.error()), done.error().text());
  }
  if (auto done = out->commit(); !done) {
    return fail_copy(get, view, Exit::cannot_create, done.error().text());
  }
  return Exit::ok;
}

std::string path_for(Get& get, const JobView& view, const ResultFile& result) {
  const std::string& output = get.options.output;
  if (get.goal == Goal::file) return output;
  const std::string name = free_name(get, view, result);
  return output == "." || output == "./" ? name : joined(output, name);
}

// Into a directory the name is ours, so that what stands there may be anybody's: the photograph
// itself, in the end.
Exit copy_one(Get& get, const JobView& view, const ResultFile& result) {
  const auto from = open_result(get.spool, view.ticket.id, result);
  if (!from) return fail(get.session, from.error());
  if (get.goal == Goal::out) {
    const auto copied = copy_bytes(from->get(), result.file, STDOUT_FILENO, "stdout");
    return copied ? Exit::ok : fail(get.session, Exit::io_error, copied.error().text());
  }
  const bool ours = get.goal == Goal::directory;
  const std::string path = path_for(get, view, result);
  if (!ours || !has_content(path, result.sha256)) {
    if (ours && !get.options.overwrite && is_there(path)) {
      return fail_copy(get, view, Exit::cannot_create,
                       about(path,
                             "other content is in the way, perhaps the photograph itself; -o DIR/ "
                             "puts the result elsewhere, --overwrite replaces the file"));
    }
    const Exit exit =
        copy_to_file(get, view, from->get(), ours ? OutFile::replacing(path) : OutFile::open(path));
    if (exit != Exit::ok) return exit;
  }
  print_path(get, view, result, path);
  return Exit::ok;
}

Exit get_job(Get& get, const JobId& id) {
  const auto view = find(get.spool, id);
  if (!view) return tell_missing(get.session, id, view.error());
  if (view->state != State::completed || !view->outcome) {
    return fail_job(get.session, id,
                    view->outcome ? view->outcome->cause.code : name_of(view->state),
                    fmt::format("has no result: {}", cause_words(*view)));
  }
  std::vector<ResultFile> results = view->outcome->results;
  const std::string& wanted = get.options.rendition;
  std::erase_if(results, [&wanted](const ResultFile& result) {
    return !wanted.empty() && result.rendition != wanted;
  });
  if (results.empty()) {
    return fail_job(get.session, id, "unknown",
                    fmt::format("has no rendition '{}'", printable(wanted)));
  }
  if (results.size() > 1 && get.goal != Goal::directory) {
    return fail(get.session, Exit::usage,
                about(id.text(), "has several results: name one with --rendition"));
  }
  Sum sum;
  for (const ResultFile& result : results) sum.add(copy_one(get, *view, result));
  return sum.total();
}

// Options that would be passed over.
Status check_company(const Session& session, const GetOptions& options) {
  if (!options.timeout.empty() && !options.wait) return usage_error("--timeout goes with --wait");
  if (int{options.print0} + int{session.json} + int{options.output == "-"} > 1) {
    return usage_error("--print0, --json and --output - exclude each other");
  }
  return Ok{};
}

}  // namespace

Exit get_command(const Session& session, const GetOptions& options) {
  const auto timeout = parse_timeout(options.timeout);
  if (!timeout) return fail(session, Exit::usage, timeout.error().action);
  if (auto ok = check_company(session, options); !ok) {
    return fail(session, Exit::usage, ok.error().action);
  }
  const auto ids = gather_ids(options.ids);
  if (!ids) return fail(session, Exit::usage, ids.error().action);
  const Goal goal = goal_of(options.output);
  if (auto ok = check_goal(goal, options.output, ids->size(), "jobs"); !ok) {
    return fail(session, Exit::usage, ok.error().action);
  }
  std::optional<Deadline> deadline;
  if (options.wait) deadline.emplace(*timeout);
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  if (goal == Goal::directory) {
    if (auto made = make_directories(options.output); !made) {
      return fail(session, Exit::cannot_create, made.error().text());
    }
  }
  if (deadline) {
    // Below it is told why there is no result.
    const Exit waited = wait_for(session, *spool, *ids, *deadline, Tell::nothing);
    if (waited == Exit::try_later) return waited;
    deadline.reset();
  }
  Get get{session, options, *spool, goal, {}, {}};
  for (const JobId& id : *ids) get.sum.add(get_job(get, id));
  return get.sum.total();
}

}  // namespace imgq::cli
