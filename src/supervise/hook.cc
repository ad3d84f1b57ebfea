#include "src/supervise/hook.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include "spool/types.h"
#include "src/util/log.h"
#include "src/util/sys.h"

namespace imgq::supervise {
namespace {

void inherit(std::vector<std::string>& environment, const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set after start
  if (value != nullptr) environment.push_back(std::string(name) + "=" + value);
}

Process::Start call_of(const std::string& program, const OwedHook& hook, const std::string& spool) {
  const std::string& id = hook.outcome.id.text();
  const std::string state(name_of(hook.outcome.ending));
  const std::string& name = hook.ticket.name;
  Process::Start call{
      program,
      {id, state},
      {"IMGQ_ID=" + id, "IMGQ_STATE=" + state, "IMGQ_NAME=" + name.substr(0, name.find('\0')),
       "IMGQ_SPOOL=" + spool, "IMGQ_CODE=" + hook.outcome.cause.code},
      {-1, -1, 2}};
  for (const char* each : {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER"}) {
    inherit(call.environment, each);
  }
  return call;
}

}  // namespace

Hook::Hook(Loop& loop, const Spool& spool, std::function<void()> changed)
    : loop_(loop),
      spool_(spool),
      changed_(std::move(changed)),
      look_again_(loop, [this] { look(); }),
      again_(loop, [this] { go_on(); }) {}

void Hook::change(const std::string& program) {
  program_ = program;
  pause_until_ms_ = 0;
  spool_.owe_hooks(!program.empty());
  look();
}

// --- which are owed

void Hook::owed(const JobId& id) {
  if (program_.empty() || begins_none_) return;
  add(id);
  go_on();
}

void Hook::add(const JobId& id) {
  if (known_.size() >= kMostKnown || !known_.insert(id).second) return;
  waiting_.push_back(id);
}

// Jobs that others ended: people who cancel, daemons without a hook or killed before theirs.
void Hook::look() {
  if (program_.empty() || begins_none_ || drain_ == Drain::over) return;
  look_again_.about(kLook);
  if (looking_ || !waiting_.empty()) return;
  if (sys::monotonic_ms() < pause_until_ms_) return;
  looking_ = true;
  ran_any_ = false;
  loop_.ask_along([&spool = spool_] { return owed_hooks(spool, kMostKnown); },
                  [this](const Result<std::vector<JobId>>& ids) {
                    looking_ = false;
                    if (!begins_none_) looked(ids);
                  });
}

void Hook::looked(const Result<std::vector<JobId>>& ids) {
  if (!ids && ids.error().text() != complaint_) {
    complaint_ = ids.error().text();
    log::line(log::Level::warning, "cannot see which hooks are owed", {{"error", complaint_}});
  }
  const int64_t now = sys::monotonic_ms();
  std::erase_if(put_off_, [now](const auto& each) { return each.second <= now; });
  for (const JobId& id : ids ? *ids : std::vector<JobId>()) {
    if (put_off_.count(id) == 0) add(id);
  }
  go_on();
}

// --- one after another

// What ends while we drain is added meanwhile; when nothing is left, one more look says whether
// others have ended jobs.
void Hook::go_on() {
  while (!waiting_.empty() && taking_ + running_.size() + settling_ < kAtOnce) {
    const JobId id = waiting_.front();
    waiting_.pop_front();
    ++taking_;
    loop_.ask([&spool = spool_, id] { return take_hook(spool, id); },
              [this, id](Result<std::optional<OwedHook>> hook) { took(id, std::move(hook)); });
  }
  if (!idle() || looking_) return;
  if (drain_ == Drain::looking && (program_.empty() || !ran_any_)) drain_ = Drain::over;
  if (drain_ == Drain::looking || (drain_ == Drain::none && ran_any_)) look();
  changed_();
}

void Hook::took(const JobId& id, Result<std::optional<OwedHook>> hook) {
  --taking_;
  if (!hook) {
    complain(id, hook.error());
    put_off(id);
  } else if (*hook && !begins_none_ && !program_.empty()) {
    run(std::move(**hook));
    return;
  }
  done_with(id);
}

void Hook::run(OwedHook hook) {
  const JobId id = hook.outcome.id;
  auto process = Process::start(loop_, call_of(program_, hook, spool_.path()),
                                [this, id](ProcessEnd end) { ended(id, end); });
  if (!process) return not_started(id, process.error());
  complaint_.clear();
  ran_any_ = true;
  auto limit = std::make_unique<Timer>(loop_, [this, id] {
    Running& running = running_.at(id);
    running.overstayed = true;
    running.process->kill(SIGKILL);
  });
  limit->after(kLimit);
  running_.emplace(id, Running{std::move(*process), std::move(limit), std::move(hook)});
}

// The program is at fault, or the host: the other jobs' would fare no better.
void Hook::not_started(const JobId& id, const Error& error) {
  if (error.text() != complaint_) {
    complaint_ = error.text();
    log::line(log::Level::warning, "cannot run the hook; what is owed stands",
              {{"job", id.text()}, {"error", complaint_}});
  }
  pause_until_ms_ = sys::monotonic_ms() + kAgain.count();
  give_up();
  done_with(id);
}

void Hook::ended(const JobId& id, ProcessEnd end) {
  auto running = running_.extract(id);
  OwedHook hook = std::move(running.mapped().hook);
  const bool overstayed = running.mapped().overstayed;
  if (end.signal != 0 || end.exit_code != 0) {
    log::line(log::Level::warning, "the hook failed",
              {{"job", id.text()},
               {"exit", std::to_string(end.exit_code)},
               {"signal", std::to_string(end.signal)}});
  }
  if (overstayed && drain_ != Drain::none) give_up();
  if (end.signal == 0 || overstayed) return settle(std::move(hook));
  put_off(id);
  done_with(id);
}

void Hook::settle(OwedHook hook) {
  ++settling_;
  auto shared = std::make_shared<OwedHook>(std::move(hook));
  loop_.ask([&spool = spool_, shared] { return settle_hook(spool, *shared); },
            [this, shared](const Status& settled) {
              --settling_;
              const JobId& id = shared->outcome.id;
              if (!settled && settled.error().code != EAGAIN) complain(id, settled.error());
              if (!settled) put_off(id);
              done_with(id);
            });
}

void Hook::complain(const JobId& id, const Error& error) {
  log::line(log::Level::warning, "cannot work off a hook",
            {{"job", id.text()}, {"error", error.text()}});
}

void Hook::put_off(const JobId& id) { put_off_[id] = sys::monotonic_ms() + kAgain.count(); }

// Not at once: it may be the end of a process, whose callback this is.
void Hook::done_with(const JobId& id) {
  known_.erase(id);
  again_.after(std::chrono::milliseconds(0));
}

// --- the end

void Hook::drain() {
  if (drain_ != Drain::none) return;
  drain_ = Drain::looking;
  ran_any_ = true;  // so that it looks
  if (pause_until_ms_ > sys::monotonic_ms()) give_up();
  go_on();
}

void Hook::give_up() {
  for (const JobId& id : waiting_) known_.erase(id);
  waiting_.clear();
  ran_any_ = false;
  if (drain_ == Drain::none) return;
  drain_ = Drain::over;
  begins_none_ = true;
}

void Hook::close() {
  drain_ = Drain::looking;
  give_up();
  for (auto& [id, each] : running_) each.process->kill(SIGKILL);
}

}  // namespace imgq::supervise
