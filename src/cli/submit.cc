#include "spool/submit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "spool/room.h"
#include "spool/source.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/cli/commands.h"
#include "src/cli/file_out.h"
#include "src/cli/job_text.h"
#include "src/cli/wait.h"
#include "src/util/digest.h"
#include "src/util/json.h"
#include "src/util/open_files.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

constexpr size_t kGroup = 256;  // jobs that share their syncs
constexpr size_t kEach = 2;     // descriptors that one holds meanwhile: image and ticket
constexpr size_t kLittle = 64;  // that everything else holds

// What all files of one command have in common.
struct Plan {
  const Session& session;
  const SubmitOptions& options;
  const Spool& spool;
  std::string request;
  std::vector<JobId> ids;
  Sum sum;
  Exit stopped = Exit::ok;  // the spool takes no more: leave the rest
};

std::string display_name(const Plan& plan, const std::string& path) {
  if (path == "-") return plan.options.name.empty() ? "stdin" : plan.options.name;
  return path;
}

void print_error(Plan& plan, const Trouble& trouble) {
  Console& console = plan.session.console;
  console.error(about(trouble.name, trouble.cause));
  plan.sum.add(trouble.exit);
  if (!plan.session.json) return;
  console.put_line(error_json("name", trouble.name, name_of(trouble.code), trouble.cause));
}

void print_id(Plan& plan, const Submitted& done, const std::string& name) {
  plan.sum.add(Exit::ok);
  plan.ids.push_back(done.id);
  Console& console = plan.session.console;
  if (done.existing) console.detail(about(name, "known already as " + done.id.text()));
  if (plan.session.json) {
    Json out{{"id", done.id.text()}, {"existing", done.existing}};
    put_bytes(out, "name", name);
    console.put_line(versioned(out));
  } else {
    console.put(done.id.text());
    console.put(plan.options.print0 ? std::string_view("\0", 1) : "\n");
  }
}

// Everything on stdin into a temporary file of the spool.
Result<TempFile> take_stdin(const Plan& plan) {
  auto temp = TempFile::create(plan.spool);
  if (!temp) return temp;
  const auto size = copy_bytes(STDIN_FILENO, "stdin", temp->fd(), temp->path(),
                               plan.session.config.limits.max_file_bytes);
  if (!size) return size.error();
  if (*size == 0) return Error{ENODATA, "read", "stdin"};
  return temp;
}

Result<TempFile> take_file(const Plan& plan, const std::string& path) {
  const auto opened = open_input(path);
  if (!opened) return opened.error();
  if (opened->size_bytes == 0) return Error{ENODATA, "open", path};
  if (plan.options.link) {
    auto linked = link_source(plan.spool, AT_FDCWD, path);
    const bool copy = !linked && (linked.error().code == EXDEV || linked.error().code == EPERM ||
                                  linked.error().code == EMLINK || linked.error().code == EINVAL ||
                                  linked.error().code == ELOOP);
    if (!copy) return linked;
    plan.session.console.detail(about(path, "cannot be linked, copied instead"));
  }
  return copy_source(plan.spool, opened->file.get(), plan.session.config.limits.max_file_bytes);
}

Result<Draft> make_draft(const Plan& plan, const std::string& path) {
  Draft draft{display_name(plan, path), plan.request, plan.options.key,
              plan.session.config.max_attempts, plan.options.hold};
  auto source = path == "-" ? take_stdin(plan) : take_file(plan, path);
  if (!source) return source.error();
  if (plan.options.dedupe) {
    auto digest = sha256_of_file(source->fd(), path == "-" ? "stdin" : path);
    if (!digest) return digest.error();
    draft.sha256 = std::move(*digest);
    draft.key = fmt::format("dedupe:{}:{}", draft.sha256, sha256_hex(plan.request));
  }
  draft.source = std::move(*source);
  return draft;
}

// An error that says something of the spool, not of the file.
bool is_of_spool(const Error& error) { return is_pausing(error) && error.code != EMFILE; }

Trouble of_spool(const std::string& name, const Error& error) {
  return {name, error.text(), exit_for(error), Code::io_error};
}

// Files of one group in the order given: those with a draft, and those with trouble.
struct Group {
  std::vector<Draft> drafts;
  struct Entry {
    std::string name;
    std::optional<Trouble> trouble;
  };
  std::vector<Entry> entries;
};

void stop_at(Plan& plan, const Error& error) {
  if (is_of_spool(error) && plan.stopped == Exit::ok) plan.stopped = exit_for(error);
}

std::vector<Result<Submitted>> submit_drafts(const Plan& plan, std::vector<Draft> drafts) {
  if (drafts.empty()) return {};
  if (auto room = require_room(plan.spool, plan.session.config.min_free_bytes); !room) {
    return std::vector<Result<Submitted>>(drafts.size(), room.error());
  }
  const Sync sync = drafts.size() == 1 ? Sync::full : Sync::batch;
  return submit(plan.spool, std::move(drafts), sync);
}

// Submits the drafts and tells of all entries, in their order.
void finish(Plan& plan, Group& group) {
  const auto answers = submit_drafts(plan, std::move(group.drafts));
  size_t next = 0;
  for (const Group::Entry& entry : group.entries) {
    if (entry.trouble) {
      print_error(plan, *entry.trouble);
      continue;
    }
    const auto& answer = answers[next++];
    if (answer) {
      print_id(plan, *answer, entry.name);
      continue;
    }
    stop_at(plan, answer.error());
    print_error(plan, of_spool(entry.name, answer.error()));
  }
  group = Group();
  if (!plan.session.console.flush() && plan.stopped == Exit::ok) plan.stopped = Exit::io_error;
}

void add(Plan& plan, Group& group, const std::string& path) {
  const std::string name = display_name(plan, path);
  auto draft = make_draft(plan, path);
  if (draft) {
    group.drafts.push_back(std::move(*draft));
    group.entries.push_back({name, std::nullopt});
    return;
  }
  stop_at(plan, draft.error());
  group.entries.push_back({name, is_of_spool(draft.error()) ? of_spool(name, draft.error())
                                                            : trouble_for(name, draft.error())});
}

// The rest of the files, from `begin` on, after the spool took no more.
void tell_untried(const Plan& plan, const std::vector<Input>& files, size_t begin) {
  if (begin == files.size()) return;
  plan.session.console.error(counted(static_cast<int64_t>(files.size() - begin), "more file") +
                             " not tried");
  if (!plan.session.json) return;
  for (size_t i = begin; i < files.size(); ++i) {
    const std::string name = display_name(plan, files[i].path);
    plan.session.console.put_line(error_json("name", name, name_of(Code::io_error), "not tried"));
  }
}

// With few descriptors the groups are small.
size_t group_size() {
  const size_t granted = allow_open_files(kGroup * kEach + kLittle);
  return std::clamp<size_t>((granted - std::min(granted, kLittle)) / kEach, 1, kGroup);
}

void submit_all(Plan& plan, const std::vector<Input>& files) {
  Group group;
  const size_t most = group_size();
  size_t next = 0;
  while (next < files.size() && plan.stopped == Exit::ok) {
    add(plan, group, files[next++].path);
    if (group.entries.size() >= most) finish(plan, group);
  }
  finish(plan, group);
  tell_untried(plan, files, next);
}

// One command, from its files to its exit code. The spool is opened when the first files are known:
// what is wrong with them is told first.
class Submission {
 public:
  Submission(const Session& session, const SubmitOptions& options, std::string request)
      : session_(session), options_(options), request_(std::move(request)) {}

  Status as_they_come() {
    return gather_in_parts(options_.files, std::nullopt, [this](const Inputs& part) {
      take(part);
      return exit_ == Exit::ok && plan_->stopped == Exit::ok;
    });
  }

  // A key names one job: how many files there are must be known first.
  Status the_one() {
    const auto inputs = gather_files(options_.files, std::nullopt);
    if (!inputs) return inputs.error();
    if (inputs->files.size() > 1) return Error{0, "--key names one job: give one file", ""};
    take(*inputs);
    return Ok{};
  }

  Exit end(Timeout timeout) {
    if (exit_ != Exit::ok) return exit_;
    if (!session_.console.flush()) return Exit::io_error;  // told at the end
    if (plan_->stopped != Exit::ok) return plan_->stopped;
    const Exit submitted = plan_->sum.total();
    if (!options_.wait) return submitted;
    const Exit waited = wait_for(session_, *spool_, plan_->ids, Deadline(timeout));
    return waited == Exit::try_later || submitted == Exit::ok ? waited : submitted;
  }

 private:
  bool open() {
    if (plan_) return true;
    auto spool = open_spool(session_, Missing::make_own);
    if (!spool) {
      exit_ = exit_for(spool.error());
      return false;
    }
    spool_.emplace(std::move(*spool));
    plan_.emplace(Plan{session_, options_, *spool_, std::move(request_), {}, {}, Exit::ok});
    return true;
  }

  void take(const Inputs& inputs) {
    if (!open()) return;
    tell_passed_over(session_.console, inputs);
    for (const Trouble& trouble : inputs.trouble) print_error(*plan_, trouble);
    submit_all(*plan_, inputs.files);
  }

  const Session& session_;
  const SubmitOptions& options_;
  std::string request_;
  std::optional<Spool> spool_;
  std::optional<Plan> plan_;
  Exit exit_ = Exit::ok;  // of a spool that cannot be opened
};

// Options that would be passed over.
Status check_company(const Session& session, const SubmitOptions& options) {
  const auto& names = options.files.names;
  if (!options.name.empty() && std::find(names.begin(), names.end(), "-") == names.end()) {
    return usage_error("--name is for an image on stdin: -");
  }
  if (options.print0 && session.json) return usage_error("--print0 and --json exclude each other");
  if (!options.timeout.empty() && !options.wait) return usage_error("--timeout goes with --wait");
  if (options.hold && options.wait && options.timeout.empty()) {
    return usage_error("--hold with --wait needs --timeout: a held job does not end");
  }
  return Ok{};
}

Status check_options(const SubmitOptions& options) {
  const auto& names = options.files.names;
  if (names.empty() && options.files.files_from.empty()) {
    return usage_error("no file named; see 'imgq submit --help'");
  }
  if (!options.key.empty() && options.dedupe) {
    return usage_error("--key and --dedupe exclude each other");
  }
  if (options.key.size() > kMaxKeyBytes) {
    return usage_error(fmt::format("--key: more than {} bytes", kMaxKeyBytes));
  }
  const auto stdins = std::count(names.begin(), names.end(), std::string("-"));
  if (stdins + int{options.files.files_from == "-"} > 1) {
    return usage_error("stdin can be read only once");
  }
  return Ok{};
}

}  // namespace

Exit submit_command(const Session& session, const SubmitOptions& options) {
  const auto request = make_request(options.request, session.config);
  if (!request) return fail(session, Exit::usage, request.error().action);
  const auto timeout = parse_timeout(options.timeout);
  if (!timeout) return fail(session, Exit::usage, timeout.error().action);
  auto ok = check_files(options.files);
  if (ok) ok = check_options(options);
  if (ok) ok = check_company(session, options);
  if (!ok) return fail(session, Exit::usage, ok.error().action);
  Submission submission(session, options, to_json(*request));
  const auto gathered = options.key.empty() ? submission.as_they_come() : submission.the_one();
  if (!gathered) return explain_gathering(session, gathered.error());
  return submission.end(*timeout);
}

}  // namespace imgq::cli
