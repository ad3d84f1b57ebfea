#include "spool/fsck.h"

#include <algorithm>
#include <set>
#include <utility>

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

namespace imgq {
namespace {

using Kind = Finding::Kind;

constexpr int kLooks = 3;  // what is wrong three times in a row is not just moving

bool is_wrong(const Finding& finding) { return finding.kind != Kind::note; }

class Walk {
 public:
  Walk(const Spool& spool, Repair repair) : spool_(spool), repair_(repair) {}

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
    for (const std::string& hour : hours) {
      const auto facts = census.read_hour(hour);
      if (!facts) return facts.error();
      if (const auto done = check(*facts, before, round); !done) return done.error();
    }
    if (const auto done = check(census.rest(), before, round); !done) return done.error();
    if (round > 1) return Ok{};
    for (const std::string& path : census.strangers()) say(Kind::note, path, "unknown file");
    return Ok{};
  }

  // All jobs in the first round, later those that were suspects `before`.
  Status check(const std::vector<checking::Facts>& jobs, const std::set<JobId>& before, int round) {
    for (const checking::Facts& job : jobs) {
      if (round > 1 && before.count(job.id) == 0) continue;
      const Repair repair = round == kLooks ? repair_ : Repair::report_only;
      const auto checked = checking::check_job(spool_, job, repair);
      if (!checked) return checked.error();
      const auto& findings = checked->findings;
      const bool wrong = std::any_of(findings.begin(), findings.end(), is_wrong);
      if (wrong) suspects_.insert(job.id);
      if (round == 1 && job.ticket) ++report_.jobs;
      if (round == 1) report_.results += checked->results;
      if (round == 1 ? wrong : round < kLooks) continue;
      report_.findings.insert(report_.findings.end(), findings.begin(), findings.end());
    }
    return Ok{};
  }

  // Of a job that has not ended yet a mark may stand already; of one that is gone, none.
  Status hooks() {
    const auto names = sorted_names(spool_, layout::kHooks);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      const std::string path = std::string(layout::kHooks) + "/" + name;
      const auto id = JobId::parse(name);
      const auto job = id ? durable::exists(spool_, layout::ticket(*id)) : Result<bool>(true);
      if (!job) return job.error();
      if (!id) say(Kind::note, path, "unknown file");
      if (*job) continue;
      if (mends()) {
        if (const auto gone = durable::remove(spool_, path); !gone) return gone.error();
      }
      say(mended_or_not(), path, "hook owed for a job that is gone");
    }
    return Ok{};
  }

  Status keys() {
    const auto shards = sorted_names(spool_, "keys");
    if (!shards) return shards.error();
    for (const std::string& shard : *shards) {
      const std::string folder = "keys/" + shard;
      const auto names = sorted_names(spool_, folder);
      if (!names && names.error().code == ENOTDIR) {
        say(Kind::note, folder, "unknown file");
        continue;
      }
      if (!names) return names.error();
      for (const std::string& name : *names) {
        std::string path = folder;
        path.append("/").append(name);
        if (const auto done = key(path); !done) return done.error();
      }
    }
    return Ok{};
  }

  Status key(const std::string& path) {
    const auto ticket = read_record(spool_, path, decode_ticket);
    const int code = ticket ? 0 : ticket.error().code;
    if (code == ENOENT || code == EPROTO) return Ok{};
    if (code != 0) return ticket.error();
    if (!ticket || key_path(ticket->key) != path) return bad_key(path);
    const auto job = durable::exists(spool_, layout::ticket(ticket->id));
    if (!job) return job.error();
    return *job ? Status(Ok{}) : key_without_job(path, ticket->id);
  }

  Status bad_key(const std::string& path) {
    if (mends()) {
      if (const auto moved = durable::quarantine(spool_, path); !moved) return moved.error();
    }
    say(mended_or_not(), path, "key does not lead to a ticket that has it");
    return Ok{};
  }

  // While its submitter lives the ticket has a second name in tmp/.
  Status key_without_job(const std::string& path, const JobId& id) {
    struct stat about = {};
    if (sys::fstatat(spool_.root(), path.c_str(), &about) != 0) {
      return errno == ENOENT ? Status(Ok{}) : Status(last_error("look at", path));
    }
    if (about.st_nlink > 1) {
      say(Kind::note, path, "submission under way");
      return Ok{};
    }
    if (mends()) {
      if (const auto gone = drop_key(spool_, path, id, KeyOf::no_job); !gone) return gone.error();
    }
    say(mended_or_not(), path, "key of a job that is not there");
    return Ok{};
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
  std::set<JobId> suspects_;  // jobs that looked wrong in this round
  FsckReport report_;
};

}  // namespace

bool FsckReport::clean() const { return std::none_of(findings.begin(), findings.end(), is_wrong); }

Result<FsckReport> fsck(const Spool& spool, Repair repair) {
  Walk walk(spool, repair);
  if (const auto done = walk.run(); !done) return done.error();
  return walk.take();
}

}  // namespace imgq
