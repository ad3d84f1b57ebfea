#include "src/run/private_spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "spool/control.h"
#include "spool/list.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/submit.h"
#include "spool/types.h"
#include "src/cli/file_out.h"
#include "src/jobs/config.h"
#include "src/util/digest.h"
#include "src/util/fd.h"
#include "src/util/io.h"

namespace imgq::cli {
namespace {

constexpr size_t kJobsAtOnce = 256;
constexpr size_t kMaxName = 4096;  // of spool/records.h

bool has_hard_links(const std::string& directory) {
  const std::string one = temp_name(directory);
  const std::string two = temp_name(directory);
  const Fd file(::open(one.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (!file) return true;  // a full or read-only disk is told by what comes next
  const bool linked = ::link(one.c_str(), two.c_str()) == 0;
  const bool unsupported = !linked && (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS);
  (void)::unlink(one.c_str());  // ours, and only a trial
  (void)::unlink(two.c_str());
  return !unsupported;
}

bool is_wanted(const Spool& spool, const JobId& id, const ItemsByKey& wanted) {
  const auto view = find(spool, id);
  return view && wanted.count(view->ticket.key) != 0;
}

void forget(const Spool& spool, const JobId& id) {
  (void)cancel(spool, id);  // EBUSY: has ended; what stays is only not forgotten
  (void)purge(spool, id);
}

Draft draft_of(const RunItem& item, const std::string& request, int max_attempts) {
  Draft draft;
  draft.name =
      item.path.size() > kMaxName ? item.path.substr(item.path.size() - kMaxName) : item.path;
  draft.request = request;
  draft.key = item.key;
  draft.max_attempts = max_attempts;
  draft.referenced.kind = SourceKind::referenced;
  draft.referenced.path = item.real;
  draft.referenced.size_bytes = item.size_bytes;
  draft.referenced.modified_ns = item.modified_ns;
  return draft;
}

Status take_answer(const Spool& spool, const Result<Submitted>& answer, size_t item,
                   RunSubmitted& out) {
  if (!answer) {
    if (is_pausing(answer.error()) || is_ambiguous(answer.error())) return answer.error();
    out.refused.push_back({item, answer.error()});
    return Ok{};
  }
  if (!answer->existing) return Ok{};
  const auto ended = has_ended(spool, answer->id);
  if (!ended) return ended.error();
  if (*ended) out.finished.push_back(answer->id);
  return Ok{};
}

// Empties an open directory, whatever is in it.
Status empty_directory(int parent, const char* name, const std::string& path);

Status remove_entry(int dir, const char* name, const std::string& path) {
  if (::unlinkat(dir, name, 0) == 0 || errno == ENOENT) return Ok{};
  if (errno != EISDIR && errno != EPERM) return last_error("remove", path);
  if (auto emptied = empty_directory(dir, name, path); !emptied) return emptied;
  if (::unlinkat(dir, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return last_error("remove", path);
  }
  return Ok{};
}

Status empty_directory(int parent, const char* name, const std::string& path) {
  const Fd dir(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir) return last_error("remove", path);
  const auto names = list_names(dir.get(), ".");
  if (!names) return Error{names.error().code, "remove", path};
  for (const std::string& child : *names) {
    if (auto done = remove_entry(dir.get(), child.c_str(), path + "/" + child); !done) return done;
  }
  return Ok{};
}

}  // namespace

std::string run_key(const RunItem& item, const std::string& request_digest) {
  const std::string all = fmt::format("{}/{}/{}/{}{}{}", item.size_bytes, item.modified_ns,
                                      request_digest, item.folder, '\0', item.real);
  return "run:" + sha256_hex(all);
}

Result<Fd> enter_output(const std::string& output) {
  if (auto made = make_directories(output + "/.imgq"); !made) return made.error();
  return lock_output(output);
}

Result<Fd> lock_output(const std::string& output) {
  const std::string own = output + "/.imgq";
  Fd lock(::open(own.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) return last_error("open", own);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return last_error("lock", own);
  sweep_temps(own);
  return lock;
}

Result<Spool> open_run_spool(const std::string& output) {
  const std::string beside = output + "/.imgq";
  if (has_hard_links(beside)) return Spool::create(beside + "/spool", 0700);
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(output.c_str(), nullptr), ::free);
  const std::string place = real ? real.get() : output;
  return Spool::create(fmt::format("{}-run/{}", default_spool(), sha256_hex(place).substr(0, 16)),
                       0700);  // beside the user's own spool, not in it
}

void forget_stale(const Spool& spool, const ItemsByKey& wanted) {
  for (const State state : kAllStates) {
    const auto jobs = list(spool, state, Order::oldest_first, std::numeric_limits<size_t>::max());
    if (!jobs) continue;  // told by the submission, when it matters
    const bool ended_badly = state == State::failed || state == State::cancelled;
    for (const Listed& job : *jobs) {
      if (ended_badly || !is_wanted(spool, job.id, wanted)) forget(spool, job.id);
    }
  }
}

Result<RunSubmitted> submit_items(const Spool& spool, const std::vector<RunItem>& items,
                                  const std::vector<size_t>& chosen, const std::string& request,
                                  int max_attempts, Sync sync) {
  RunSubmitted out;
  for (size_t begin = 0; begin < chosen.size(); begin += kJobsAtOnce) {
    const size_t end = std::min(begin + kJobsAtOnce, chosen.size());
    std::vector<Draft> drafts;
    for (size_t i = begin; i < end; ++i) {
      drafts.push_back(draft_of(items[chosen[i]], request, max_attempts));
    }
    const auto answers = submit(spool, std::move(drafts), sync);
    for (size_t i = 0; i < answers.size(); ++i) {
      if (auto done = take_answer(spool, answers[i], chosen[begin + i], out); !done) {
        return done.error();
      }
    }
  }
  return out;
}

Status remove_tree(const std::string& path) { return remove_entry(AT_FDCWD, path.c_str(), path); }

}  // namespace imgq::cli
