#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "spool/remount.h"
#include "src/supervise/claimer.h"
#include "src/supervise/engine.h"
#include "src/supervise/heartbeat.h"
#include "src/supervise/hook.h"
#include "src/supervise/hot_folder.h"
#include "src/supervise/housekeeping.h"
#include "src/supervise/listener.h"
#include "src/supervise/loop.h"
#include "src/supervise/pause.h"
#include "src/supervise/pool.h"
#include "src/supervise/publisher.h"
#include "src/supervise/watcher.h"

namespace imgq::supervise {

// Leads a job from one part to the next: claimer -> pool -> publisher; and decides when to pause,
// to drain, to end. Each part calls back on the loop's thread.
class Scheduler final : private Listener {
 public:
  // What outlives it, for the one that begins anew on a spool that was mounted anew.
  struct Kept {
    Settings settings;
    Tally tally = {};
    std::list<SignalWatch> stop_signals = {};  // call stop_requested
  };

  Scheduler(Loop& loop, const Spool& spool, Kept& kept);
  Result<Tally> run();

  // The spool as it was found again after its file system had gone away, when that ended run().
  std::optional<Spool> mounted_anew();

  void stop_requested(int signal);
  void reload();

 private:
  enum class Phase {
    working,
    draining,   // told to stop: what runs may end, nothing new begins
    finishing,  // nothing in hand: workers go home
  };

  // the way of a job
  void changed() override;
  size_t wanted() const;
  bool nothing_in_hand() const;
  void prepared(Prepared job) override;
  void cordoned(bool now) override;
  void judged(JobPtr job, Verdict verdict) override;
  void dropped(JobPtr job) override;
  void broken(const Error& error) override;
  void ended(const Outcome& outcome, const Ticket& ticket) override;
  void delayed(const Ticket& ticket, const Verdict& verdict, int64_t retry_ms) override;
  bool is_ours(const Job& job) const { return job.owner == heartbeat_.owner(); }

  // the spool
  void trouble(const Error& error) override;
  void well() override;
  void doubtful() override { heartbeat_.beat(); }
  void refused(const Error& error) override;
  void say_ready();
  void entered() override;
  void recovered() override;
  void not_alone() override { housekeeping_.look_at_others(); }
  void others_at_work(const Recovered& seen) override;
  void lost(const std::shared_ptr<Owner>& owner) override;
  void removed() override;
  void watch();
  void look_whether_lost();
  void looked(Remount::Seen seen);
  void abandon();

  // time
  void tick();
  void tick_on();
  void look_for_cancelled();
  void look_whether_cordoned();
  void report_status();

  // the end
  void drain();
  void end_if_done();
  void end_if_idle();

  Loop& loop_;
  const Spool& spool_;
  Settings& settings_;
  Phase phase_ = Phase::working;
  int stop_signals_seen_ = 0;
  bool recovered_ = false;
  bool looking_for_cancelled_ = false;
  bool cordoned_ = false;
  bool looking_whether_cordoned_ = false;
  bool said_waiting_ = false;  // for whoever is not cordoned
  bool looking_whether_lost_ = false;
  bool asking_what_is_left_ = false;
  bool jobs_left_ = false;  // given back while draining
  bool unwatched_ = false;  // said so
  bool said_ready_ = false;
  std::string status_;
  Pause pause_;
  Tally& tally_;
  Remount remount_;  // used by look_whether_lost's background work, never twice at once
  std::string said_lost_;
  std::optional<Spool> anew_;
  std::optional<Error> fatal_;
  Heartbeat heartbeat_;
  Pool pool_;
  Publisher publisher_;
  Claimer claimer_;
  Housekeeping housekeeping_;
  Hook hook_;
  HotFolders hot_folders_;
  std::unique_ptr<Watcher> watcher_;
  std::list<SignalWatch>& stop_signals_;
  Timer ticking_;
  Timer asking_;
  Timer watching_dog_;
};

}  // namespace imgq::supervise
