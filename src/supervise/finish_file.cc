#include "src/supervise/finish_file.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "spool/placed.h"
#include "spool/query.h"
#include "spool/types.h"
#include "src/supervise/place_results.h"
#include "src/util/digest.h"
#include "src/util/paths.h"
#include "src/util/sys.h"

namespace imgq::supervise {
namespace {

using After = HotFolder::After;

// Of the names under which this folder's originals are on their way out: ".imgq-<16 hex>-<id>".
std::string aside_prefix(const HotFolderPlan& plan) {
  return ".imgq-" + sha256_hex(plan.hot_folder.directory).substr(0, 16) + "-";
}

Result<Departure> move_away(const HotFolderPlan& plan, const AwaitedFile& file, int from) {
  const auto top = open_folder(plan.hot_folder.move_to);
  if (!top) return top.error();
  const auto to = open_below(top->get(), folder_of(file.name), Missing::make);
  if (!to) return to.error();
  const std::string name(base_name(file.name));
  const WayOut way{from, name, top->get(), aside_prefix(plan) + file.job.text()};
  auto moved = move_original(file.original, way, to->get(), name);
  if (moved) return moved;
  return Error{moved.error().code, "move to " + plan.hot_folder.move_to, file.name};
}

Result<Departure> take_away(const HotFolderPlan& plan, int folder, const AwaitedFile& file) {
  const auto from = open_below(folder, folder_of(file.name), Missing::refuse);
  if (!from) {
    const bool gone = from.error().code == ENOENT;
    return gone ? Result<Departure>(Departure::not_it) : from.error();
  }
  if (plan.hot_folder.after == After::move) return move_away(plan, file, from->get());
  return remove_original(file.original, {from->get(), std::string(base_name(file.name)), folder,
                                         aside_prefix(plan) + file.job.text()});
}

// What is to be done for a completed job.
Status place(const Spool& spool, const HotFolderPlan& plan, int folder, const AwaitedFile& file,
             FinishedFile& done) {
  if (!plan.hot_folder.results.empty()) {
    const auto job = find(spool, file.job);
    if (!job) return job.error();
    auto placed =
        place_results(spool, *job, plan.hot_folder.results, folder_of(file.name), plan.sync);
    if (!placed) return placed;
  }
  if (plan.hot_folder.after == After::keep) return Ok{};
  const auto gone = take_away(plan, folder, file);
  if (!gone) return gone.error();
  if (*gone == Departure::not_it) done.why = "it is not the file that was submitted";
  return Ok{};
}

void finish(const Spool& spool, const HotFolderPlan& plan, int folder, const AwaitedFile& file,
            FinishedFile& done) {
  const auto state = state_of(spool, file.job);
  if (!state) {
    const bool purged = state.error().code == ENOENT;
    done.fate = purged ? FinishedFile::Fate::forgotten : FinishedFile::Fate::later;
    done.why = state.error().text();
    return;
  }
  if (*state == State::failed || *state == State::cancelled) {
    done.fate = FinishedFile::Fate::ended_badly;
    done.why = "its job is " + std::string(name_of(*state));
    return;
  }
  if (*state != State::completed) return;
  Status placed = place(spool, plan, folder, file, done);
  if (placed) placed = mark_placed(spool, file.job);
  done.fate = placed ? FinishedFile::Fate::done : FinishedFile::Fate::later;
  if (!placed) done.why = placed.error().text();
}

bool is_same_file(int one, const std::string& name, int other, const std::string& as) {
  struct stat a{}, b{};
  return sys::fstatat(one, name.c_str(), &a) == 0 && sys::fstatat(other, as.c_str(), &b) == 0 &&
         a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// One that was set aside. It has its own name too where that was linked and not yet removed.
Status put_back(const Spool& spool, int from, const std::string& aside, int folder,
                std::string_view id) {
  const auto job = JobId::parse(id);
  if (!job) return Ok{};
  const auto view = find(spool, *job);
  if (!view) return view.error();
  const auto to = open_below(folder, folder_of(view->ticket.name), Missing::make);
  if (!to) return to.error();
  const std::string name(base_name(view->ticket.name));
  if (!is_same_file(from, aside, to->get(), name)) {
    return rename_unless_taken(from, aside, to->get(), name);
  }
  if (sys::unlinkat(from, aside.c_str(), 0) != 0) return last_error("remove", aside);
  return Ok{};
}

struct Asides {
  std::string prefix;
  std::vector<std::string> names = {};
};

Result<std::vector<std::string>> asides_in(int folder, const std::string& prefix) {
  Asides found{prefix};
  const auto take = [](const char* name, void* context) {
    auto& into = *static_cast<Asides*>(context);
    if (std::string_view(name).starts_with(into.prefix)) into.names.emplace_back(name);
    return true;
  };
  if (sys::list(folder, ".", take, &found) != 0) return last_error("read", prefix);
  return std::move(found.names);
}

Status put_back_from(const Spool& spool, const std::string& prefix, int from, int folder) {
  const auto asides = asides_in(from, prefix);
  if (!asides) return asides.error();
  Status all = Ok{};
  for (const std::string& aside : *asides) {
    auto done = put_back(spool, from, aside, folder, aside.substr(prefix.size()));
    if (!done) all = std::move(done);
  }
  return all;
}

}  // namespace

std::vector<FinishedFile> finish_files(const Spool& spool, const HotFolderPlan& plan,
                                       const std::vector<AwaitedFile>& awaited) {
  std::vector<FinishedFile> all;
  if (awaited.empty()) return all;
  const auto folder = open_hot_folder(plan);
  for (const AwaitedFile& file : awaited) {
    all.push_back({file.job, file.name});
    if (folder) {
      finish(spool, plan, folder->get(), file, all.back());
    } else {
      all.back().fate = FinishedFile::Fate::later;
      all.back().why = folder.error().text();
    }
  }
  return all;
}

std::vector<JobId> ended_of(const Spool& spool, std::vector<JobId> jobs) {
  std::erase_if(jobs, [&spool](const JobId& job) {
    const auto ended = has_ended(spool, job);
    return !ended || !*ended;
  });
  return jobs;
}

Status put_back_originals(const Spool& spool, const HotFolderPlan& plan) {
  if (plan.hot_folder.after == After::keep) return Ok{};
  const auto folder = open_hot_folder(plan);
  if (!folder) return folder.error();
  const std::string prefix = aside_prefix(plan);
  auto done = put_back_from(spool, prefix, folder->get(), folder->get());
  if (!done || plan.hot_folder.after != After::move) return done;
  const auto target = open_folder(plan.hot_folder.move_to);
  if (!target) return Ok{};  // that is said where something is to be moved there
  return put_back_from(spool, prefix, target->get(), folder->get());
}

}  // namespace imgq::supervise
