#include <algorithm>
#include <functional>
#include <set>

#include "spool/fsck.h"
#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/internal/fsck.h"
#include "spool/internal/keys.h"
#include "spool/internal/locate.h"
#include "spool/internal/moves.h"
#include "spool/internal/outcome.h"
#include "spool/internal/purge.h"
#include "spool/internal/tickets.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/digest.h"

namespace imgq::checking {
namespace {

constexpr int64_t kSettledMs = 3'600'000;  // a submission takes no hour

using Kind = Finding::Kind;

// Checks one job and mends it as it goes.
class Checker {
 public:
  Checker(const Spool& spool, const Facts& facts, Repair repair)
      : spool_(spool), facts_(facts), id_(facts.id), repair_(repair) {}

  Status run() {
    if (!facts_.ticket) return without_ticket();
    const auto ticket = read_ticket(spool_, id_);
    if (!ticket) return unreadable_ticket(ticket.error());
    if (const auto done = tries(); !done) return done.error();
    if (const auto done = key(*ticket); !done) return done.error();
    const auto outcome = read_outcome(spool_, id_);
    if (!outcome) return unreadable_outcome(outcome.error());
    return *outcome ? ended(**outcome) : open(*ticket);
  }

  FsckReport take() { return std::move(report_); }

 private:
  using Mend = std::function<Status()>;

  void say(Kind kind, const std::string& path, const std::string& what) {
    report_.findings.push_back({path, what, kind});
  }

  // Something that can be mended: mends it, or says that it could be.
  void mendable(const std::string& path, const std::string& what, const Mend& mend) {
    if (repair_ == Repair::report_only) return say(Kind::mendable, path, what);
    const auto done = mend();
    if (done) return say(Kind::mended, path, what);
    say(Kind::damage, path, what + "; mending failed: " + done.error().text());
  }

  // Something that is lost; what is left of it goes to corrupt/ when mending.
  void damaged(const std::string& path, const std::string& what) {
    if (repair_ == Repair::report_only) return say(Kind::damage, path, what);
    const auto moved = durable::quarantine(spool_, path);
    say(Kind::damage, path, what + (moved ? "; moved to corrupt/" : "; " + moved.error().text()));
  }

  // What a record's reader says against it. EPROTO is for newer programs to judge.
  bool is_foreign(const Error& error, const std::string& path) {
    if (error.code != EPROTO) return false;
    say(Kind::note, path, "written by a newer imgq: " + error.action);
    return true;
  }

  std::vector<std::string> all_tokens() const {
    std::vector<std::string> paths;
    for (const auto* tokens : {&facts_.waiting, &facts_.processing, &facts_.ended}) {
      for (const Listed& token : *tokens) paths.push_back(path_of(token));
    }
    return paths;
  }

  Status without_ticket() {
    const auto tokens = all_tokens();
    if (!tokens.empty()) {
      mendable(tokens.front(), "token of a job whose ticket is missing",
               [&] { return restore_or_quarantine(tokens); });
      return Ok{};
    }
    if (facts_.outcome) {
      mendable(layout::outcome(id_), "purge cut short",
               [&] { return purge_parts(spool_, layout::hour_folder(id_), {}); });
      return Ok{};
    }
    if (now_ms() - id_.unix_ms() < kSettledMs) {
      say(Kind::note, layout::source(id_), "submission under way or cut short");
      return Ok{};
    }
    mendable(layout::source(id_), "parts without a ticket: submission cut short",
             [&] { return quarantine_parts(); });
    return Ok{};
  }

  Status restore_or_quarantine(const std::vector<std::string>& tokens) {
    auto restored = restore_ticket(spool_, tokens.front(), id_);
    if (restored || restored.error().code != 0) return restored;
    return quarantine(tokens);
  }

  Status quarantine(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      if (const auto moved = durable::quarantine(spool_, path); !moved) return moved.error();
    }
    return Ok{};
  }

  Status quarantine_parts() {
    std::vector<std::string> paths;
    if (facts_.source) paths.push_back(layout::source(id_));
    if (facts_.placed) paths.push_back(layout::placed(id_));
    for (const int n : facts_.tries) paths.push_back(layout::try_record(id_, n));
    for (const auto& [part, name] : facts_.results) paths.push_back(layout::result(id_, name));
    return quarantine(paths);
  }

  Status unreadable_ticket(const Error& error) {
    const std::string path = layout::ticket(id_);
    if (error.code == ENOENT || is_foreign(error, path)) return Ok{};
    if (error.code != 0) return error;
    damaged(path, "ticket cannot be read: " + error.action);
    if (repair_ == Repair::report_only) return Ok{};
    const auto moved = quarantine(all_tokens());
    return moved ? quarantine_parts() : moved;
  }

  // An outcome that cannot be read stays where it is: without it an ended job would run again.
  Status unreadable_outcome(const Error& error) {
    const std::string path = layout::outcome(id_);
    if (is_foreign(error, path)) return Ok{};
    if (error.code != 0) return error;
    say(Kind::damage, path, "outcome cannot be read: " + error.action + "; purge the job");
    return Ok{};
  }

  Status tries() {
    for (const int n : facts_.tries) {
      const std::string path = layout::try_record(id_, n);
      const auto record = read_record(spool_, path, id_, decode_try);
      if (record || record.error().code == ENOENT || is_foreign(record.error(), path)) continue;
      if (record.error().code != 0) return record.error();
      if (!facts_.outcome && is_ended_for_good(path)) {
        mendable(path, "outcome put aside by a retry",
                 [&] { return put_outcome_back(spool_, id_, path); });
      } else {
        damaged(path, "try record cannot be read: " + record.error().action);
      }
    }
    return Ok{};
  }

  // A completed or cancelled outcome under a try record's name: a retry which was stopped for
  // minutes took it for the failed one, and was killed before it could put it back.
  bool is_ended_for_good(const std::string& path) const {
    const auto outcome = read_record(spool_, path, id_, decode_outcome);
    return outcome && outcome->ending != Ending::failed;
  }

  Status key(const Ticket& ticket) {
    if (ticket.key.empty()) return Ok{};
    const std::string path = key_path(ticket.key);
    const auto there = durable::exists(spool_, path);
    if (!there) return there.error();
    if (*there) return Ok{};
    mendable(path, "key of a job is missing", [&]() -> Status {
      const auto made = durable::make_durable_folder(spool_, key_folder(ticket.key), Sync::full);
      return made ? link_ticket(path) : made.error();
    });
    return Ok{};
  }

  Status link_ticket(const std::string& to) {
    const auto linked =
        durable::link_unless_taken(spool_, layout::ticket(id_), to, "link the ticket");
    if (!linked) return linked.error();
    return durable::sync_names(spool_, layout::folder_of(to));
  }

  Status ended(const Outcome& outcome) {
    const std::string right = layout::ended(outcome.ending, id_);
    const auto settle = [&](const Listed& token, const std::string& what) {
      const std::string path = path_of(token);
      mendable(path, what, [&] { return move_ended(spool_, path, id_, outcome.ending); });
    };
    for (const Listed& token : facts_.waiting) settle(token, "job has ended, yet its token waits");
    for (const Listed& token : facts_.processing) {
      say(Kind::note, path_of(token), "job has ended, its owner has yet to drop it");
    }
    for (const Listed& token : facts_.ended) {
      if (token.state != state_after(outcome.ending)) settle(token, "token in the wrong state");
    }
    if (facts_.waiting.empty() && facts_.processing.empty() && facts_.ended.empty()) {
      mendable(right, "token of an ended job is missing", [&]() -> Status {
        const auto made = make_completed_folder(spool_, id_);
        return made ? link_ticket(right) : made.error();
      });
    }
    leftovers(outcome);
    return published(outcome);
  }

  // Results that the outcome does not name: of attempts that were lost or fenced.
  void leftovers(const Outcome& outcome) {
    std::set<std::string> named;
    for (const ResultFile& result : outcome.results) named.insert(result.file);
    for (const auto& [part, name] : facts_.results) {
      if (named.count(name) > 0) continue;
      const std::string path = layout::result(id_, name);
      mendable(path, "result of another attempt than the one that counts",
               [&, path] { return durable::remove(spool_, path); });
    }
  }

  Status published(const Outcome& outcome) {
    for (const ResultFile& result : outcome.results) {
      ++report_.results;
      const std::string path = layout::result(id_, result.file);
      const auto file = open_result(spool_, id_, result);
      if (!file && file.error().code == ENOENT) say(Kind::damage, path, "result is missing");
      if (!file && file.error().code == 0) say(Kind::damage, path, file.error().action);
      if (!file && file.error().code != 0 && file.error().code != ENOENT) return file.error();
      if (!file) continue;
      const auto digest = sha256_of_file(file->get(), path);
      if (!digest) return digest.error();
      if (*digest != result.sha256) say(Kind::damage, path, "result was altered: digest differs");
    }
    return Ok{};
  }

  // A job that has not ended: one token, waiting or being processed.
  Status open(const Ticket& ticket) {
    const auto* right = right_token();
    for (const Listed& token : facts_.ended) misplaced(path_of(token), right == nullptr);
    for (const Listed& token : facts_.waiting) {
      if (&token == right) continue;
      mendable(path_of(token), "second token of one job",
               [&] { return durable::remove(spool_, path_of(token)); });
    }
    if (facts_.processing.size() > 1) {
      say(Kind::note, path_of(facts_.processing.back()),
          "two owners run the job; one will be fenced");
    }
    if (right == nullptr && facts_.ended.empty()) {
      const Token token = fresh_token(id_, facts_.highest_attempt());
      mendable(layout::staging(token), "job without a token",
               [&] { return link_ticket(layout::staging(token)); });
    }
    if (right != nullptr) stale_results(right->attempt);
    if (ticket.source.kind == SourceKind::spooled && !facts_.source) {
      say(Kind::damage, layout::source(id_), "source of a waiting job is missing");
    }
    return Ok{};
  }

  const Listed* right_token() const {
    const auto by_attempt = [](const Listed& a, const Listed& b) { return a.attempt < b.attempt; };
    const auto& places = facts_.processing.empty() ? facts_.waiting : facts_.processing;
    const auto best = std::max_element(places.begin(), places.end(), by_attempt);
    return best == places.end() ? nullptr : &*best;
  }

  // A token among the ended ones without an outcome, as a retry by hand that was cut short leaves.
  void misplaced(const std::string& path, bool is_only_one) {
    mendable(path, "token in the wrong state: the job has not ended", [&]() -> Status {
      if (!is_only_one) return durable::remove(spool_, path);
      return move_token_durably(
          spool_, path, layout::staging(fresh_token(id_, facts_.highest_attempt())), Sync::full);
    });
  }

  // Not removed: their owner may only be frozen, and commit them yet.
  void stale_results(int attempt) {
    for (const auto& [part, name] : facts_.results) {
      if (part.attempt >= attempt) continue;
      const std::string path = layout::result(id_, name);
      say(Kind::note, path, "result of an attempt before; goes when the job ends");
    }
  }

  const Spool& spool_;
  const Facts& facts_;
  const JobId& id_;
  Repair repair_;
  FsckReport report_;
};

}  // namespace

Result<FsckReport> check_job(const Spool& spool, const Facts& facts, Repair repair) {
  Checker checker(spool, facts, repair);
  if (const auto done = checker.run(); !done) return done.error();
  return checker.take();
}

}  // namespace imgq::checking
