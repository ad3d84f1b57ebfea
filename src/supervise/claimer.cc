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

constexpr int64_t kSettledMs = 2000;          // longer than any file system's tick of times
constexpr off_t kThumbnailBytes = 256 << 10;  // of a large one
constexpr int64_t kStuckMs = 60'000;
constexpr int kMaxSkips = 15;  // then the folder is read whatever its mtime says

int64_t staging_mtime_ns(const Spool& spool) {
  struct stat folder{};
  const std::string name(name_of(State::staging));
  if (sys::fstatat(spool.root(), name.c_str(), &folder) != 0) return -1;
  return ns_of(folder.st_mtim);
}

// Why no job should be claimed now. `warily`: whether a result could be written is tried out.
std::optional<Error> no_claims(const Spool& spool, uint64_t min_free_bytes, bool warily) {
  if (const auto room = require_room(spool, min_free_bytes); !room) return room.error();
  if (!warily) return std::nullopt;
  const auto file = TempFile::create(spool);
  return file ? disk_trouble(file->fd(), kThumbnailBytes) : file.error();
}

}  // namespace

struct Claimer::Scan {
  FolderTime time;
  std::optional<Result<std::vector<Token>>> tokens = {};  // nothing: not read, for nothing changed

  // The folder's time is never held against a clock of this host: it may be another's, and no more
  // exact than a second. A change in the tick of the one before shows only by being looked for
  // once that tick is over, which the time's standing still for a while says.
  static Scan read(const Spool& spool, const FolderTime& before, int64_t skip_mtime_ns) {
    const int64_t mtime_ns = staging_mtime_ns(spool), now = sys::monotonic_ms();
    FolderTime time = mtime_ns == before.mtime_ns ? before : FolderTime{mtime_ns, now};
    time.settled = mtime_ns >= 0 && now - time.since_ms >= kSettledMs;
    if (time.settled && mtime_ns == skip_mtime_ns) return {time};
    return {time, scan_staging(spool, kMaxCandidates)};
  }
};

struct Claimer::Batch {
  std::optional<Error> trouble;
  Claims claims = {};
  std::vector<Prepared> prepared = {};

  static Batch take(const Spool& spool, const std::shared_ptr<Owner>& owner,
                    const std::vector<Token>& tokens, Sync sync, const Watermarks& watermarks) {
    auto claims = owner->claim(tokens, sync);
    if (!claims) return {claims.error()};
    Batch batch{std::nullopt, std::move(*claims)};
    for (Claim& claim : batch.claims.taken) {
      batch.prepared.push_back(prepare(spool, owner, std::move(claim), watermarks));
    }
    return batch;
  }
};

Claimer::Claimer(Loop& loop, const Spool& spool, const Settings& settings, Listener& listener)
    : loop_(loop),
      spool_(spool),
      settings_(settings),
      listener_(listener),
      polling_(loop,
               [this] {
                 ++polls_;
                 poll();
                 promote();
                 polling_.about(settings_.config.poll);
               }),
      promotion_(loop, [this] { promote(); }) {}

void Claimer::start() {
  polling_.about(settings_.config.poll);
  promote();
  poll();
}

void Claimer::stop() {
  stopped_ = true;
  ours_.clear();
  theirs_.clear();
  polling_.stop();
  promotion_.stop();
}

bool Claimer::idle() const { return known() == 0 && claiming_ == 0 && !scanning_ && !unread_; }

void Claimer::hint(std::string_view name) {
  const auto token = layout::parse_token(name);
  if (!token || stopped_ || is_stuck(*token)) return;
  const size_t most = token->attempt == 1 ? kMaxCandidates : 2 * kMaxCandidates;
  if ((token->attempt == 1 && unread_) || known() >= most) {
    unread_ = true;  // more than is kept: its turn comes with the next reading
  } else {
    add(*token);
  }
  listener_.changed();
}

void Claimer::poll() {
  if (stopped_) return;
  unread_ = true;
  listener_.changed();
}

void Claimer::claim(const std::shared_ptr<Owner>& owner, size_t wanted, bool warily) {
  if (stopped_ || claiming_ > 0 || wanted == 0) return;
  const std::vector<Token> tokens = choose(wanted);
  if (tokens.empty()) {
    scan();
    return;
  }
  claiming_ = tokens.size();
  loop_.ask(
      [&spool = spool_, owner, tokens, warily, sync = settings_.sync,
       min_free_bytes = settings_.config.min_free_bytes, watermarks = settings_.config.watermarks] {
        auto reason = no_claims(spool, min_free_bytes, warily);
        return reason ? Batch{std::move(reason)}
                      : Batch::take(spool, owner, tokens, sync, watermarks);
      },
      [this](Batch batch) { claimed(std::move(batch)); });
}

void Claimer::share(Share share) {
  if (share == share_) return;
  share_ = std::move(share);
  std::vector<Token> all(ours_.begin(), ours_.end());
  for (const auto& [token, since] : theirs_) all.push_back(token);
  ours_.clear();
  theirs_.clear();
  for (const Token& token : all) add(token);
  listener_.changed();
}

// What came back has waited already: it is anybody's.
void Claimer::add(const Token& token) {
  if (token.attempt > 1 || share_.has(token.id)) {
    ours_.insert(token);
  } else {
    theirs_.try_emplace(token, polls_);
  }
}

// Others have claimed their own meanwhile: each name that is not known to wait costs a rename.
void Claimer::drop_gone(const std::vector<Token>& waiting) {
  const std::set<Token> there(waiting.begin(), waiting.end());
  std::erase_if(theirs_, [&there](const auto& entry) { return !there.contains(entry.first); });
}

std::vector<Token> Claimer::choose(size_t wanted) {
  std::vector<Token> tokens;
  while (!ours_.empty() && tokens.size() < wanted) {
    tokens.push_back(*ours_.begin());
    ours_.erase(ours_.begin());
  }
  const bool wait = share_.all_beat();
  const bool known = wait ? read_at_ == polls_ : read_at_ >= 0;
  if (!known || tokens.size() == wanted) return tokens;
  std::vector<Token> left;
  for (const auto& [token, since] : theirs_) {
    if (!wait || polls_ > since) left.push_back(token);
  }
  // Its owner takes the oldest, and so would others that have nothing to do: from anywhere, then.
  std::uniform_int_distribution<size_t> anywhere(0, left.empty() ? 0 : left.size() - 1);
  std::rotate(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(anywhere(random_)),
              left.end());
  const size_t more = std::min(left.size(), wanted - tokens.size());
  left.erase(left.begin() + static_cast<std::ptrdiff_t>(more), left.end());
  for (const Token& token : left) theirs_.erase(token);
  tokens.insert(tokens.end(), left.begin(), left.end());
  return tokens;
}

void Claimer::claimed(Batch batch) {
  claiming_ = 0;
  if (batch.claims.lost_races > 0) {
    if (share_.is_all()) listener_.not_alone();
    read_at_ = -1;  // what is known of theirs is not so any more
    unread_ = true;
    log::line(log::Level::debug, "others were first",
              {{"jobs", std::to_string(batch.claims.lost_races)}});
  }
  const auto& stuck = batch.claims.stuck;
  for (const Error& error : batch.claims.quarantined) {
    log::line(log::Level::error, "unreadable ticket put into corrupt/", {{"error", error.text()}});
  }
  for (const Error& error : batch.claims.deferred) {
    if (is_pausing(error)) {
      listener_.trouble(error);
    } else {
      log::line(log::Level::warning, "job set aside for a while", {{"error", error.text()}});
    }
  }
  set_aside(stuck);
  if (batch.claims.unseen > 0) seen_mtime_ns_ = -1;  // the next poll reads the folder
  if (batch.claims.cordoned) {
    unread_ = true;  // they wait there still
    seen_mtime_ns_ = -1;
    listener_.cordoned(true);
  }
  if (!stuck.empty() && batch.prepared.empty()) listener_.trouble(stuck.front().second);
  if (batch.trouble) {
    if (batch.trouble->code == ENOENT) {
      listener_.doubtful();
    } else {
      listener_.trouble(*batch.trouble);
    }
    unread_ = true;  // they wait there still
    seen_mtime_ns_ = -1;
  }
  for (Prepared& prepared : batch.prepared) listener_.prepared(std::move(prepared));
  listener_.changed();
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
  const int64_t skip_mtime_ns = skipped_ < kMaxSkips ? seen_mtime_ns_ : -1;
  loop_.ask_along([&spool = spool_, time = time_,
                   skip_mtime_ns] { return Scan::read(spool, time, skip_mtime_ns); },
                  [this](const Scan& scan) { scanned(scan); });
}

void Claimer::scanned(const Scan& scan) {
  scanning_ = false;
  skipped_ = scan.tokens ? 0 : skipped_ + 1;
  time_ = scan.time;
  if (stopped_) return;
  if (scan.tokens && !*scan.tokens) {
    listener_.trouble(scan.tokens->error());
    return;
  }
  read_at_ = polls_;
  if (scan.tokens) {
    const std::vector<Token>& found = **scan.tokens;
    const bool all = found.size() < kMaxCandidates;
    if (all) drop_gone(found);
    for (const Token& token : found) {
      if (!is_stuck(token)) add(token);
    }
    seen_mtime_ns_ = all && time_.settled ? time_.mtime_ns : -1;
    if (!all) unread_ = true;
  }
  listener_.changed();
}

void Claimer::due(int64_t when_ms) {
  if (stopped_ || when_ms <= 0) return;
  // Never sleep long on the word of the wall clock; polling looks again anyway.
  const int64_t wait = std::clamp<int64_t>(when_ms - now_ms(), 1, settings_.config.poll.count());
  if (!promotion_.armed()) promotion_.after(std::chrono::milliseconds(wait));
}

// Each trouble once, though it is met at every poll; what the whole file system refuses is a pause.
void Claimer::tell_stuck(const std::optional<Error>& stuck) {
  if (stuck && is_pausing(*stuck)) listener_.trouble(*stuck);
  const std::string said = std::exchange(said_stuck_, stuck ? stuck->text() : "");
  if (!stuck || said == said_stuck_) return;
  log::line(log::Level::warning, "delayed job cannot be put back into the queue",
            {{"error", said_stuck_}});
}

void Claimer::promote() {
  if (promoting_ || stopped_) return;
  promoting_ = true;
  loop_.ask_along([&spool = spool_] { return promote_delayed(spool, now_ms()); },
                  [this](const Result<Promoted>& promoted) {
                    promoting_ = false;
                    if (stopped_) return;
                    if (!promoted) return listener_.trouble(promoted.error());
                    if (promoted->moved > 0) poll();
                    tell_stuck(promoted->stuck);
                    due(promoted->next_due_ms);
                  });
}

}  // namespace imgq::supervise
