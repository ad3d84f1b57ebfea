#include "spool/fsck.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/internal/fsck.h"
#include "spool/internal/keys.h"
#include "spool/internal/tickets.h"
#include "spool/internal/walk.h"
#include "spool/records.h"
#include "spool/recover.h"
#include "spool/spool.h"
#include "spool/sweep.h"
#include "src/util/sys.h"
#include "src/util/threads.h"

namespace imgq {
namespace {

using Kind = Finding::Kind;

constexpr int kLooks = 3;       // what is wrong three times in a row is not just moving
constexpr size_t kBatch = 512;  // jobs of several hours, looked at before the next ones are listed

bool is_wrong(const Finding& finding) { return finding.kind != Kind::note; }

class Walk {
 public:
  Walk(const Spool& spool, Repair repair, size_t at_once)
      : spool_(spool), repair_(repair), at_once_(at_once) {}

  Status run() {
    for (const auto step : {&Walk::folders, &Walk::temps, &Walk::owners, &Walk::jobs, &Walk::hooks,
                            &Walk::keys, &Walk::corrupt}) {
      if (const auto done = (this->*step)(); !done) return done.error();
    }
    return Ok{};
  }

  FsckReport take() { return std::move(report_); }

 private:
  void say(Kind kind, std::string path, std::string what) {
    report_.findings.push_back({std::move(path), std::move(what), kind});
  }
  bool mends() const { return repair_ == Repair::mend; }
  Kind mended_or_not() const { return mends() ? Kind::mended : Kind::mendable; }

  Status folders() {
    const auto names = sorted_names(spool_, ".");
    if (!names) return names.error();
    for (const char* folder : layout::kFolders) {
      if (std::binary_search(names->begin(), names->end(), folder)) continue;
      if (!mends() && layout::may_be_missing(folder)) continue;
      if (mends()) {
        const auto made = durable::make_folder(spool_, folder);
        if (!made) return made.error();
      }
      say(mended_or_not(), folder, "folder is missing");
    }
    for (const std::string& name : *names) {
      if (!layout::is_own_name(name)) say(Kind::note, name, "unknown file");
    }
    return Ok{};
  }

  Status temps() {
    const auto names = sorted_names(spool_, "tmp");
    if (!names) return names.error();
    for (const std::string& name : *names) {
      const std::string path = "tmp/" + name;
      if (layout::is_writer_lock(name)) continue;  // no data: swept with its writer's files
      const auto stale = is_stale_temp(spool_, name);
      if (!stale) return stale.error();
      const auto still = durable::exists(spool_, path);  // its writer may have ended in good order
      if (!still) return still.error();
      if (!*still) continue;
      if (*stale) {
        say(mended_or_not(), path, "temporary file of a dead writer");
      } else {
        say(Kind::note, path, layout::parse_writer(name) ? "being written" : "unknown file");
      }
    }
    if (!mends()) return Ok{};
    const auto swept = sweep_tmp(spool_);
    return swept ? Status(Ok{}) : swept.error();
  }

  Status owners() {
    const auto names = sorted_names(spool_, "processing");
    if (!names) return names.error();
    for (const std::string& name : *names) {
      const std::string path = layout::owner_folder(name);
      if (layout::parse_cordon(name)) continue;
      if (!layout::parse_writer(name)) {
        say(Kind::note, path, "unknown file");
        continue;
      }
      const auto dead = is_dead_here(spool_, name);
      if (!dead && dead.error().code == ENOTDIR) {
        say(Kind::note, path, "unknown file");
        continue;
      }
      if (!dead) return dead.error();
      if (!*dead) continue;
      // An instance that leaves, and whoever buries one, removes the sign of life first.
      const auto held = sorted_names(spool_, path);
      const bool going = held ? held->empty() : held.error().code == ENOENT;
      say(going ? Kind::note : mended_or_not(), path, going ? "being removed" : "owner is dead");
    }
    return mends() ? recover_all() : Status(Ok{});
  }

  Status recover_all() {
    Heartbeats seen;
    const auto done = recover(spool_, "", seen, std::chrono::milliseconds::max());
    if (!done) return done.error();
    for (const Error& error : done->trouble) say(Kind::damage, error.path, error.text());
    return Ok{};
  }

  // All jobs once; those that look wrong again, with names read anew, and only what is still wrong
  // the last time is told and mended.
  Status jobs() {
    auto hours = all_hours();
    for (int round = 1; round <= kLooks; ++round) {
      if (!hours) return hours.error();
      if (const auto done = look(*hours, round); !done) return done.error();
      if (suspects_.empty()) break;
      hours = std::set<std::string>();
      for (const JobId& id : suspects_) hours->insert(id.folder());
    }
    return Ok{};
  }

  Result<std::set<std::string>> all_hours() const {
    std::set<std::string> all;
    for (const char* top : {"jobs", "completed"}) {
      const auto hours = hours_under(spool_, top);
      if (!hours) return hours.error();
      all.insert(hours->begin(), hours->end());
    }
    return all;
  }

  Status look(const std::set<std::string>& hours, int round) {
    checking::Census census(spool_);
    if (const auto done = census.read_tokens(); !done) return done.error();
    const auto before = std::exchange(suspects_, {});
    std::vector<checking::Facts> jobs;
    for (auto hour = hours.rbegin(); hour != hours.rend(); ++hour) {  // the newest first
      auto facts = census.read_hour(*hour);
      if (!facts) return facts.error();
      std::move(facts->begin(), facts->end(), std::back_inserter(jobs));
      if (jobs.size() < kBatch) continue;
      const auto done = check(std::exchange(jobs, {}), before, round);
      if (!done) return done.error();
    }
    if (const auto done = check(std::move(jobs), before, round); !done) return done.error();
    if (const auto done = check(census.rest(), before, round); !done) return done.error();
    if (round > 1) return Ok{};
    for (const std::string& path : census.strangers()) say(Kind::note, path, "unknown file");
    return Ok{};
  }

  // All jobs in the first round, later those that were suspects `before`. Each waits for the disk:
  // many do so at once, and are told of in their order.
  Status check(std::vector<checking::Facts> jobs, const std::set<JobId>& before, int round) {
    if (round > 1) std::erase_if(jobs, [&](const auto& job) { return before.count(job.id) == 0; });
    const Repair repair = round == kLooks ? repair_ : Repair::report_only;
    std::vector<std::optional<Result<FsckReport>>> checked(jobs.size());
    const size_t at_once = repair == Repair::mend ? 1 : at_once_;  // two may want one key
    in_parallel(jobs.size(), at_once,
                [&](size_t i) { checked[i] = checking::check_job(spool_, jobs[i], repair); });
    for (size_t i = 0; i < jobs.size(); ++i) {
      if (const auto& found = *checked[i]; !found) return found.error();
      note(jobs[i], **checked[i], round);
    }
    return Ok{};
  }

  void note(const checking::Facts& job, const FsckReport& checked, int round) {
    const auto& findings = checked.findings;
    const bool wrong = std::any_of(findings.begin(), findings.end(), is_wrong);
    if (wrong) suspects_.insert(job.id);
    if (round == 1 && job.ticket) ++report_.jobs;
    if (round == 1) report_.results += checked.results;
    if (round == 1 ? wrong : round < kLooks) return;
    report_.findings.insert(report_.findings.end(), findings.begin(), findings.end());
  }

  using Told = Result<std::optional<Finding>>;

  static Told nothing() { return std::optional<Finding>(); }
  static Told tell(std::string path, std::string what, Kind kind) {
    return std::optional(Finding{std::move(path), std::move(what), kind});
  }

  // Judges each of many paths, several at once.
  Status each(const std::vector<std::string>& paths,
              Told (Walk::*judge)(const std::string&) const) {
    std::vector<std::optional<Told>> told(paths.size());
    in_parallel(paths.size(), at_once_, [&](size_t i) { told[i] = (this->*judge)(paths[i]); });
    for (const auto& one : told) {
      if (!*one) return one->error();
      if (**one) report_.findings.push_back(***one);
    }
    return Ok{};
  }

  Status hooks() {
    const auto names = sorted_names(spool_, layout::kHooks);
    if (!names) return names.error();
    return each(*names, &Walk::hook);
  }

  // Of a job that has not ended yet a mark may stand already; of one that is gone, none.
  Told hook(const std::string& name) const {
    const std::string path = std::string(layout::kHooks) + "/" + name;
    const auto id = JobId::parse(name);
    if (!id) return tell(path, "unknown file", Kind::note);
    const auto job = durable::exists(spool_, layout::ticket(*id));
    if (!job) return job.error();
    if (*job) return nothing();
    const auto gone = mends() ? durable::remove(spool_, path) : Status(Ok{});
    if (!gone) return gone.error();
    return tell(path, "hook owed for a job that is gone", mended_or_not());
  }

  Status keys() {
    const auto shards = sorted_names(spool_, "keys");
    if (!shards) return shards.error();
    std::vector<std::string> paths;
    for (const std::string& shard : *shards) {
      const std::string folder = "keys/" + shard;
      const auto names = sorted_names(spool_, folder);
      if (!names && names.error().code == ENOTDIR) {
        say(Kind::note, folder, "unknown file");
        continue;
      }
      if (!names) return names.error();
      for (const std::string& name : *names)
        paths.push_back(std::string(folder).append("/").append(name));
    }
    return each(paths, &Walk::key);
  }

  Told key(const std::string& path) const {
    const auto ticket = read_record(spool_, path, decode_ticket);
    const int code = ticket ? 0 : ticket.error().code;
    if (code == ENOENT || code == EPROTO) return nothing();
    if (code != 0) return ticket.error();
    if (!ticket || key_path(ticket->key) != path) return bad_key(path);
    const auto job = durable::exists(spool_, layout::ticket(ticket->id));
    if (!job) return job.error();
    return *job ? nothing() : key_without_job(path, ticket->id);
  }

  Told bad_key(const std::string& path) const {
    const auto moved = mends() ? durable::quarantine(spool_, path) : Status(Ok{});
    if (!moved) return moved.error();
    return tell(path, "key does not lead to a ticket that has it", mended_or_not());
  }

  // While its submitter lives the ticket has a second name in tmp/.
  Told key_without_job(const std::string& path, const JobId& id) const {
    struct stat about = {};
    if (sys::fstatat(spool_.root(), path.c_str(), &about) != 0) {
      return errno == ENOENT ? nothing() : Told(last_error("look at", path));
    }
    if (about.st_nlink > 1) return tell(path, "submission under way", Kind::note);
    const auto gone = mends() ? drop_key(spool_, path, id, KeyOf::no_job) : Status(Ok{});
    if (!gone) return gone.error();
    return tell(path, "key of a job that is not there", mended_or_not());
  }

  Status corrupt() {
    const auto names = sorted_names(spool_, "corrupt");
    if (!names) return names.error();
    for (const std::string& name : *names) {
      say(Kind::note, "corrupt/" + name, "set aside: look at it, then remove it");
    }
    return Ok{};
  }

  const Spool& spool_;
  Repair repair_;
  size_t at_once_;
  std::set<JobId> suspects_;  // jobs that looked wrong in this round
  FsckReport report_;
};

}  // namespace

bool FsckReport::clean() const { return std::none_of(findings.begin(), findings.end(), is_wrong); }

Result<FsckReport> fsck(const Spool& spool, Repair repair, size_t at_once) {
  Walk walk(spool, repair, at_once);
  if (const auto done = walk.run(); !done) return done.error();
  return walk.take();
}

}  // namespace imgq
