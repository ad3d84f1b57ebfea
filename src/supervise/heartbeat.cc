#include "src/supervise/heartbeat.h"

#include <algorithm>
#include <utility>

#include "src/util/log.h"

namespace imgq::supervise {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kEnterAgain{1000};

// What entering led to.
struct Entry {
  Result<Owner> owner;
  bool removed;
};

Entry enter_spool(const Spool& spool) {
  auto owner = Owner::enter(spool, IMGQ_VERSION);
  const bool removed = !owner && owner.error().code == ENOENT && spool.removed();
  return {std::move(owner), removed};
}

milliseconds beat_for(milliseconds lease) {
  return std::clamp(lease / 5, milliseconds(100), milliseconds(2000));
}

}  // namespace

Heartbeat::Heartbeat(Loop& loop, const Spool& spool, milliseconds lease, Listener& listener)
    : loop_(loop), spool_(spool), beat_(beat_for(lease)), listener_(listener), timer_(loop, [this] {
        if (owner_) {
          beat();
        } else {
          start();
        }
      }) {}

void Heartbeat::change(milliseconds lease) {
  beat_ = beat_for(lease);
  if (owner_ && !stopped_) timer_.every(beat_);
}

void Heartbeat::start() {
  if (stopped_ || entering_) return;
  entering_ = true;
  loop_.ask([&spool = spool_] { return enter_spool(spool); },
            [this](Entry entry) {
              entering_ = false;
              entered(std::move(entry.owner), entry.removed);
            });
}

void Heartbeat::entered(Result<Owner> owner, bool removed) {
  if (owner) {
    owner_ = std::make_shared<Owner>(std::move(*owner));
    timer_.every(beat_);
    if (!stopped_) listener_.entered();
  } else if (removed) {
    if (!stopped_) listener_.removed();
  } else {
    timer_.after(kEnterAgain);
    if (!stopped_) listener_.refused(owner.error());
  }
}

void Heartbeat::beat() {
  if (!owner_ || stopped_ || beating_) return;
  beating_ = true;
  loop_.ask_along([owner = owner_] { return owner->beat(); },
                  [this, owner = owner_](const Status& beaten) {
                    beating_ = false;
                    if (!beaten && beaten.error().code == ENOENT) found_lost(owner);
                  },
                  Errands::Turn::next);
}

void Heartbeat::found_lost(const std::shared_ptr<Owner>& owner) {
  if (owner != owner_ || !owner) return;
  log::line(log::Level::warning, "others thought this daemon dead and took its jobs; going on anew",
            {{"instance", owner->name()}});
  owner_.reset();
  timer_.stop();
  listener_.lost(owner);
  start();
}

void Heartbeat::stop() {
  stopped_ = true;
  timer_.stop();
}

void Heartbeat::abandon() {
  stop();
  owner_.reset();
}

Status Heartbeat::leave() { return owner_ ? owner_->leave() : Ok{}; }

}  // namespace imgq::supervise
