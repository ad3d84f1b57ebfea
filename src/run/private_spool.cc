#include "src/run/private_spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

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
#include "src/util/random.h"
#include "src/util/sys.h"

namespace imgq::cli {
namespace {

constexpr size_t kJobsAtOnce = 256;

// Tried on the ledger, which is there: a new file that is removed at once comes back in a bucket.
bool has_hard_links(const std::string& home) {
  const std::string trial = temp_name(home);
  if (::link((home + "/done").c_str(), trial.c_str()) != 0) {
    return errno == ENOSPC || errno == EDQUOT;  // told by what comes next
  }
  (void)::unlink(trial.c_str());  // ours, and only a trial
  return true;
}

// Beside the user's own spool, not in it.
std::string spools_elsewhere() { return default_spool() + "-run"; }

// What the names of all parts in one output directory begin with.
std::string name_elsewhere(const Run& run) {
  const std::string real = real_path(run.place);
  return sha256_hex(real.empty() ? run.place : real).substr(0, 16) + "-";
}

// Removes the spools of such names, but the one to be kept.
void remove_spools(const std::string& folder, const std::string& prefix, const std::string& kept) {
  const auto names = list_names(AT_FDCWD, folder);
  if (!names) return;  // mostly not there; what stays is in nobody's way
  for (const std::string& name : *names) {
    if (name.starts_with(prefix) && name != kept) (void)remove_tree(folder + "/" + name);
  }
}

// Where no boot can be told from another, nothing is taken over.
std::string this_boot() {
  const std::string boot = sys::identity().boot;
  return boot == sys::kUnknown ? random_name() : boot;
}

// Part of it reached the disk and part did not: its disk was pulled out, say.
bool is_torn(const Error& error) {
  return error.code == 0 || error.code == EPROTO || error.code == ENOTEMPTY;
}

void forget(const Spool& spool, const JobId& id) {
  (void)cancel(spool, id);  // EBUSY: has ended; what stays is only not forgotten
  (void)purge(spool, id);
}

Draft draft_of(const Run& run, const RunItem& item) {
  const size_t begin = item.path.size() - std::min(item.path.size(), kMaxNameBytes);
  Draft draft{item.path.substr(begin), run.request, item.key, run.session.config.max_attempts};
  draft.takes_key = false;
  draft.referenced = {SourceKind::referenced, item.real, item.size_bytes, item.modified_ns};
  return draft;
}

Status take_answer(Run& run, const Result<Submitted>& answer, size_t item) {
  if (answer) return Ok{};
  if (is_pausing(answer.error()) || is_ambiguous(answer.error())) return answer.error();
  fail_item(run, item, "io_error", answer.error().text(), Exit::io_error);
  return Ok{};
}

Result<Fd> lock_directory(const std::string& path, int how) {
  Fd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) return last_error("open", path);
  if (::flock(lock.get(), how | LOCK_NB) != 0) return last_error("lock", path);
  return lock;
}

// A home of its own is looked for when nobody can remove it any more.
Result<Entered> lock_both(const std::string& output, const std::string& part,
                          Status (*have)(const std::string&)) {
  auto all = lock_directory(home_of(output, ""), part.empty() ? LOCK_EX : LOCK_SH);
  if (!all) return all.error();
  const std::string home = home_of(output, part);
  if (auto there = have(home); !there) return there.error();
  auto own = part.empty() ? Result<Fd>(Fd()) : lock_directory(home, LOCK_EX);
  if (!own) return own.error();
  sweep_temps(home);
  return Entered{std::move(*all), std::move(*own)};
}

}  // namespace

Result<Entered> enter_output(const std::string& output, const std::string& part) {
  if (auto made = make_directories(home_of(output, "")); !made) return made.error();
  return lock_both(output, part, make_directories);
}

Result<Entered> lock_output(const std::string& output, const std::string& part) {
  return lock_both(output, part, [](const std::string&) { return Status(Ok{}); });
}

Result<Spool> open_run_spool(const Run& run) {
  const bool here = has_hard_links(run.home);
  const std::string folder = here ? run.home : spools_elsewhere();
  const std::string prefix = here ? "spool-" : name_elsewhere(run) + run.shard.name() + "-";
  const std::string name = prefix + this_boot();
  const auto enter = [&] { return Spool::create(folder + "/" + name, 0700, Survives::kill); };
  remove_spools(folder, here ? "spool" : prefix, name);
  auto spool = enter();
  if (spool || !is_torn(spool.error())) return spool;
  remove_spools(folder, prefix, "");
  return enter();
}

void forget_parts(const Run& run) {
  if (run.shard.is_all()) remove_spools(spools_elsewhere(), name_elsewhere(run), "");
}

Left forget_stale(const Run& run, const Spool& spool) {
  Left left;
  for (const State state : kAllStates) {
    const auto jobs = list(spool, state, Order::oldest_first, std::numeric_limits<size_t>::max());
    if (!jobs) continue;  // told by the submission, when it matters
    const bool ended_badly = state == State::failed || state == State::cancelled;
    for (const Listed& job : *jobs) {
      const auto view = find(spool, job.id);
      const bool wanted = view && run.by_key.contains(view->ticket.key);
      if (ended_badly || !wanted || !left.emplace(view->ticket.key, job.id).second) {
        forget(spool, job.id);
      }
    }
  }
  return left;
}

Result<std::vector<JobId>> submit_items(Run& run, const Spool& spool,
                                        const std::vector<size_t>& chosen, const Left& left) {
  std::vector<JobId> finished;
  std::vector<size_t> missing;
  for (const size_t i : chosen) {
    const auto there = left.find(run.items[i].key);
    if (there == left.end()) {
      missing.push_back(i);
      continue;
    }
    const auto ended = has_ended(spool, there->second);
    if (!ended) return ended.error();
    if (*ended) finished.push_back(there->second);
  }
  for (size_t begin = 0; begin < missing.size(); begin += kJobsAtOnce) {
    const size_t end = std::min(begin + kJobsAtOnce, missing.size());
    std::vector<Draft> drafts;
    for (size_t i = begin; i < end; ++i) drafts.push_back(draft_of(run, run.items[missing[i]]));
    const auto answers = submit(spool, std::move(drafts), run.sync);
    for (size_t i = 0; i < answers.size(); ++i) {
      if (auto taken = take_answer(run, answers[i], missing[begin + i]); !taken) {
        return taken.error();
      }
    }
  }
  return finished;
}

}  // namespace imgq::cli
