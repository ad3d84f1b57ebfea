#include "src/supervise/hook.h"

#include <signal.h>

#include <cstdlib>
#include <utility>

#include "src/util/log.h"

namespace imgq::supervise {
namespace {

void inherit(std::vector<std::string>& environment, const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set after start
  if (value != nullptr) environment.push_back(std::string(name) + "=" + value);
}

}  // namespace

Hook::Hook(Loop& loop, std::string spool_path, std::function<void()> changed)
    : loop_(loop),
      spool_path_(std::move(spool_path)),
      changed_(std::move(changed)),
      again_(loop, [this] { go_on(); }) {}

void Hook::run(const Outcome& outcome, const Ticket& ticket) {
  if (program_.empty() || closed_) return;
  if (waiting_.size() >= kMaxWaiting) {
    if (!std::exchange(full_, true)) {
      log::line(log::Level::warning, "the hook is too slow: not run for some jobs",
                {{"hook", program_}});
    }
    return;
  }
  full_ = false;
  const std::string state(name_of(outcome.ending));
  std::string name = ticket.name.substr(0, ticket.name.find('\0'));
  Process::Start call{"",
                      {outcome.id.text(), state},
                      {"IMGQ_ID=" + outcome.id.text(), "IMGQ_STATE=" + state, "IMGQ_NAME=" + name,
                       "IMGQ_SPOOL=" + spool_path_, "IMGQ_CODE=" + outcome.cause.code},
                      {-1, -1, 2}};
  for (const char* each : {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER"}) {
    inherit(call.environment, each);
  }
  waiting_.push_back(std::move(call));
  go_on();
}

void Hook::go_on() {
  while (!waiting_.empty() && running_.size() < kAtOnce) {
    Process::Start call = std::move(waiting_.front());
    waiting_.pop_front();
    call.program = program_;  // as it is now
    begin(call);
  }
  if (idle()) changed_();
}

void Hook::begin(const Process::Start& call) {
  const int number = next_++;
  const std::string id = call.arguments.front();
  auto process =
      Process::start(loop_, call, [this, number, id](ProcessEnd end) { ended(number, id, end); });
  if (!process) {
    log::line(log::Level::warning, "cannot run the hook",
              {{"job", id}, {"error", process.error().text()}});
    return;
  }
  Process* started = process->get();
  auto limit = std::make_unique<Timer>(loop_, [started] { started->kill(SIGKILL); });
  limit->after(kLimit);
  running_[number] = {std::move(*process), std::move(limit)};
}

void Hook::ended(int number, const std::string& id, ProcessEnd end) {
  if (end.signal != 0 || end.exit_code != 0) {
    log::line(log::Level::warning, "the hook failed",
              {{"job", id},
               {"exit", std::to_string(end.exit_code)},
               {"signal", std::to_string(end.signal)}});
  }
  running_.erase(number);
  again_.after(std::chrono::milliseconds(0));
}

void Hook::close() {
  closed_ = true;
  waiting_.clear();
  for (auto& [number, each] : running_) each.process->kill(SIGKILL);
}

}  // namespace imgq::supervise
