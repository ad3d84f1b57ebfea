#include "src/jobs/hang_report.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "src/base/exit_code.h"
#include "src/util/log.h"
#include "src/util/sd_notify.h"
#include "src/util/sys.h"
#include "src/util/threads.h"

namespace imgq {
namespace {

constexpr std::chrono::milliseconds kLookOften{500}, kLookSeldom{10'000};
constexpr std::array kEnding{SIGTERM, SIGINT};

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
std::atomic<int64_t> end_from_ms{kNever};             // monotonic
std::array<struct sigaction, kEnding.size()> before;  // the handlers that note() came before

void take_note(int signal) {
  end_from_ms = 0;
  const auto& handler = before[signal == kEnding[0] ? 0 : 1];
  if (handler.sa_handler != SIG_DFL && handler.sa_handler != SIG_IGN) handler.sa_handler(signal);
}

// Also by a signal that whoever should take it cannot.
bool shall_end() {
  if (sys::monotonic_ms() >= end_from_ms) return true;
  return any_pending({SIGTERM, SIGINT});
}

std::string seconds(int64_t ms) { return std::to_string(ms / 1000) + "s"; }

}  // namespace

// Nobody to look after: as if a call began now. The second look at one that hangs comes a while
// after the first.
std::chrono::milliseconds next_look(std::chrono::milliseconds stalled,
                                    std::chrono::milliseconds waits) {
  const auto least = std::clamp(stalled / 4, kLookOften, kLookSeldom);
  return std::clamp(stalled - waits, least, kLookSeldom);
}

HangReport::HangReport(std::chrono::seconds stalled, std::function<void()> hanging)
    : stalled_(stalled), hanging_(std::move(hanging)) {
  const NoSignals for_others;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    log::line(log::Level::warning, "a file system that does not answer will not be noticed",
              {{"why", error.what()}});
  }
}

HangReport::~HangReport() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  stop_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void HangReport::end_after(std::chrono::milliseconds time) {
  end_from_ms = sys::monotonic_ms() + time.count();
}

void HangReport::note(int signal) {
  struct sigaction action = {};
  (void)::sigaction(signal, nullptr, &action);  // cannot fail with these
  if (action.sa_handler == take_note) return;
  before[signal == kEnding[0] ? 0 : 1] = action;
  action.sa_handler = take_note;
  (void)::sigaction(signal, &action, nullptr);
}

void HangReport::run() {
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, pause(), [this] { return ended_; })) look();
}

std::chrono::milliseconds HangReport::pause() const {
  if (told_ms_ > 0) return kLookOften;
  const auto longest = longest_unanswered();
  return next_look(stalled_.load(), std::chrono::milliseconds(longest ? longest->for_ms : 0));
}

void HangReport::look() {
  const std::chrono::milliseconds stalled = stalled_.load();
  if (const auto longest = hangs_.look(stalled.count())) return tell(*longest);
  if (told_ms_ == 0) return;
  log::line(log::Level::notice, "the file system answers again",
            {{"after", seconds(std::exchange(told_ms_, 0))}});
  (void)notify::send("STATUS=The file system answers again");
}

void HangReport::tell(const Unanswered& longest) {
  const std::string since = seconds(longest.for_ms);
  if (longest.for_ms >= 2 * told_ms_) {
    log::line(log::Level::error, "no answer from the file system",
              {{"call", longest.call}, {"for", since}});
    told_ms_ = longest.for_ms;
  }
  (void)notify::send("STATUS=No answer from the file system for " + since);
  if (shall_end()) {
    log::line(log::Level::error,
              "ending without the file system's answer; the kernel may keep the process until it "
              "comes",
              {{"call", longest.call}, {"for", since}});
    ::_exit(static_cast<int>(Exit::try_later));
  }
  if (hanging_) hanging_();
}

}  // namespace imgq
