#include "src/cli/wait.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "spool/query.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/cli/commands.h"
#include "src/cli/ids.h"
#include "src/cli/job_text.h"
#include "src/cli/progress.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::cli {
namespace {

constexpr int64_t kFirstPauseMs = 5;
constexpr int64_t kLongestPauseMs = 250;
constexpr int64_t kRoundsBetweenLooks = 20;  // for jobs that were purged before we saw them end

volatile std::sig_atomic_t signalled = 0;

bool is_waiting(const Spool& spool, const JobId& id, bool check_existence) {
  const auto ended = has_ended(spool, id);
  return ended && !*ended && (!check_existence || state_of(spool, id));
}

// How a job that has ended, or that does not exist, counts.
Exit exit_of(const Session& session, const Spool& spool, const JobId& id) {
  const auto view = find(spool, id);
  if (!view) return tell_missing(session, id, view.error());
  if (session.json) session.console.put_line(job_json(spool, *view));
  if (view->state == State::completed) return Exit::ok;
  return fail(
      session, Exit::some_failed,
      fmt::format("{}: {}: {}", id.text(), printable(view->ticket.name), cause_words(*view)));
}

bool is_good(const Session& session, const Spool& spool, const JobId& id, Tell tell) {
  if (tell == Tell::jobs) return exit_of(session, spool, id) == Exit::ok;
  const auto state = state_of(spool, id);
  return state && *state == State::completed;
}

// Jobs that are waited for, and what was told of them.
class Waiting {
 public:
  Waiting(const Session& session, const Spool& spool, const std::vector<JobId>& ids,
          const Deadline& deadline, Tell tell)
      : session_(session),
        spool_(spool),
        deadline_(deadline),
        tell_(tell),
        left_(ids),
        progress_(session.console, static_cast<int64_t>(ids.size())) {}

  // True when a job has ended since the last look.
  bool look() {
    const size_t before = left_.size();
    const bool for_all = round_ % kRoundsBetweenLooks == 0;
    std::erase_if(left_, [&](const JobId& id) {
      if (round_ > 0 && deadline_.left_ms() <= 0) return false;
      const bool ended = !is_waiting(spool_, id, for_all);
      if (ended) end(id);
      return ended;
    });
    (void)session_.console.flush();  // the caller's last flush tells
    if (for_all && !left_.empty() && !told_) tell_unserved();
    ++round_;
    progress_.refresh();
    return left_.size() < before;
  }

  size_t left() const { return left_.size(); }
  bool failed() const { return failed_; }

 private:
  void end(const JobId& id) {
    const bool good = is_good(session_, spool_, id, tell_);
    failed_ = failed_ || !good;
    progress_.step(!good);
  }

  // Says that nobody does what is waited for, if so; open_spool has, at first, of a spool that was
  // not named.
  void tell_unserved() {
    const std::string unserved = unserved_words(spool_, session_.config.lease);
    told_ = !unserved.empty();
    if (told_ && (round_ > 0 || !session_.chosen)) session_.console.note(unserved);
  }

  const Session& session_;
  const Spool& spool_;
  const Deadline& deadline_;
  const Tell tell_;
  std::vector<JobId> left_;
  Progress progress_;
  int64_t round_ = 0;
  bool failed_ = false, told_ = false;
};

}  // namespace

void stop_by(std::initializer_list<int> signals) {
  struct sigaction action{};
  action.sa_handler = [](int signal) { signalled = signal; };
  for (const int one : signals) (void)::sigaction(one, &action, nullptr);  // cannot fail with these
}

bool stopped() { return signalled != 0; }

void note_stop(int signal) { signalled = signal; }

void die_if_interrupted() {
  if (signalled != SIGINT) return;
  (void)std::fflush(nullptr);          // whoever reads it knows by now
  (void)std::signal(SIGINT, SIG_DFL);  // NOLINT(cert-err33-c): cannot fail with these
  (void)std::raise(SIGINT);
}

void pause(int64_t millis) {
  const struct timespec length{static_cast<time_t>(millis / 1000),
                               static_cast<long>(millis % 1000) * 1'000'000};
  (void)::nanosleep(&length, nullptr);  // woken early: one look more
}

Result<Timeout> parse_timeout(const std::string& text) {
  if (text.empty()) return Timeout();
  const auto duration = parse_duration(text);
  if (!duration) return bad_data(fmt::format("--timeout: {}", duration.error().action), "");
  return Timeout(*duration);
}

Exit wait_for(const Session& session, const Spool& spool, const std::vector<JobId>& ids,
              const Deadline& deadline, Tell tell) {
  Waiting waiting(session, spool, ids, deadline, tell);
  for (int64_t rest = kFirstPauseMs; true; rest = std::min(rest * 2, kLongestPauseMs)) {
    if (waiting.look()) rest = kFirstPauseMs;
    if (waiting.left() == 0) {
      return waiting.failed() && tell == Tell::jobs ? Exit::some_failed : Exit::ok;
    }
    const int64_t left_ms = deadline.left_ms();
    if (left_ms <= 0) break;
    pause(std::min(rest, left_ms));
  }
  return fail(session, Exit::try_later,
              fmt::format("timed out: {} of {} not ended", waiting.left(),
                          counted(static_cast<int64_t>(ids.size()), "job")));
}

Exit wait_command(const Session& session, const WaitOptions& options) {
  const auto timeout = parse_timeout(options.timeout);
  if (!timeout) return fail(session, Exit::usage, timeout.error().action);
  const auto ids = gather_ids(options.ids);
  if (!ids) return fail(session, Exit::usage, ids.error().action);
  const Deadline deadline(*timeout);
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  return wait_for(session, *spool, *ids, deadline);
}

}  // namespace imgq::cli
