#include "src/supervise/housekeeping.h"

#include <algorithm>
#include <utility>

#include "spool/sweep.h"
#include "src/util/clock.h"
#include "src/util/log.h"
#include "src/util/sys.h"

namespace imgq::supervise {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSweepAgain{10 * 60 * 1000};
constexpr milliseconds kHourAhead{15 * 60 * 1000};  // longer than until the next sweep
constexpr milliseconds kPurgeAgain{60 * 1000};
constexpr milliseconds kPurgeMore{200};  // leaves the disk to the jobs between batches
constexpr milliseconds kMendAgain{24 * 3600 * 1000};
constexpr milliseconds kMendMore{200};
constexpr int kFewOwners = 8;
constexpr int kPurgeBatch = 1000;  // each reads whole hours: 4 s for 250,000 jobs

}  // namespace

milliseconds recovery_period(milliseconds lease, int others) {
  const milliseconds few = std::clamp(lease / 7, milliseconds(250), milliseconds(4000));  // 2 beats
  return std::clamp(few * others / kFewOwners, few, std::max(few, lease / 3));
}

Housekeeping::Housekeeping(Loop& loop, const Spool& spool, const Settings& settings,
                           Listener& listener)
    : loop_(loop),
      spool_(spool),
      settings_(settings),
      listener_(listener),
      recovery_(loop, [this] { look_at_others(); }),
      sweeping_(loop, [this] { sweep(); }),
      purging_(loop, [this] { purge(); }),
      mending_(loop, [this] { mend(); }) {}

void Housekeeping::start() {
  if (!settings_.housekeeping) return;
  sweep();
  purging_.about(kPurgeMore);
  mend_soon();
}

void Housekeeping::recover_for(const std::string& me) {
  me_ = me;
  look_at_others();
}

void Housekeeping::stop() {
  stopped_ = true;
  recovery_.stop();
  sweeping_.stop();
  purging_.stop();
  mending_.stop();
}

void Housekeeping::look_at_others() {
  if (recovering_ || stopped_) return;
  recovering_ = true;
  loop_.ask_along(
      [this, me = me_, lease = settings_.config.lease] {
        return recover(spool_, me, heartbeats_, lease);
      },
      [this](const Result<Recovered>& found) {
        recovering_ = false;
        if (!stopped_) recovered(found);
      });
}

void Housekeeping::recovered(const Result<Recovered>& found) {
  const auto period = recovery_period(settings_.config.lease, found ? found->looked_at : 0);
  if (found && found->next_dead < period) {
    recovery_.after(found->next_dead);
  } else {
    recovery_.about(period);
  }
  if (found) listener_.others_at_work(*found);
  std::string complaint;
  if (!found) complaint = found.error().text();
  if (found && !found->trouble.empty()) complaint = found->trouble.front().text();
  if (!complaint.empty() && complaint != complaint_) {
    log::line(log::Level::warning, "cannot take over from a dead owner", {{"error", complaint}});
  }
  complaint_ = complaint;
  const bool any = found && found->owners + found->jobs + found->finished > 0;
  if (any) {
    log::line(log::Level::notice, "took over from dead owners",
              {{"owners", std::to_string(found->owners)},
               {"jobs", std::to_string(found->jobs)},
               {"ended", std::to_string(found->finished)}});
  }
  if (any || std::exchange(first_look_, false)) listener_.recovered();
}

void Housekeeping::sweep() {
  loop_.ask(
      [&spool = spool_] {
        (void)make_hour(spool, now_ms() + kHourAhead.count());  // else whoever needs it does so
        return sweep_tmp(spool);
      },
      [this](const Result<int>& swept) {
        if (stopped_) return;
        sweeping_.about(kSweepAgain);
        if (swept && *swept > 0) {
          log::line(log::Level::info, "swept dead writers' temporary files",
                    {{"files", std::to_string(*swept)}});
        }
      });
}

void Housekeeping::purge() {
  const Config& config = settings_.config;
  const Retention retention{config.keep_completed, config.keep_failed, config.keep_jobs,
                            config.keep_bytes, leaps_.last_ms()};
  loop_.ask(
      [&spool = spool_, retention] { return retain(spool, retention, now_ms(), kPurgeBatch); },
      [this](const Result<Retained>& gone) {
        if (!stopped_) purged(gone);
      });
}

void Housekeeping::purged(const Result<Retained>& gone) {
  purging_.about(gone && gone->more ? kPurgeMore : kPurgeAgain);
  const std::string complaint = gone ? "" : gone.error().text();
  if (!complaint.empty() && complaint != purge_complaint_) {
    log::line(log::Level::warning, "cannot purge ended jobs", {{"error", complaint}});
  }
  purge_complaint_ = complaint;
  if (gone && gone->purged > 0) {
    log::line(log::Level::info, "purged ended jobs", {{"jobs", std::to_string(gone->purged)}});
  }
}

void Housekeeping::mend_soon() {
  if (!settings_.housekeeping || stopped_) return;
  mend_all_at_ms_ = 0;
  mending_.about(kMendMore);
}

void Housekeeping::mend() {
  if (mending_now_ || stopped_) return;
  mending_now_ = true;
  const int64_t now_ms = sys::monotonic_ms();
  const bool all = now_ms >= mend_all_at_ms_;
  if (all) mend_all_at_ms_ = now_ms + kMendAgain.count();
  loop_.ask(
      [this, all, after = settings_.config.mend_after] {
        if (all) mender_.begin();
        return mender_.look(spool_, after);
      },
      [this](const Result<Mended>& found) {
        mending_now_ = false;
        if (!stopped_) mended(found);
      });
}

void Housekeeping::mended(const Result<Mended>& found) {
  const milliseconds after = settings_.config.mend_after;
  const int64_t now_ms = sys::monotonic_ms();
  if (!found) mend_all_at_ms_ = std::min(mend_all_at_ms_, now_ms + after.count());
  milliseconds wait = found && found->more ? kMendMore : kPurgeAgain;
  if (found && !found->more) {
    wait = milliseconds(std::max<int64_t>(mend_all_at_ms_ - now_ms, kMendMore.count()));
    if (mender_.has_suspects()) wait = std::min(wait, after / 2);
  }
  mending_.about(wait);
  std::string complaint = found ? "" : found.error().text();
  if (found && !found->trouble.empty()) complaint = found->trouble.front().text();
  if (!complaint.empty() && complaint != mend_complaint_) {
    log::line(log::Level::warning, "cannot look for jobs that wait nowhere",
              {{"error", complaint}});
  }
  mend_complaint_ = complaint;
  for (const Token& token : found ? found->tokens : std::vector<Token>()) {
    log::line(log::Level::warning,
              "a job that waited nowhere waits again; its submitter was told of a failure",
              {{"job", token.id.text()}, {"attempt", std::to_string(token.attempt)}});
  }
}

}  // namespace imgq::supervise
