// What `imgq top` shows: a look at the spool, and its drawing.
#include <fmt/format.h>

#include <algorithm>

#include "spool/json.h"
#include "spool/sys.h"
#include "src/base/text.h"
#include "src/cli/job_text.h"
#include "src/cli/top.h"

namespace imgq::cli {
namespace {

constexpr size_t kMostRunning = 256;
constexpr size_t kMostFailures = 20;

int64_t jobs_in(const Counts& counts, State state) {
  return counts.jobs[static_cast<size_t>(state)];
}

// At most `width` columns, cut between characters.
std::string fitted(std::string_view text, int width) {
  std::string out;
  size_t used = 0;
  const auto room = static_cast<size_t>(std::max(width, 0));
  while (!text.empty() && used < room) {
    const size_t length = std::max<size_t>(utf8_length(text), 1);
    out += text.substr(0, length);
    text.remove_prefix(length);
    ++used;
  }
  return out;
}

double rate_of(const Snapshot& now, const std::optional<Snapshot>& before) {
  if (!before || now.monotonic_ms <= before->monotonic_ms) return 0;
  const int64_t done =
      jobs_in(now.counts, State::completed) - jobs_in(before->counts, State::completed);
  const double seconds = static_cast<double>(now.monotonic_ms - before->monotonic_ms) / 1000;
  return static_cast<double>(std::max<int64_t>(done, 0)) / seconds;
}

std::string state_line(const Snapshot& now) {
  std::string line;
  for (const State state : kAllStates) {
    line += fmt::format("{}{} {}", line.empty() ? "" : "  ", name_of(state),
                        jobs_in(now.counts, state));
  }
  return line;
}

std::string pace_line(const Snapshot& now, const std::optional<Snapshot>& before) {
  std::string line = fmt::format("{:.1f} jobs/s", rate_of(now, before));
  if (now.counts.oldest_waiting) {
    line += fmt::format("   oldest waits {}",
                        age_words(now.counts.oldest_waiting->unix_ms(), now.at_ms));
  }
  line += fmt::format("   {} free", human_bytes(static_cast<int64_t>(now.free_bytes)));
  if (now.counts.corrupt > 0) line += fmt::format("   {} corrupt", now.counts.corrupt);
  return line;
}

std::string_view life_word(OwnerSeen::Life life) {
  switch (life) {
    case OwnerSeen::Life::alive:
      return "alive";
    case OwnerSeen::Life::dead:
      return "dead";
    case OwnerSeen::Life::silent:
      return "silent";
  }
  return "dead";
}

void draw_owners(const Console& console, const Snapshot& now, int width,
                 std::vector<std::string>& lines) {
  if (now.owners.empty()) lines.emplace_back("no daemon is running");
  for (const OwnerSeen& owner : now.owners) {
    const std::string head =
        fmt::format("{} pid {} ({})", printable(owner.host), owner.pid, life_word(owner.life));
    lines.push_back(console.paint(owner.life == OwnerSeen::Life::alive ? Tint::strong : Tint::bad,
                                  fitted(head, width)));
    for (size_t i = 0; i < now.running.size(); ++i) {
      if (now.running[i].owner != owner.name) continue;
      lines.push_back(fitted(
          fmt::format("  {}  {:>6}  {}", now.running[i].id.text(),
                      age_words(now.running[i].id.unix_ms(), now.at_ms), now.running_names[i]),
          width));
    }
  }
}

void draw_failures(const Snapshot& now, int width, std::vector<std::string>& lines) {
  for (const JobView& view : now.failures) {
    const int64_t ended = view.outcome ? view.outcome->ended_ms : view.ticket.submitted_ms;
    lines.push_back(
        fitted(fmt::format("{:>6} ago  {}  {}: {}", age_words(ended, now.at_ms),
                           view.ticket.id.text(), printable(view.ticket.name), cause_words(view)),
               width));
  }
}

}  // namespace

Result<Snapshot> take_snapshot(const Spool& spool, const Config& config) {
  Snapshot now;
  now.at_ms = now_ms();
  now.monotonic_ms = sys::monotonic_ms();
  const auto counts = count(spool);
  if (!counts) return counts.error();
  now.counts = *counts;
  if (const auto room = spool.room()) now.free_bytes = room->free_bytes;
  auto owners = see_owners(spool, config.lease);
  if (!owners) return owners.error();
  now.owners = std::move(*owners);
  auto running = list(spool, State::processing, Order::oldest_first, kMostRunning);
  if (!running) return running.error();
  for (Listed& job : *running) {
    const auto view = find(spool, job.id);
    if (!view) continue;  // ended and purged meanwhile
    now.running_names.push_back(printable(view->ticket.name));
    now.running.push_back(std::move(job));
  }
  const auto failed = list(spool, State::failed, Order::newest_first, kMostFailures);
  if (!failed) return failed.error();
  for (const Listed& job : *failed) {
    auto view = find(spool, job.id);
    if (view && view->outcome) now.failures.push_back(std::move(*view));
  }
  const auto ended_ms = [](const JobView& job) { return job.outcome ? job.outcome->ended_ms : 0; };
  std::stable_sort(now.failures.begin(), now.failures.end(),
                   [&](const JobView& a, const JobView& b) { return ended_ms(a) > ended_ms(b); });
  return now;
}

std::vector<std::string> draw_top(const Console& console, const std::string& title,
                                  const Snapshot& now, const std::optional<Snapshot>& before,
                                  int width, int height) {
  std::vector<std::string> lines;
  const std::string head =
      fmt::format("imgq top  {}  {}", printable(title), iso_time(now.at_ms / 1000 * 1000));
  lines.push_back(console.paint(Tint::strong, fitted(head, width)));
  lines.push_back(fitted(state_line(now), width));
  lines.push_back(fitted(pace_line(now, before), width));
  lines.emplace_back();
  draw_owners(console, now, width, lines);
  const size_t room = static_cast<size_t>(std::max(height, 8));
  const size_t for_failures = std::min<size_t>(now.failures.size(), 5) + 2;
  if (!now.failures.empty() && lines.size() + for_failures > room) {
    lines.resize(std::max<size_t>(room - for_failures, 5));  // the failures are worth more
  }
  if (!now.failures.empty()) {
    lines.emplace_back();
    lines.push_back(console.paint(Tint::strong, "last failures"));
    draw_failures(now, width, lines);
  }
  if (lines.size() > room) lines.resize(room);
  return lines;
}

std::string top_json(const Snapshot& snapshot) {
  Json jobs = Json::object();
  for (const State state : kAllStates) {
    jobs[std::string(name_of(state))] = jobs_in(snapshot.counts, state);
  }
  Json owners = Json::array();
  for (const OwnerSeen& owner : snapshot.owners) {
    Json work = Json::array();
    for (const Listed& job : snapshot.running) {
      if (job.owner == owner.name) work.push_back(job.id.text());
    }
    Json one = Json::object();
    one["name"] = owner.name;
    one["host"] = owner.host;
    one["pid"] = owner.pid;
    one["life"] = life_word(owner.life);
    one["processing"] = work;
    owners.push_back(one);
  }
  Json out = Json::object();
  out["at"] = iso_time(snapshot.at_ms);
  out["jobs"] = jobs;
  out["free_bytes"] = snapshot.free_bytes;
  out["owners"] = owners;
  return versioned(dump_json(out));
}

}  // namespace imgq::cli
