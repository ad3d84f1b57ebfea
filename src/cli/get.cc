#include "src/cli/get.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/cli/file_out.h"
#include "src/cli/files.h"
#include "src/cli/ids.h"
#include "src/cli/job_text.h"
#include "src/cli/wait.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

struct Target {
  enum class Kind { directory, file, out } kind = Kind::directory;
  std::string path;
};

struct Get {
  const Session& session;
  const GetOptions& options;
  const Spool& spool;
  Target target;
  std::set<std::string> used;  // names given in this run
  Sum sum;
};

bool is_directory(const std::string& path) {
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
}

// What -o means: "-" stdout, an existing directory or a name with a slash at its end a directory,
// else a file.
Target target_of(const std::string& output) {
  if (output.empty()) return {Target::Kind::directory, "."};
  if (output == "-") return {Target::Kind::out, output};
  if (output.back() == '/' || is_directory(output)) return {Target::Kind::directory, output};
  return {Target::Kind::file, output};
}

// The submitter's name is data: only its last part counts, and nothing that would hide.
std::string stem_for(const Ticket& ticket) {
  const std::string stem(stem_of(base_name(ticket.name)));
  return stem.empty() || stem[0] == '.' ? ticket.id.text() : stem;
}

std::string extension_of_file(const ResultFile& result) {
  return std::string(extension_in(result.file));
}

// <stem>.<ext>, or <stem>.<rendition>.<ext> when there are several; -2, -3, ... when two jobs of
// one command would have the same.
std::string free_name(Get& get, const JobView& view, const ResultFile& result) {
  const bool several = view.outcome->results.size() > 1;
  const std::string middle = several ? "." + result.rendition : "";
  const std::string stem = stem_for(view.ticket);
  const std::string extension = extension_of_file(result);
  std::string name = fmt::format("{}{}.{}", stem, middle, extension);
  for (int number = 2; !get.used.insert(name).second; ++number) {
    name = fmt::format("{}-{}{}.{}", stem, number, middle, extension);
  }
  return name;
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
    get.session.console.put_line(job_error_json(view.ticket.id.text(), "io_error", message));
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

// Into a directory the name is ours, so that what stands there may be anybody's: the photograph
// itself, in the end.
Exit copy_into_directory(Get& get, const JobView& view, const ResultFile& result, int from) {
  std::string path = get.target.path;
  const std::string name = free_name(get, view, result);
  if (path.back() != '/') path += '/';
  path = path == "./" ? name : path + name;
  Exit exit = Exit::ok;
  if (!has_content(path, result.sha256)) {
    if (!get.options.overwrite && is_there(path)) {
      return fail_copy(get, view, Exit::cannot_create,
                       about(path,
                             "other content is in the way, perhaps the photograph itself; -o DIR/ "
                             "puts the result elsewhere, --overwrite replaces the file"));
    }
    exit = copy_to_file(get, view, from, OutFile::replacing(path));
  }
  if (exit == Exit::ok) print_path(get, view, result, path);
  return exit;
}

Exit copy_one(Get& get, const JobView& view, const ResultFile& result) {
  const auto from = open_result(get.spool, view.ticket.id, result);
  if (!from) return fail(get.session, from.error());
  switch (get.target.kind) {
    case Target::Kind::out: {
      const auto copied = copy_bytes(from->get(), STDOUT_FILENO, "stdout");
      return copied ? Exit::ok : fail(get.session, Exit::io_error, copied.error().text());
    }
    case Target::Kind::file: {
      const Exit exit = copy_to_file(get, view, from->get(), OutFile::open(get.target.path));
      if (exit == Exit::ok) print_path(get, view, result, get.target.path);
      return exit;
    }
    case Target::Kind::directory:
      return copy_into_directory(get, view, result, from->get());
  }
  return Exit::bug;
}

// Why there is no result, for programs: the verdict, or the state while there is none.
std::string cause_code(const JobView& view) {
  return view.outcome ? view.outcome->cause.code : std::string(name_of(view.state));
}

std::vector<ResultFile> chosen(const Get& get, const JobView& view) {
  std::vector<ResultFile> results;
  for (const ResultFile& result : view.outcome->results) {
    if (get.options.rendition.empty() || result.rendition == get.options.rendition) {
      results.push_back(result);
    }
  }
  return results;
}

Exit get_job(Get& get, const JobId& id) {
  const auto view = find(get.spool, id);
  if (!view) return tell_missing(get.session, id, view.error());
  if (view->state != State::completed || !view->outcome) {
    return fail_job(get.session, id, cause_code(*view),
                    fmt::format("has no result: {}", cause_words(*view)));
  }
  const std::vector<ResultFile> results = chosen(get, *view);
  if (results.empty()) {
    return fail_job(get.session, id, "unknown",
                    fmt::format("has no rendition '{}'", printable(get.options.rendition)));
  }
  if (results.size() > 1 && get.target.kind != Target::Kind::directory) {
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

Status check_target(const Target& target, size_t ids) {
  if (target.kind != Target::Kind::directory && ids > 1) {
    const std::string name = printable(target.path);
    return Error{
        EINVAL,
        target.kind == Target::Kind::out
            ? "--output: several jobs need a directory"
            : fmt::format("--output: several jobs need a directory: '{}/' makes one", name),
        ""};
  }
  if (target.kind == Target::Kind::out && isatty(STDOUT_FILENO) == 1) {
    return Error{EINVAL, "--output: an image is not for a terminal; redirect it", ""};
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
  Target target = target_of(options.output);
  if (auto ok = check_target(target, ids->size()); !ok) {
    return fail(session, Exit::usage, ok.error().action);
  }
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  if (target.kind == Target::Kind::directory) {
    if (auto made = make_directories(target.path); !made) {
      return fail(session, Exit::cannot_create, made.error().text());
    }
  }
  if (options.wait) {
    // Below it is told why there is no result.
    const Exit waited = wait_for(session, *spool, *ids, *timeout, Tell::nothing);
    if (waited == Exit::try_later) return waited;
  }
  Get get{session, options, *spool, std::move(target), {}, {}};
  for (const JobId& id : *ids) get.sum.add(get_job(get, id));
  return get.sum.total();
}

}  // namespace imgq::cli
