#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spool/layout.h"
#include "spool/list.h"
#include "spool/query.h"
#include "spool/spool.h"
#include "src/cli/commands.h"
#include "src/cli/job_text.h"
#include "src/cli/wait.h"
#include "src/jobs/owners.h"
#include "src/util/clock.h"
#include "src/util/sys.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::cli {
namespace {

// How much clocks may differ between this host and the file system, and how long a told job is
// remembered so that it is not told twice.
constexpr int64_t kSlackMs = 5'000;
constexpr int64_t kRememberMs = 60'000;
constexpr size_t kMostCompleted = 4096;
constexpr size_t kMostOthers = 16384;
constexpr size_t kAboutAsLate = 64;  // tokens are moved in another order than their jobs ended

std::vector<std::string> ended_folders(const Spool& spool) {
  std::vector<std::string> folders = {std::string(name_of(State::failed)),
                                      std::string(name_of(State::cancelled))};
  const std::string completed(name_of(State::completed));
  for (const std::string& day : names_in(spool, completed)) {
    const std::string folder = fmt::format("{}/{}", completed, day);
    for (const std::string& hour : names_in(spool, folder)) {
      folders.push_back(fmt::format("{}/{}", folder, hour));
    }
  }
  return folders;
}

bool ended_earlier(const JobView& a, const JobView& b) {
  return a.outcome->ended_ms < b.outcome->ended_ms;
}

void print(const Session& session, const Spool& spool, const JobView& view) {
  if (session.json) {
    session.console.put_line(job_json(spool, view));
    return;
  }
  const bool good = view.state == State::completed;
  std::string line =
      fmt::format("{} {} {} {}", iso_time(view.outcome->ended_ms), view.ticket.id.text(),
                  session.console.paint(good ? Tint::good : Tint::bad, name_of(view.state)),
                  printable(view.ticket.name));
  if (!good) line += ": " + cause_words(view);
  session.console.put_line(line);
}

// When the token of an ended job was moved last, which is soon after its end; or it is gone.
std::optional<int64_t> moved_ns(const Spool& spool, Ending ending, const JobId& id) {
  struct stat about{};
  const std::string token = layout::ended(ending, id);
  if (sys::fstatat(spool.root(), token.c_str(), &about) != 0) return std::nullopt;
  return ns_of(about.st_ctim);
}

// The ended jobs whose tokens were moved last. A completed job ends soon after its submission, so
// the newest by submission are looked at; of the others all.
Result<std::vector<JobId>> moved_last(const Spool& spool, size_t number) {
  std::vector<std::pair<int64_t, JobId>> moved;
  for (const Ending ending : {Ending::completed, Ending::failed, Ending::cancelled}) {
    const size_t most =
        ending == Ending::completed ? std::max(kMostCompleted, number) : kMostOthers;
    const auto jobs = list(spool, state_after(ending), Order::newest_first, most);
    if (!jobs) return jobs.error();
    for (const Listed& job : *jobs) {
      if (const auto when = moved_ns(spool, ending, job.id)) moved.emplace_back(*when, job.id);
    }
  }
  std::sort(moved.begin(), moved.end(), std::greater<>());
  std::vector<JobId> ids;
  for (const auto& [when, id] : moved) {
    if (ids.size() < number + kAboutAsLate) ids.push_back(id);
  }
  return ids;
}

// The last `number` that ended.
Result<std::vector<JobView>> past(const Spool& spool, size_t number) {
  std::vector<JobView> views;
  const auto ids = moved_last(spool, number);
  if (!ids) return ids.error();
  for (const JobId& id : *ids) {
    auto view = find(spool, id);
    if (view && view->outcome) views.push_back(std::move(*view));
  }
  std::stable_sort(views.begin(), views.end(), ended_earlier);
  const size_t more = views.size() - std::min(views.size(), number);
  views.erase(views.begin(), views.begin() + static_cast<std::ptrdiff_t>(more));
  return views;
}

// Finds jobs that ended since the last look, by the times of the folders and tokens.
class Tail {
 public:
  explicit Tail(const Spool& spool) : spool_(spool), start_ms_(now_ms()), looked_ms_(start_ms_) {}
  std::vector<JobView> next();  // in the order of their end

 private:
  void look_into(const std::string& folder, int64_t since_ms, std::vector<JobView>& found);
  const Spool& spool_;
  int64_t start_ms_;
  int64_t looked_ms_;
  struct Told {
    int64_t ended_ms, changed_ns, at_ms;  // of the job, of its token, of the telling
  };
  std::map<JobId, Told> told_;  // lately; a job that is tried again ends again
};

void Tail::look_into(const std::string& folder, int64_t since_ms, std::vector<JobView>& found) {
  struct stat about{};
  if (sys::fstatat(spool_.root(), folder.c_str(), &about) != 0) return;
  if (ms_of(about.st_mtim) < since_ms) return;
  for (const std::string& name : names_in(spool_, folder)) {
    const auto id = JobId::parse(name);
    if (!id) continue;
    const std::string token = fmt::format("{}/{}", folder, name);
    if (sys::fstatat(spool_.root(), token.c_str(), &about) != 0) continue;
    if (ms_of(about.st_ctim) < since_ms) continue;
    const auto told = told_.find(*id);
    if (told != told_.end() && told->second.changed_ns == ns_of(about.st_ctim)) continue;
    auto view = find(spool_, *id);
    if (!view || !view->outcome || view->outcome->ended_ms < start_ms_ - kSlackMs) continue;
    const bool anew = told == told_.end() || told->second.ended_ms != view->outcome->ended_ms;
    told_[*id] = {view->outcome->ended_ms, ns_of(about.st_ctim), now_ms()};
    if (anew && view->outcome->ended_ms >= start_ms_) found.push_back(std::move(*view));
  }
}

std::vector<JobView> Tail::next() {
  const int64_t now = now_ms();
  const int64_t since = looked_ms_ - kSlackMs;
  looked_ms_ = now;
  std::vector<JobView> found;
  for (const std::string& folder : ended_folders(spool_)) look_into(folder, since, found);
  std::erase_if(told_, [now](const auto& one) { return one.second.at_ms < now - kRememberMs; });
  std::stable_sort(found.begin(), found.end(), ended_earlier);
  return found;
}

}  // namespace

Exit log_command(const Session& session, const LogOptions& options) {
  const auto number = parse_count(options.number, 0, 1'000'000);
  if (!number) return fail(session, Exit::usage, "--number: " + number.error().action);
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  Tail tail(*spool);
  const auto views = past(*spool, static_cast<size_t>(*number));
  if (!views) return fail(session, views.error());
  for (const JobView& view : *views) print(session, *spool, view);
  if (!options.follow) return Exit::ok;
  stop_by({SIGINT, SIGTERM});
  while (!stopped() && session.console.flush()) {
    pause(1000);
    for (const JobView& view : tail.next()) {
      const bool told = std::any_of(views->begin(), views->end(), [&view](const JobView& past) {
        return past.ticket.id == view.ticket.id && past.outcome->ended_ms == view.outcome->ended_ms;
      });
      if (!told) print(session, *spool, view);
    }
  }
  return stopped() ? Exit::interrupted : Exit::ok;
}

}  // namespace imgq::cli
