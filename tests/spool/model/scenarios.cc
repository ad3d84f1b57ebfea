#include "tests/spool/model/scenarios.h"

#include <memory>

#include "spool/fsck.h"
#include "spool/internal/tries.h"
#include "spool/layout.h"
#include "spool/mend.h"
#include "spool/retain.h"
#include "spool/scan.h"
#include "src/util/sys.h"

namespace imgq::model {
namespace {

// The daemon of a scenario's first part, whose work the second part goes on with.
Daemon& daemon_of(Lab& lab) {
  if (!lab.daemon) lab.daemon = std::make_unique<Daemon>(lab);
  return *lab.daemon;
}

void nothing(Lab&) {}

std::function<void(Lab&)> submitted(std::vector<std::string> names, bool held = false) {
  return [names = std::move(names), held](Lab& lab) {
    for (const std::string& name : names) lab.submit({name}, Sync::full, "", held);
  };
}

// Submitted, and claimed by a daemon that lives on.
std::function<void(Lab&)> claimed(std::vector<std::string> names) {
  return [names = std::move(names)](Lab& lab) {
    submitted(names)(lab);
    lab.claims = daemon_of(lab).claim(100, Sync::batch);
  };
}

// Submitted and ended.
std::function<void(Lab&)> ended(std::vector<std::string> names) {
  return [names = std::move(names)](Lab& lab) {
    submitted(names)(lab);
    daemon_of(lab).run(60);
  };
}

void cancel_all(Lab& lab) {
  for (const JobId& id : lab.jobs) {
    const auto state = cancel(lab.spool(), id);
    if (state && *state == State::cancelled && lab.alive()) lab.ledger[id].cancelled = true;
  }
}

void hold_all(Lab& lab) {
  for (const JobId& id : lab.jobs) {
    lab.ledger[id].may_be_held = true;
    const auto state = hold(lab.spool(), id);
    if (state && lab.alive()) lab.ledger[id].held = true;
  }
}

void release_all(Lab& lab) {
  for (const JobId& id : lab.jobs) {
    lab.ledger[id].held = false;
    lab.ledger[id].may_be_held = true;
    const auto state = release(lab.spool(), id);
    if (state && lab.alive()) lab.ledger[id].may_be_held = false;
  }
}

void retry_all(Lab& lab) {
  for (const JobId& id : lab.jobs) {
    lab.ledger[id].may_change = true;
    (void)retry(lab.spool(), id);
  }
}

void purge_all(Lab& lab) {
  for (const JobId& id : lab.jobs) {
    lab.ledger[id].may_be_gone = true;
    (void)purge(lab.spool(), id);
  }
}

void retain_none(Lab& lab) {
  for (auto& [id, promise] : lab.ledger) promise.may_be_gone = true;
  Retention policy;
  policy.completed_age = policy.failed_age = std::chrono::seconds(1);
  (void)retain(lab.spool(), policy, lab.world.real_ns() / 1'000'000, 100);
}

void recover_here(Lab& lab) {
  Heartbeats seen;
  (void)recover(lab.spool(), "", seen, kLease);
}

// A dead daemon's jobs, one of them already published.
void leave_dead_owner(Lab& lab) {
  claimed({"good 1", "flaky 2", "good 3"})(lab);
  Daemon& daemon = daemon_of(lab);
  daemon.complete({lab.claims.at(0)}, Sync::batch, SourceAfter::keep);
  lab.world.kill(lab.world.running());
  lab.world.start();
  (void)lab.spool();
}

// What a crash between two syncs may leave: one job under two states, an ended one waiting again.
void leave_mess(Lab& lab) {
  ended({"good 1", "bad 2"})(lab);
  submitted({"good 3"})(lab);
  const std::string root = kSpool;
  for (size_t i = 0; i < 3; ++i) {
    const std::string& id = lab.jobs.at(i).text();
    const std::string folder = root + "/jobs/" + lab.jobs[i].folder();
    const auto ticket = lab.world.look_up(folder + "/" + id + ".job");
    if (ticket) lab.world.resurrect(root + "/staging", id + ".3", ticket);
  }
}

// The same when every configuration names a hook.
std::function<void(Lab&)> hooked(std::function<void(Lab&)> prepare) {
  return [prepare = std::move(prepare)](Lab& lab) {
    lab.hooks = true;
    prepare(lab);
  };
}

// Ended, and its hook owed still.
std::function<void(Lab&)> ended_untold(std::vector<std::string> names) {
  return hooked([names = std::move(names)](Lab& lab) {
    claimed(names)(lab);
    for (const Claim& claim : lab.claims) daemon_of(lab).fail(claim, Sync::batch);
  });
}

// Jobs whose daemons died too often: whoever recovers the last one ends them.
void leave_poison(Lab& lab) {
  lab.hooks = true;
  submitted({"good"})(lab);
  for (int i = 0; i <= kMaxLosses; ++i) {
    lab.world.pass(2 * kMaxDelayMs);
    (void)promote_delayed(lab.spool(), lab.world.real_ns() / 1'000'000);
    Daemon daemon(lab);
    (void)daemon.claim(10, Sync::batch);
    lab.world.kill(lab.world.running());
    lab.world.start();
    (void)lab.spool();
    if (i < kMaxLosses) recover_here(lab);
  }
}

void mend(Lab& lab) { (void)fsck(lab.spool(), Repair::mend, 1); }

void submit_again_with_key(Lab& lab) { lab.submit({"good again"}, Sync::full, "key-1"); }

void add_hooked(std::vector<Scenario>& all) {
  const auto add = [&](const char* name, std::function<void(Lab&)> prepare,
                       std::function<void(Lab&)> act) {
    all.push_back({name, std::move(prepare), std::move(act), nullptr});
  };
  add("complete_with_hook", hooked(claimed({"good 1", "good 2"})),
      [](Lab& lab) { daemon_of(lab).complete(lab.claims, Sync::batch, SourceAfter::remove); });
  add("fail_with_hook", hooked(claimed({"bad"})),
      [](Lab& lab) { daemon_of(lab).fail(lab.claims.at(0), Sync::batch); });
  add("cancel_with_hook", hooked(submitted({"good 1", "good 2"})), cancel_all);
  add("recover_with_hook", leave_poison, recover_here);
  add("run_hooks", ended_untold({"bad 1", "bad 2"}),
      [](Lab& lab) { (void)daemon_of(lab).run_hooks(); });
  add("retry_with_hook", ended_untold({"bad"}), retry_all);
}

std::vector<Scenario> make_scenarios() {
  std::vector<Scenario> all;
  const auto add = [&](const char* name, std::function<void(Lab&)> prepare,
                       std::function<void(Lab&)> act, std::function<void(Lab&)> after = nullptr) {
    all.push_back({name, std::move(prepare), std::move(act), std::move(after)});
  };
  add("submit_one", nothing, [](Lab& lab) { lab.submit({"good"}, Sync::full); });
  add("submit_bulk", nothing,
      [](Lab& lab) { lab.submit({"good 1", "bad 2", "flaky 3"}, Sync::batch); });
  add(
      "submit_with_key", nothing, [](Lab& lab) { lab.submit({"good"}, Sync::full, "key-1"); },
      submit_again_with_key);
  add(
      "submit_known_key", [](Lab& lab) { lab.submit({"good"}, Sync::full, "key-1"); },
      submit_again_with_key, submit_again_with_key);
  add("submit_held", nothing, [](Lab& lab) {
    for (auto& [id, promise] : lab.ledger) promise.may_be_held = true;
    lab.submit({"good"}, Sync::full, "", true);
  });
  add("enter", submitted({"good"}), [](Lab& lab) { Daemon daemon(lab); });
  add("claim", submitted({"good 1", "good 2"}), [](Lab& lab) {
    Daemon daemon(lab);
    if (daemon.in()) daemon.claim(10, Sync::batch);
  });
  add("complete", claimed({"good 1", "good 2"}),
      [](Lab& lab) { daemon_of(lab).complete(lab.claims, Sync::batch, SourceAfter::remove); });
  add("complete_each_synced", claimed({"good 1", "good 2"}),
      [](Lab& lab) { daemon_of(lab).complete(lab.claims, Sync::full, SourceAfter::keep); });
  add("fail", claimed({"bad"}),
      [](Lab& lab) { daemon_of(lab).fail(lab.claims.at(0), Sync::batch); });
  add("retry_later", claimed({"flaky"}),
      [](Lab& lab) { daemon_of(lab).retry_later(lab.claims.at(0), Sync::batch); });
  add("retry_too_often", claimed({"hopeless"}), [](Lab& lab) { daemon_of(lab).run(60); });
  add("release", claimed({"good 1", "good 2"}), [](Lab& lab) {
    for (const Claim& claim : lab.claims) (void)daemon_of(lab).owner().release(claim);
  });
  add("leave", claimed({"good 1", "good 2"}), [](Lab& lab) { daemon_of(lab).leave(); });
  add("promote", claimed({"flaky"}), [](Lab& lab) {
    daemon_of(lab).retry_later(lab.claims.at(0), Sync::batch);
    lab.world.pass(60'000);
    (void)promote_delayed(lab.spool(), lab.world.real_ns() / 1'000'000);
  });
  add("cancel_waiting", submitted({"good 1", "good 2"}), cancel_all);
  add("cancel_running", claimed({"good 1", "good 2"}), cancel_all);
  add("hold", submitted({"good"}), hold_all);
  add("release_held", submitted({"good"}, true), release_all);
  add("retry_by_hand", ended({"bad"}), retry_all);
  add("recover", leave_dead_owner, recover_here);
  add("purge", ended({"good 1", "bad 2"}), purge_all);
  add(
      "retain",
      [](Lab& lab) {
        ended({"good 1", "bad 2"})(lab);
        lab.world.pass(3 * 3600 * 1000);
      },
      retain_none);
  add("repair", leave_mess, mend);
  add("mend", lose_token, mend_lost, mend_lost);  // as each daemon does, too
  add_hooked(all);
  return all;
}

}  // namespace

void lose_token(Lab& lab) {
  submitted({"good"})(lab);
  const std::string token = layout::staging({lab.jobs.at(0), 1});
  (void)sys::unlinkat(lab.spool().root(), token.c_str(), 0);
}

void mend_lost(Lab& lab) {
  Mender mender;
  for (int look = 0; look < 3; ++look) {
    mender.begin();
    for (bool more = true; more;) {
      const auto mended = mender.look(lab.spool(), std::chrono::milliseconds(0));
      more = mended && mended->more;
    }
  }
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = make_scenarios();
  return all;
}

}  // namespace imgq::model
