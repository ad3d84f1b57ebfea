#include "spool/recover.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>

#include "spool/internal/durable.h"
#include "spool/internal/fsck.h"
#include "spool/internal/locate.h"
#include "spool/internal/moves.h"
#include "spool/internal/outcome.h"
#include "spool/internal/tidy.h"
#include "spool/internal/tries.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/sweep.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr int kFreeLosses = 2;  // so many go straight back to staging/, further ones wait
constexpr Backoff kBackoff{10'000, kMaxDelayMs};

// The life sign of another owner, and what it says. `lock` holds it while its jobs are moved, so
// that two that recover do not do the same work.
struct Sign {
  bool dead = false;
  Fd lock = Fd();
  std::chrono::milliseconds still{0};  // for how long it has not changed
};

bool is_foreign(const Spool& spool, const std::string& owner) {
  return !spool.is_here(*layout::parse_writer(owner));
}

int64_t mark_of(const struct stat& about) { return ns_of(about.st_mtim); }

// .alive, opened and looked at. ESTALE, of one that another host has just removed or put in its
// place, asks for one fresh look-up.
Result<Fd> open_alive(const Spool& spool, const std::string& path, struct stat& about) {
  for (const bool last_try : {false, true}) {
    Fd alive(sys::openat(spool.root(), path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK));
    if (alive && sys::fstat(alive.get(), &about) == 0) return alive;
    if (last_try || errno != ESTALE) break;
  }
  return last_error("open", path);
}

Result<Sign> look_at(const Spool& spool, const std::string& owner, Heartbeats& seen,
                     std::chrono::milliseconds lease) {
  struct stat about = {};
  auto opened = open_alive(spool, layout::alive(owner), about);
  if (!opened && opened.error().code == ENOENT) return Sign{true};  // it was being removed already
  if (!opened) return opened.error();
  Fd alive = std::move(*opened);
  const auto still = seen.still(owner, mark_of(about), sys::monotonic_ms());
  if (!is_foreign(spool, owner) && sys::flock(alive.get(), LOCK_EX | LOCK_NB) == 0) {
    return Sign{true, std::move(alive)};
  }
  return Sign{still >= lease, Fd(), still};
}

enum class Leavings { stay, go };

// What one dead owner leaves.
class Takeover {
 public:
  Takeover(const Spool& spool, std::string owner, Recovered& sum)
      : spool_(spool), owner_(std::move(owner)), group_(spool, Sync::batch), sum_(sum) {}

  // Its claims; and, once they are gone, what else it leaves.
  Status run(Leavings leavings) {
    const auto names = sorted_names(spool_, layout::owner_folder(owner_));
    if (!names) return names.error();
    for (const std::string& name : *names) {
      const auto token = layout::parse_token(name);
      if (token) note(token_lost(*token));
      if (!token && name != ".alive") trouble(bad_data("not a claim", owner_ + "/" + name));
    }
    if (const auto synced = group_.flush(); !synced) return synced.error();
    if (failed_ || leavings == Leavings::stay) return Ok{};
    if (const auto swept = sweep_foreign(); !swept) return swept.error();
    return remove_folder();
  }

 private:
  void trouble(Error error) {
    failed_ = true;
    sum_.trouble.push_back(std::move(error));
  }
  void note(const Status& status) {
    if (!status) trouble(status.error());
  }

  std::string path_of(const Token& token) const { return layout::processing(owner_, token); }

  // Ended, to be failed, to be run again; or unreadable, which the next claim finds out.
  Status token_lost(const Token& token) {
    const auto outcome = read_outcome(spool_, token.id);
    if (!outcome && outcome.error().code != 0) return outcome.error();
    if (!outcome) return durable::quarantine(spool_, path_of(token));
    if (*outcome) {
      ++sum_.finished;
      if (const auto tidy = remove_results_of_the_dead(spool_, **outcome); !tidy) {
        return tidy.error();
      }
      return move_ended(spool_, path_of(token), token.id, (*outcome)->ending);
    }
    const auto tries = read_tries(spool_, token.id, token.attempt);
    if (!tries) return tries.error();
    const int losses = tally(*tries).losses + 1;
    ++sum_.jobs;
    if (losses > kMaxLosses || !has_next(token)) return fail_as_poison(token);
    return give_back(token, losses);
  }

  Cause lost_cause() const { return {"lost", "the daemon running it died: " + owner_, 0}; }

  Status fail_as_poison(const Token& token) {
    const Cause poison{"poison", "the daemons running it died too often", 0};
    const auto ended =
        publish(spool_, ending_now(token, Ending::failed, owner_, poison), Sync::batch);
    if (!ended) return ended.error();
    if (const auto tidy = remove_other_results(spool_, {ended->outcome}); !tidy) {
      return tidy.error();
    }
    return move_ended(spool_, path_of(token), token.id, ended->outcome.ending);
  }

  Status give_back(const Token& token, int losses) {
    const int64_t now = now_ms();
    const int64_t wait = losses <= kFreeLosses ? 0 : wait_ms(kBackoff, losses - kFreeLosses);
    const Try lost{token.id,     token.attempt,  now, wait > 0 ? now + wait : 0, owner_,
                   lost_cause(), Try::Kind::lost};
    if (const auto done = record_try(spool_, lost, Sync::batch); !done) return done.error();
    const std::string to =
        wait > 0 ? layout::delayed(now + wait, next_of(token)) : layout::staging(next_of(token));
    const auto moved = move_token_once(spool_, path_of(token), to);
    // Another recovers it too; should it stand all the same, so does the folder, for the next time.
    if (!moved && moved.error().code == ENOENT) return Ok{};
    if (!moved) return moved.error();
    group_.folder(to.substr(0, to.find('/')));
    return Ok{};
  }

  // What it was writing: the sweep of its own host may never come.
  Status sweep_foreign() {
    if (!is_foreign(spool_, owner_)) return Ok{};
    const auto swept = sweep_tmp_of(spool_, *layout::parse_writer(owner_));
    return swept ? Status(Ok{}) : swept.error();
  }

  // .alive last: a folder without it is one that is being removed.
  Status remove_folder() {
    const std::string folder = layout::owner_folder(owner_);
    if (const auto gone = durable::remove(spool_, layout::alive(owner_)); !gone) {
      return gone.error();
    }
    if (sys::unlinkat(spool_.root(), folder.c_str(), AT_REMOVEDIR) == 0) {
      ++sum_.owners;
      return Ok{};
    }
    if (errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST) return Ok{};  // next time
    return last_error("remove", folder);
  }

  const Spool& spool_;
  std::string owner_;
  durable::Group group_;
  Recovered& sum_;
  bool failed_ = false;
};

// One look at all other owners.
struct Round {
  const Spool& spool;
  const std::string& me;
  std::chrono::milliseconds lease;
  const std::vector<std::string>& names;  // of all that stands there, in order
  Recovered sum = {};
  std::vector<std::string> dead_elsewhere = {};
  bool first = true;  // of those that live, by name

  void look(const std::string& owner, Heartbeats& seen) {
    ++sum.looked_at;
    const auto sign = look_at(spool, owner, seen, lease);
    if (!sign) {
      const bool stranger = sign.error().code == ENOTDIR;  // a file with an owner's name
      if (!stranger) sum.trouble.push_back(sign.error());
    } else if (!sign->dead) {
      if (sign->still < kTwoBeats && !is_cordoned(owner)) {
        sum.at_work.push_back(owner);
        sum.all_beat &= seen.beats(owner);
      }
      sum.next_dead = std::min(sum.next_dead, lease - sign->still);
      if (me.empty() || owner < me) first = false;
    } else if (is_foreign(spool, owner)) {
      dead_elsewhere.push_back(owner);
    } else {
      take_over(owner, Leavings::go);
    }
  }

  bool is_cordoned(const std::string& owner) const {
    const std::string host = layout::parse_writer(owner)->host;
    return std::binary_search(names.begin(), names.end(), layout::cordon_name(host));
  }

  void take_over(const std::string& owner, Leavings leavings) {
    const auto done = Takeover(spool, owner, sum).run(leavings);
    if (!done) sum.trouble.push_back(done.error());
  }
};

}  // namespace

std::chrono::milliseconds Heartbeats::still(const std::string& owner, int64_t mark,
                                            int64_t now_ms) {
  const auto [at, is_new] = seen_.try_emplace(owner, Seen{mark, now_ms});
  if (!is_new && at->second.mark != mark) at->second = {mark, now_ms, true};
  return std::chrono::milliseconds(now_ms - at->second.since_ms);
}

bool Heartbeats::beats(const std::string& owner) const {
  const auto found = seen_.find(owner);
  return found != seen_.end() && found->second.beat;
}

void Heartbeats::forget_all_but(const std::vector<std::string>& owners) {
  std::erase_if(seen_, [&owners](const auto& entry) {
    return !std::binary_search(owners.begin(), owners.end(), entry.first);
  });
}

Result<bool> is_dead_here(const Spool& spool, const std::string& owner) {
  Heartbeats fresh;
  const auto sign = look_at(spool, owner, fresh, std::chrono::milliseconds::max());
  return sign ? Result<bool>(sign->dead) : sign.error();
}

Result<Recovered> recover(const Spool& spool, const std::string& me, Heartbeats& seen,
                          std::chrono::milliseconds lease) {
  const auto names = sorted_names(spool, "processing");
  if (!names) return names.error();
  seen.forget_all_but(*names);
  Round round{spool, me, lease, *names};
  for (const std::string& name : *names) {
    if (name != me && layout::parse_writer(name)) round.look(name, seen);
  }
  for (const std::string& owner : round.dead_elsewhere) {
    round.take_over(owner, round.first ? Leavings::go : Leavings::stay);
  }
  return std::move(round.sum);
}

}  // namespace imgq
