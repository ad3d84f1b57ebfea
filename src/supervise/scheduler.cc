// One thread, no locks: every part calls back on the loop, and what blocks runs in the background
// with a copy of what it needs.
// A job's way: the claimer brings it prepared (source open, request parsed), the pool gives it to a
// worker, the publisher ends it. changed() is called after every change and asks for as many claims
// as the pool can use soon, so that a slow host never sits on jobs that another could run: none
// while paused, draining or before recovery, one as a probe after trouble, else two for each
// worker.
// Trouble with the spool (full, read-only, not answering) pauses claims; the work in hand is kept
// and offered again, and the first success ends the pause (pause.h).
// Losing the instance (another host took it for dead) forgets all work at once: its results would
// be refused by the outcome that the other links (spool/complete.cc).
// When the file system went away and is back under its path (spool/remount.h), all work is
// forgotten, too, and the engine begins anew: jobs and results in hand are of the old one.
// The end has two steps: draining lets running jobs end and gives the rest back; finishing, with
// nothing in hand, sends the workers home. A second signal drops the running jobs, too.
#include "src/supervise/scheduler.h"

#include <signal.h>

#include <cstring>
#include <utility>
#include <vector>

#include "spool/cordon.h"
#include "spool/list.h"
#include "src/util/log.h"
#include "src/util/sd_notify.h"
#include "src/util/sys.h"

namespace imgq::supervise {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMostUnpublished = 256;
constexpr milliseconds kTick{1000};
constexpr milliseconds kAskAgain{250};

// True when any job is waiting, delayed or running, for whatever daemon. A job moves on while its
// states are looked at one after another, so those it can move back to are looked at again.
Result<bool> anything_left(const Spool& spool) {
  for (const State state :
       {State::staging, State::delayed, State::processing, State::staging, State::delayed}) {
    auto some = list(spool, state, Order::oldest_first, 1);
    if (!some) return some.error();
    if (!some->empty()) return true;
  }
  return false;
}

std::string cause_of_pause(const Error& error) {
  const char* words = ::strerrordesc_np(error.code);
  return words == nullptr ? error.text() : words;
}

}  // namespace

Scheduler::Scheduler(Loop& loop, const Spool& spool, Kept& kept)
    : loop_(loop),
      spool_(spool),
      settings_(kept.settings),
      tally_(kept.tally),
      remount_(spool),
      heartbeat_(loop, spool, settings_.config.lease, *this),
      pool_(loop, settings_, *this),
      publisher_(loop, spool, settings_, *this),
      claimer_(loop, spool, settings_, *this),
      housekeeping_(loop, spool, settings_, *this),
      hook_(loop, spool, [this] { end_if_done(); }),
      hot_folders_(loop, spool),
      stop_signals_(kept.stop_signals),
      ticking_(loop, [this] { tick(); }),
      asking_(loop, [this] { end_if_idle(); }),
      watching_dog_(loop, [] { (void)notify::send("WATCHDOG=1"); }) {}

Result<Tally> Scheduler::run() {
  hook_.change(settings_.config.hook);
  pool_.start();
  heartbeat_.start();
  housekeeping_.start();
  watch();
  claimer_.start();
  hot_folders_.change(settings_.config, settings_.sync);
  ticking_.about(kTick);
  if (const auto interval = notify::watchdog()) {
    watching_dog_.every(std::chrono::duration_cast<milliseconds>(*interval) / 3);
  }
  loop_.run();
  heartbeat_.stop();
  loop_.await_background();
  const auto left = heartbeat_.leave();
  if (!left) log::line(log::Level::warning, "cannot leave", {{"error", left.error().text()}});
  tally_.interrupted = stop_signals_seen_ > 0 && jobs_left_;
  if (fatal_) return *fatal_;
  return tally_;
}

// --- the way of a job

bool Scheduler::nothing_in_hand() const {
  return pool_.waiting() + pool_.running() + publisher_.in_hand() + claimer_.claiming() == 0;
}

size_t Scheduler::wanted() const {
  if (phase_ != Phase::working || !heartbeat_.owner() || !recovered_ || cordoned_) return 0;
  if (!pool_.has_ready_worker() || publisher_.in_hand() > kMostUnpublished) return 0;
  switch (pause_.allowed(sys::monotonic_ms())) {
    case Pause::Allowed::none:
      return 0;
    case Pause::Allowed::one:
      return nothing_in_hand() ? 1 : 0;
    case Pause::Allowed::all:
      break;
  }
  // One waiting for each worker, and as many again once that runs short.
  const auto workers = static_cast<size_t>(pool_.workers());
  return pool_.waiting() > workers ? 0 : 2 * workers - pool_.waiting();
}

void Scheduler::changed() {
  if (const size_t count = wanted(); count > 0) {
    claimer_.claim(heartbeat_.owner(), count, pause_.on());
  }
  tick_on();
  end_if_done();
  end_if_idle();
}

void Scheduler::prepared(Prepared prepared) {
  if (!is_ours(*prepared.job)) return;  // forgotten meanwhile
  if (prepared.trouble) {
    trouble(*prepared.trouble);
    publisher_.give_back(std::move(prepared.job));
  } else if (prepared.verdict) {
    publisher_.publish(std::move(prepared.job), std::move(*prepared.verdict));
  } else if (phase_ != Phase::working) {
    jobs_left_ = true;
    publisher_.give_back(std::move(prepared.job));
  } else {
    pool_.add(std::move(prepared.job));
  }
}

// A look that began before the last claim may say what is so no more: the next one says it again.
void Scheduler::cordoned(bool now) {
  if (std::exchange(cordoned_, now) == now) return;
  log::line(log::Level::notice,
            now ? "this host is cordoned: no more claims, the work in hand goes on"
                : "this host is uncordoned; claims go on");
  report_status();
  tick_on();
  if (!now) claimer_.poll();
}

void Scheduler::judged(JobPtr job, Verdict verdict) {
  if (is_ours(*job)) publisher_.publish(std::move(job), std::move(verdict));
}

// Cancelled, taken over, or we are stopping at once. The worker had its files until now, but its
// results are nobody's.
void Scheduler::dropped(JobPtr job) {
  if (!is_ours(*job)) return;
  jobs_left_ = jobs_left_ || phase_ != Phase::working;
  publisher_.give_back(std::move(job));
}

void Scheduler::broken(const Error& error) {
  fatal_ = error;
  drain();
}

void Scheduler::ended(const Outcome& outcome, const Ticket& ticket) {
  const bool good = outcome.ending == Ending::completed;
  ++(good ? tally_.completed : tally_.failed);
  log::line(good ? log::Level::info : log::Level::notice, good ? "completed" : "failed",
            {{"job", outcome.id.text()},
             {"attempt", std::to_string(outcome.attempt)},
             {"ms", std::to_string(outcome.ended_ms - outcome.started_ms)},
             {"code", good ? "ok" : outcome.cause.code},
             {"detail", outcome.cause.message}});
  hook_.owed(outcome.id);
  hot_folders_.ended(outcome.id);
  if (settings_.ended) settings_.ended(outcome, ticket);
}

void Scheduler::delayed(const Ticket& ticket, const Verdict& verdict, int64_t retry_ms) {
  log::line(log::Level::notice, "to be tried again",
            {{"job", ticket.id.text()},
             {"code", std::string(name_of(verdict.code))},
             {"detail", verdict.message}});
  ++tally_.retried;
  claimer_.due(retry_ms);
}

// --- the spool

void Scheduler::trouble(const Error& error) {
  if (pause_.trouble(cause_of_pause(error), sys::monotonic_ms())) {
    log::line(log::Level::error, "the spool takes no changes; claims pause",
              {{"error", error.text()}});
    housekeeping_.mend_soon();
  }
  tick_on();
  // Who waits for the end gets an answer instead: full, tried again, still full.
  if (settings_.until == Settings::Until::idle && pause_.lasting() && phase_ == Phase::working) {
    fatal_ = error;
    drain();
  }
}

void Scheduler::well() {
  if (!pause_.well()) return;
  log::line(log::Level::notice, "the spool takes changes again; claims go on");
  housekeeping_.mend_soon();
  changed();
}

// Not entered yet; it is tried again. Whoever started us need not wait for that.
void Scheduler::refused(const Error& error) {
  trouble(error);
  report_status();
  say_ready();
}

void Scheduler::say_ready() {
  if (!std::exchange(said_ready_, true)) (void)notify::send("READY=1");
}

void Scheduler::entered() {
  housekeeping_.recover_for(heartbeat_.owner()->name());
  log::line(log::Level::info, "entered the spool",
            {{"spool", spool_.path()}, {"instance", heartbeat_.owner()->name()}});
  say_ready();
  well();
  changed();
}

void Scheduler::others_at_work(const Recovered& seen) {
  const auto& owner = heartbeat_.owner();
  claimer_.share(owner ? Share(owner->name(), seen.at_work, seen.all_beat) : Share());
}

void Scheduler::recovered() {
  recovered_ = true;
  claimer_.poll();
}

void Scheduler::lost(const std::shared_ptr<Owner>& owner) {
  publisher_.forget(owner);
  pool_.drop_all();
  claimer_.poll();
}

// A spool that is made anew under the same name is another one: whoever starts us again opens it.
void Scheduler::removed() {
  fatal_ = Error{ENOENT, "go on: the spool was removed", spool_.path()};
  drain();
}

void Scheduler::look_whether_lost() {
  if (looking_whether_lost_ || phase_ != Phase::working || !pause_.on()) return;
  looking_whether_lost_ = true;
  loop_.ask([this] { return remount_.look(); },
            [this](Remount::Seen seen) {
              looking_whether_lost_ = false;
              if (phase_ == Phase::working) looked(seen);
            });
}

void Scheduler::looked(Remount::Seen seen) {
  switch (seen) {
    case Remount::Seen::well:
      said_lost_.clear();
      return;
    case Remount::Seen::away:
      if (std::exchange(said_lost_, remount_.why()) == said_lost_) return;
      log::line(log::Level::error, "the spool's file system went away; waiting for it",
                {{"error", said_lost_}});
      return;
    case Remount::Seen::dead:
      fatal_ = Error{EAGAIN, "go on: a mount that died is all there is", spool_.path()};
      break;
    case Remount::Seen::back:
      anew_ = remount_.take();
      log::line(log::Level::notice, "the spool is mounted anew; beginning anew",
                {{"spool", spool_.path()}});
      break;
  }
  abandon();
}

// Forgets all work, and waits for nothing but the own processes.
void Scheduler::abandon() {
  phase_ = Phase::finishing;
  tick_on();
  jobs_left_ = true;
  claimer_.stop();
  housekeeping_.stop();
  hot_folders_.stop();
  watcher_.reset();
  hook_.close();
  const auto owner = heartbeat_.owner();
  heartbeat_.abandon();
  publisher_.forget(owner);
  pool_.drop_all();
  pool_.close();
  end_if_done();
}

std::optional<Spool> Scheduler::mounted_anew() {
  return stop_signals_seen_ > 0 ? std::nullopt : std::exchange(anew_, std::nullopt);
}

void Scheduler::watch() {
  Watcher::Calls calls;
  calls.named = [this](std::string_view name) { claimer_.hint(name); };
  calls.unsure = [this] { claimer_.poll(); };
  calls.gone = [this] {
    watcher_.reset();
    tick_on();
  };
  const std::string staging = spool_.path() + "/" + std::string(name_of(State::staging));
  auto watcher = Watcher::start(loop_, staging, Watcher::Events::appear, std::move(calls));
  if (!watcher) {
    if (!std::exchange(unwatched_, true)) {
      log::line(log::Level::warning, "cannot watch; looking every few seconds instead",
                {{"error", watcher.error().text()}});
    }
    return;
  }
  unwatched_ = false;
  watcher_ = std::move(*watcher);
}

// --- time

void Scheduler::tick() {
  if (pause_.allowed(sys::monotonic_ms()) != Pause::Allowed::none) publisher_.try_again();
  if (!watcher_ && phase_ == Phase::working) {  // the folder was gone and may be back, with jobs
    watch();
    if (watcher_) claimer_.poll();
  }
  look_for_cancelled();
  look_whether_cordoned();
  look_whether_lost();
  report_status();
  changed();
}

// While there is anything to look after; the last one tells that there is not.
void Scheduler::tick_on() {
  const bool quiet =
      phase_ == Phase::working && watcher_ && nothing_in_hand() && !pause_.on() && !cordoned_;
  if (!quiet && !ticking_.armed()) ticking_.about(kTick);
}

void Scheduler::look_for_cancelled() {
  std::vector<Claim> claims = pool_.claims();
  if (looking_for_cancelled_ || claims.empty() || !heartbeat_.owner()) return;
  looking_for_cancelled_ = true;
  loop_.ask(
      [owner = heartbeat_.owner(), claims = std::move(claims)]() mutable {
        std::erase_if(claims, [&owner](const Claim& claim) {
          const auto ended = owner->has_ended(claim);
          return !ended || !*ended;
        });
        return std::move(claims);
      },
      [this](const std::vector<Claim>& ended) {
        looking_for_cancelled_ = false;
        for (const Claim& claim : ended) {
          const JobId& id = claim.token.id;
          log::line(log::Level::info, "ended by somebody else; dropped", {{"job", id.text()}});
          pool_.drop(id);
        }
      });
}

// No event tells of what another host does, and of one's own none is needed: each claim asks, too.
void Scheduler::look_whether_cordoned() {
  if (looking_whether_cordoned_ || phase_ != Phase::working) return;
  looking_whether_cordoned_ = true;
  loop_.ask([&spool = spool_] { return is_cordoned(spool, sys::identity().host); },
            [this](const Result<bool>& found) {
              looking_whether_cordoned_ = false;
              if (found && phase_ == Phase::working) cordoned(*found);
            });
}

void Scheduler::report_status() {
  std::string status = std::to_string(pool_.running()) + " running, " +
                       std::to_string(pool_.waiting()) + " ready, " +
                       std::to_string(tally_.completed) + " completed, " +
                       std::to_string(tally_.failed) + " failed";
  if (cordoned_) status = "Cordoned; " + status;
  if (pause_.on()) status = "Paused: " + pause_.cause() + "; " + status;
  // Jobs and hooks have limits of their own. For a spool that hangs, the unit's limit counts.
  const bool needs_time = phase_ != Phase::working && (pool_.running() > 0 || !hook_.drained());
  if (needs_time) (void)notify::send("EXTEND_TIMEOUT_USEC=10000000");
  if (status == status_) return;
  status_ = status;
  (void)notify::send("STATUS=" + status);
}

// --- the end

void Scheduler::stop_requested(int signal) {
  ++stop_signals_seen_;
  if (stop_signals_seen_ == 1) {
    tally_.signal = signal;
    log::line(log::Level::notice, "told to stop: no more claims, running jobs may end");
    drain();
    return;
  }
  log::line(log::Level::notice, "told again: running jobs are given back");
  stop_signals_.clear();  // a third signal ends us whatever hangs
  hook_.close();
  pool_.drop_all();
  end_if_done();
}

void Scheduler::drain() {
  if (phase_ != Phase::working) return;
  phase_ = Phase::draining;
  tick_on();
  (void)notify::send("STOPPING=1\nSTATUS=Draining");
  jobs_left_ = jobs_left_ || !claimer_.idle() || pool_.waiting() > 0;
  claimer_.stop();
  housekeeping_.stop();
  hot_folders_.stop();
  watcher_.reset();
  for (JobPtr& job : pool_.take_waiting()) publisher_.give_back(std::move(job));
  hook_.drain();
  end_if_done();
}

// What the spool refused is released when leaving, or taken over by the next daemon.
void Scheduler::end_if_done() {
  if (phase_ == Phase::working) return;
  const size_t held = publisher_.held();
  const bool done = pool_.waiting() + pool_.running() + claimer_.claiming() == 0 &&
                    publisher_.in_hand() == held && hook_.drained();
  if (done && phase_ == Phase::draining) {
    phase_ = Phase::finishing;
    pool_.close();
  }
  if (phase_ == Phase::finishing && pool_.empty() && hook_.drained()) loop_.stop();
}

void Scheduler::end_if_idle() {
  if (settings_.until != Settings::Until::idle || phase_ != Phase::working || !recovered_) return;
  if (!nothing_in_hand() || !(claimer_.idle() || cordoned_) || asking_what_is_left_ ||
      asking_.armed())
    return;
  if (!hot_folders_.idle()) return asking_.after(kAskAgain);
  asking_what_is_left_ = true;
  loop_.ask([&spool = spool_] { return anything_left(spool); },
            [this](const Result<bool>& left) {
              asking_what_is_left_ = false;
              if (left && !*left) return drain();
              if (cordoned_ && !std::exchange(said_waiting_, true)) {
                log::line(
                    log::Level::warning,
                    "this host is cordoned: what is left waits for daemons of other hosts, or "
                    "for 'imgq uncordon'");
              }
              asking_.after(kAskAgain);
              claimer_.poll();
            });
}

void Scheduler::reload() {
  if (!settings_.reload || phase_ != Phase::working) return;
  auto config = settings_.reload();
  if (!config) {
    log::line(log::Level::error, "configuration not reloaded; going on with the old one",
              {{"error", config.error().text()}});
    return;
  }
  const std::string later = take_over(settings_, std::move(*config));
  if (!later.empty()) {
    log::line(log::Level::warning, "a changed setting counts only after a restart",
              {{"setting", later}});
  }
  pool_.reload();
  heartbeat_.change(settings_.config.lease);
  hook_.change(settings_.config.hook);
  hot_folders_.change(settings_.config, settings_.sync);
  log::line(log::Level::notice, "configuration reloaded; workers are replaced as they finish");
}

}  // namespace imgq::supervise
