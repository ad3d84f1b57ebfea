#include "src/supervise/claimer.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "spool/layout.h"
#include "spool/room.h"
#include "spool/scan.h"
#include "spool/temp_file.h"
#include "src/supervise/result_check.h"
#include "src/util/clock.h"
#include "src/util/log.h"
#include "src/util/sys.h"

namespace imgq::supervise {
namespace {

constexpr int64_t kSettledNs = 2'000'000'000;  // a younger mtime may hide a change in the same tick
constexpr off_t kThumbnailBytes = 256 << 10;   // of a large one
constexpr int64_t kStuckMs = 60'000;
constexpr int kMaxSkips = 15;  // then the folder is read whatever its mtime says

int64_t staging_mtime_ns(const Spool& spool) {
  struct stat folder{};
  const std::string name(name_of(State::staging));
  if (sys::fstatat(spool.root(), name.c_str(), &folder) != 0) return -1;
  return ns_of(folder.st_mtim);
}

// Whether a result could be written, tried out.
std::optional<Error> takes_no_result(const Spool& spool) {
  const auto file = TempFile::create(spool);
  return file ? disk_trouble(file->fd(), kThumbnailBytes) : file.error();
}

}  // namespace

struct Claimer::Scan {
  int64_t skip_mtime_ns = -1;
  int64_t mtime_ns = -1;
  bool skipped = false;
  std::optional<Result<std::vector<Token>>> tokens;

  void read(const Spool& spool) {
    mtime_ns = staging_mtime_ns(spool);
    const bool settled = mtime_ns >= 0 && mtime_ns < now_ms() * 1'000'000 - kSettledNs;
    skipped = settled && mtime_ns == skip_mtime_ns;
    if (!skipped) tokens.emplace(scan_staging(spool, kMaxCandidates));
  }
};

struct Claimer::Batch {
  std::shared_ptr<Owner> owner;
  std::vector<Token> tokens;
  Policy policy;
  bool warily = false;
  std::optional<Error> trouble;
  std::vector<Error> quarantined, deferred;
  std::vector<std::pair<Token, Error>> stuck;
  std::vector<Prepared> prepared;

  void take(const Spool& spool) {
    if (const auto room = require_room(spool, policy.min_free_bytes); !room) trouble = room.error();
    if (!trouble && warily) trouble = takes_no_result(spool);
    if (trouble) return;
    auto claims = owner->claim(tokens, policy.sync);
    if (!claims) {
      trouble = claims.error();
      return;
    }
    quarantined = std::move(claims->quarantined);
    deferred = std::move(claims->deferred);
    stuck = std::move(claims->stuck);
    for (Claim& claim : claims->taken) prepared.push_back(prepare(spool, owner, std::move(claim)));
  }
};

Claimer::Claimer(Loop& loop, const Spool& spool, Policy policy, Callbacks callbacks)
    : loop_(loop),
      spool_(spool),
      policy_(policy),
      callbacks_(std::move(callbacks)),
      polling_(loop,
               [this] {
                 poll();
                 promote();
                 polling_.after(jittered_poll());
               }),
      promotion_(loop, [this] { promote(); }) {}

void Claimer::start() {
  polling_.after(jittered_poll());
  promote();
  poll();
}

void Claimer::stop() {
  stopped_ = true;
  candidates_.clear();
  polling_.stop();
  promotion_.stop();
}

bool Claimer::idle() const {
  return candidates_.empty() && claiming_ == 0 && !scanning_ && !unread_;
}

// Several daemons must not look at the same moment for ever.
std::chrono::milliseconds Claimer::jittered_poll() const {
  static thread_local std::minstd_rand random(std::random_device{}());
  std::uniform_int_distribution<int64_t> part(75, 125);
  return std::chrono::milliseconds(std::max<int64_t>(policy_.poll.count() * part(random) / 100, 1));
}

void Claimer::hint(std::string_view name) {
  const auto token = layout::parse_token(name);
  if (!token || stopped_ || is_stuck(*token)) return;
  if (unread_ || candidates_.size() >= kMaxCandidates) {
    unread_ = true;  // more than is kept: its turn comes with the next reading
  } else {
    candidates_.insert(*token);
  }
  callbacks_.changed();
}

void Claimer::poll() {
  if (stopped_) return;
  unread_ = true;
  callbacks_.changed();
}

void Claimer::claim(const std::shared_ptr<Owner>& owner, size_t wanted, bool warily) {
  if (stopped_ || claiming_ > 0 || wanted == 0) return;
  if (candidates_.empty()) {
    scan();
    return;
  }
  auto batch = std::make_shared<Batch>();
  batch->owner = owner;
  batch->policy = policy_;
  batch->warily = warily;
  while (!candidates_.empty() && batch->tokens.size() < wanted) {
    batch->tokens.push_back(*candidates_.begin());
    candidates_.erase(candidates_.begin());
  }
  claiming_ = batch->tokens.size();
  loop_.in_background([this, batch] { batch->take(spool_); }, [this, batch] { claimed(*batch); });
}

void Claimer::claimed(Batch& batch) {
  claiming_ = 0;
  for (const Error& error : batch.quarantined) {
    log::line(log::Level::error, "unreadable ticket put into corrupt/", {{"error", error.text()}});
  }
  for (const Error& error : batch.deferred) {
    if (is_pausing(error)) {
      callbacks_.trouble(error);
    } else {
      log::line(log::Level::warning, "job set aside for a while", {{"error", error.text()}});
    }
  }
  set_aside(batch.stuck);
  if (!batch.stuck.empty() && batch.prepared.empty())
    callbacks_.trouble(batch.stuck.front().second);
  if (batch.trouble && batch.trouble->code == ENOENT) {
    callbacks_.doubtful(batch.owner);
  } else if (batch.trouble) {
    callbacks_.trouble(*batch.trouble);
  }
  if (batch.trouble) {  // they wait there still
    unread_ = true;
    seen_mtime_ns_ = -1;
  }
  for (Prepared& prepared : batch.prepared) callbacks_.prepared(std::move(prepared));
  callbacks_.changed();
}

// What cannot be moved (a damaged inode, one that was made immutable) stays in staging/ and must
// not be met again at once: the jobs behind it would wait for it.
void Claimer::set_aside(const std::vector<std::pair<Token, Error>>& stuck) {
  const int64_t now_ms = sys::monotonic_ms();
  std::erase_if(stuck_, [now_ms](const auto& entry) { return entry.second <= now_ms; });
  for (const auto& [token, error] : stuck) {
    log::line(log::Level::warning, "job cannot be claimed; tried again in a minute",
              {{"error", error.text()}});
    stuck_[token] = now_ms + kStuckMs;
  }
}

bool Claimer::is_stuck(const Token& token) const {
  const auto found = stuck_.find(token);
  return found != stuck_.end() && found->second > sys::monotonic_ms();
}

void Claimer::scan() {
  if (scanning_ || !unread_) return;
  scanning_ = true;
  unread_ = false;
  auto scan = std::make_shared<Scan>();
  if (skipped_ < kMaxSkips) scan->skip_mtime_ns = seen_mtime_ns_;
  loop_.in_background([this, scan] { scan->read(spool_); }, [this, scan] { scanned(*scan); });
}

void Claimer::scanned(Scan& scan) {
  scanning_ = false;
  skipped_ = scan.skipped ? skipped_ + 1 : 0;
  if (stopped_) return;
  if (scan.tokens && !*scan.tokens) {
    callbacks_.trouble(scan.tokens->error());
    return;
  }
  if (scan.tokens) {
    const std::vector<Token>& found = **scan.tokens;
    const bool all = found.size() < kMaxCandidates;
    std::copy_if(found.begin(), found.end(), std::inserter(candidates_, candidates_.end()),
                 [this](const Token& token) { return !is_stuck(token); });
    seen_mtime_ns_ = all ? scan.mtime_ns : -1;
    if (!all) unread_ = true;
  }
  callbacks_.changed();
}

void Claimer::due(int64_t when_ms) {
  if (!stopped_) plan_promotion(when_ms);
}

void Claimer::plan_promotion(int64_t next_due_ms) {
  if (next_due_ms <= 0) return;
  // Never sleep long on the word of the wall clock; polling looks again anyway.
  const int64_t wait = std::clamp<int64_t>(next_due_ms - now_ms(), 1, policy_.poll.count());
  if (!promotion_.armed()) promotion_.after(std::chrono::milliseconds(wait));
}

// Each trouble once, though it is met at every poll; what the whole file system refuses is a pause.
void Claimer::tell_stuck(const std::optional<Error>& stuck) {
  if (stuck && is_pausing(*stuck)) callbacks_.trouble(*stuck);
  const std::string said = std::exchange(said_stuck_, stuck ? stuck->text() : "");
  if (!stuck || said == said_stuck_) return;
  log::line(log::Level::warning, "delayed job cannot be put back into the queue",
            {{"error", said_stuck_}});
}

void Claimer::promote() {
  if (promoting_ || stopped_) return;
  promoting_ = true;
  auto answer = std::make_shared<std::optional<Result<Promoted>>>();
  loop_.in_background([this, answer] { answer->emplace(promote_delayed(spool_, now_ms())); },
                      [this, answer] {
                        promoting_ = false;
                        if (stopped_) return;
                        Result<Promoted>& promoted = **answer;
                        if (!promoted) {
                          callbacks_.trouble(promoted.error());
                          return;
                        }
                        if (promoted->moved > 0) poll();
                        tell_stuck(promoted->stuck);
                        plan_promotion(promoted->next_due_ms);
                      });
}

}  // namespace imgq::supervise
