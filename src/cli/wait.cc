#include "src/cli/wait.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>

#include "spool/query.h"
#include "spool/sys.h"
#include "src/base/text.h"
#include "src/cli/ids.h"
#include "src/cli/job_text.h"
#include "src/cli/progress.h"

namespace imgq::cli {
namespace {

constexpr int64_t kFirstPauseMs = 5;
constexpr int64_t kLongestPauseMs = 250;
constexpr int64_t kRoundsBetweenLooks = 20;  // for jobs that were purged before we saw them end

bool is_waiting(const Spool& spool, const JobId& id, bool check_existence) {
  const auto ended = has_ended(spool, id);
  return ended && !*ended && (!check_existence || state_of(spool, id));
}

// How a job that has ended, or that does not exist, counts.
Exit judge(const Session& session, const Spool& spool, const JobId& id) {
  const auto view = find(spool, id);
  Console& console = session.console;
  if (!view) {
    if (view.error().code == ENOENT) {
      console.error(about(id.text(), "no such job"));
      if (session.json) console.put_line(job_error_json(id.text(), "unknown", "no such job"));
      return Exit::some_failed;
    }
    return fail(session, view.error());
  }
  if (session.json) console.put_line(job_json(spool, *view));
  if (view->state == State::completed) return Exit::ok;
  console.error(
      fmt::format("{}: {}: {}", id.text(), printable(view->ticket.name), cause_words(*view)));
  return Exit::some_failed;
}

bool is_good(const Session& session, const Spool& spool, const JobId& id, Tell tell) {
  if (tell == Tell::jobs) return judge(session, spool, id) == Exit::ok;
  const auto state = state_of(spool, id);
  return state && *state == State::completed;
}

// Says that nobody does what is waited for, if so; open_spool has, at first, of a spool that was
// not named.
bool tell_unserved(const Session& session, const Spool& spool, int64_t round) {
  if (is_served(spool, session.config.lease)) return false;
  if (round > 0 || !session.chosen) session.console.note(unserved_words(spool.path()));
  return true;
}

}  // namespace

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
              Timeout timeout, Tell tell) {
  const int64_t begin = sys::monotonic_ms();
  Progress progress(session.console, static_cast<int64_t>(ids.size()));
  std::vector<JobId> left = ids;
  bool failed = false, told = false;
  int64_t round = 0;
  for (int64_t rest = kFirstPauseMs; true; rest = std::min(rest * 2, kLongestPauseMs)) {
    std::vector<JobId> still;
    const bool look_for_all = round % kRoundsBetweenLooks == 0;
    for (const JobId& id : left) {
      if (is_waiting(spool, id, look_for_all)) {
        still.push_back(id);
        continue;
      }
      const bool good = is_good(session, spool, id, tell);
      failed = failed || !good;
      progress.step(!good);
    }
    if (still.size() < left.size()) rest = kFirstPauseMs;
    left.swap(still);
    (void)session.console.flush();  // the caller's last flush tells
    if (left.empty()) return failed && tell == Tell::jobs ? Exit::some_failed : Exit::ok;
    if (look_for_all && !told) told = tell_unserved(session, spool, round);
    if (timeout && sys::monotonic_ms() - begin >= timeout->count() * 1000) break;
    progress.refresh();
    pause(rest);
    ++round;
  }
  return fail(session, Exit::try_later,
              fmt::format("timed out: {} of {} not ended", left.size(),
                          counted(static_cast<int64_t>(ids.size()), "job")));
}

Exit wait_command(const Session& session, const WaitOptions& options) {
  const auto timeout = parse_timeout(options.timeout);
  if (!timeout) return fail(session, Exit::usage, timeout.error().action);
  const auto ids = gather_ids(options.ids);
  if (!ids) return fail(session, Exit::usage, ids.error().action);
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  return wait_for(session, *spool, *ids, *timeout);
}

}  // namespace imgq::cli
