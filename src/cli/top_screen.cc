// What `imgq top` shows: a look at the spool, and its drawing.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>

#include "spool/layout.h"
#include "spool/list.h"
#include "src/cli/cordon.h"
#include "src/cli/job_text.h"
#include "src/cli/top.h"
#include "src/jobs/spool_metrics.h"
#include "src/util/clock.h"
#include "src/util/json.h"
#include "src/util/sys.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

constexpr size_t kMostNamed = 256;  // running jobs of each owner
constexpr size_t kMostFailures = 20;
constexpr size_t kMarks = 10;     // the pace is that of the last so many looks
constexpr int kHeadColumns = 80;  // the time stands no further to the right
constexpr int kLowScreen = 16;    // rows; below, only what matters most
constexpr int kIdColumns = 36;    // of a job's id
constexpr int kAgeColumns = 6;    // "99 min"
constexpr int kRoomForIds = 76;   // columns; narrower, names are worth more
constexpr int kRoomForAll = 120;  // columns; failures have three things to tell
constexpr std::array<std::string_view, 4> kLives = {"alive", "dead", "silent", "unseen"};

struct Item {
  std::string text;
  Tint tint = Tint::none;
};
using Lines = std::vector<std::string>;

int width_of(std::string_view text) { return static_cast<int>(columns(text)); }

// At most `width` columns, cut between characters.
std::string fitted(std::string_view text, int width) {
  std::string out;
  for (int used = 0; !text.empty() && used < width; ++used) {
    const size_t length = std::max<size_t>(utf8_length(text), 1);
    out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

// The same, but of a path it is the end that tells.
std::string end_of(std::string_view text, int width) {
  if (width_of(text) <= width) return std::string(text);
  if (width <= 3) return fitted("...", width);
  for (int gone = width_of(text) - (width - 3); gone > 0; --gone) {
    text.remove_prefix(std::max<size_t>(utf8_length(text), 1));
  }
  return "..." + std::string(text);
}

std::string padded(std::string text, int width) {
  text.append(static_cast<size_t>(std::max(0, width - width_of(text))), ' ');
  return text;
}

// One line of items, each as far as there is room.
std::string row(const Console& console, const std::vector<Item>& items, int width) {
  std::string out;
  for (const Item& item : items) {
    const std::string text = fitted(item.text, width);
    width -= width_of(text);
    out += console.paint(item.tint, text);
  }
  return out;
}

// Items side by side, on as many lines as they need.
void wrap(const Console& console, const std::vector<Item>& items, int width, Lines& lines) {
  std::vector<Item> line;
  int used = 0;
  for (const Item& item : items) {
    if (!line.empty() && used + 3 + width_of(item.text) > width) {
      lines.push_back(row(console, line, width));
      line.clear();
      used = 0;
    }
    if (!line.empty()) line.push_back({"   "});
    used += (line.empty() ? 0 : 3) + width_of(item.text);
    line.push_back(item);
  }
  lines.push_back(row(console, line, width));
}

Tint tint_of(State state, int64_t jobs) {
  if (jobs == 0) return Tint::faint;
  return state == State::failed ? Tint::bad : Tint::strong;
}

// The states side by side under their names, so that nothing moves as the numbers grow.
bool draw_table(const Console& console, const Counts& counts, int width, Lines& lines) {
  std::vector<Item> names, numbers;
  int used = 0;
  for (const State state : kAllStates) {
    const std::string number = fmt::format("{}", counts.in(state));
    const int column =
        std::max(width_of(name_of(state)), width_of(number)) + (names.empty() ? 0 : 2);
    names.push_back({fmt::format("{:>{}}", name_of(state), column), Tint::faint});
    numbers.push_back({fmt::format("{:>{}}", number, column), tint_of(state, counts.in(state))});
    used += column;
  }
  if (used > width) return false;
  lines.push_back(row(console, names, width));
  lines.push_back(row(console, numbers, width));
  return true;
}

void draw_states(const Console& console, const Counts& counts, ScreenSize size, Lines& lines) {
  if (size.rows >= kLowScreen && draw_table(console, counts, size.columns, lines)) return;
  std::vector<Item> items;
  for (const State state : kAllStates) {
    const int64_t jobs = counts.in(state);
    if (jobs == 0) continue;
    items.push_back({fmt::format("{} {}", name_of(state), jobs), tint_of(state, jobs)});
  }
  if (items.empty()) items.push_back({"no jobs"});
  wrap(console, items, size.columns, lines);
}

void draw_pace(const Console& console, const Snapshot& now, const std::optional<Mark>& before,
               int width, Lines& lines) {
  std::vector<Item> items;
  const Mark mark = mark_of(now);
  if (before && mark.monotonic_ms > before->monotonic_ms) {
    const double seconds = static_cast<double>(mark.monotonic_ms - before->monotonic_ms) / 1000;
    const auto ended = static_cast<double>(std::max<int64_t>(mark.ended - before->ended, 0));
    items.push_back({fmt::format("{:.1f} jobs/s", ended / seconds), Tint::strong});
  }
  if (now.counts.oldest_waiting) {
    items.push_back({fmt::format("oldest waits {}",
                                 age_words(now.counts.oldest_waiting->unix_ms(), now.at_ms))});
  }
  items.push_back({fmt::format("{} free", human_bytes(static_cast<int64_t>(now.free_bytes)))});
  if (now.counts.corrupt > 0) {
    items.push_back({fmt::format("{} corrupt", now.counts.corrupt), Tint::bad});
  }
  wrap(console, items, width, lines);
}

Item head_of(const OwnerSeen& owner, size_t jobs) {
  const std::string who = fmt::format("{}  pid {}", printable(owner.host), owner.pid);
  if (owner.life == OwnerSeen::Life::dead) {
    return {who + "  gone: a running imgqd takes its jobs over", Tint::bad};
  }
  if (owner.life == OwnerSeen::Life::silent) {
    const std::string age = age_words(0, owner.heartbeat_age_ms);
    return {fmt::format("{}  silent for {}", who, age), Tint::bad};
  }
  if (stands_still(owner)) {
    const std::string age = age_words(0, owner.heartbeat_age_ms);
    return {fmt::format("{}  its heart stands still for {}", who, age), Tint::bad};
  }
  const bool unseen = owner.life == OwnerSeen::Life::unseen;
  const std::string work =
      jobs == 0 ? (unseen ? "not yet seen" : "idle") : counted(static_cast<int64_t>(jobs), "job");
  return {fmt::format("{}  {}{}", who, work, unseen && jobs > 0 ? ", not yet seen" : ""),
          Tint::strong};
}

std::string seconds_text(int64_t ms) {
  return fmt::format("{:+.3f} s", static_cast<double>(ms) / 1000);
}

std::string cordoned_words(const Snapshot& now, const std::string& host) {
  for (const Cordon& cordon : now.cordons) {
    if (cordon.host == host) return "  cordoned for " + age_words(cordon.since_ms, now.at_ms);
  }
  return "";
}

// The line of a daemon: what it does, how its host stands, and what it tells of itself.
std::vector<Item> line_of(const Snapshot& now, const OwnerSeen& owner, size_t jobs) {
  std::vector<Item> items{head_of(owner, jobs), {cordoned_words(now, owner.host), Tint::bad}};
  if (!may_serve({owner})) return items;
  const OwnerTold& told = owner.told;
  items.push_back({told.version.empty() ? "  version unknown" : "  " + told.version, Tint::faint});
  if (told.clock_ahead_ms) {
    items.push_back({"  clock " + seconds_text(*told.clock_ahead_ms),
                     std::abs(*told.clock_ahead_ms) > kClockSlackMs ? Tint::bad : Tint::faint});
  }
  return items;
}

bool has_daemon(const Snapshot& now, const std::string& host) {
  return std::any_of(now.owners.begin(), now.owners.end(),
                     [&host](const OwnerSeen& owner) { return owner.host == host; });
}

std::string name_with_attempt(const Running& one) {
  return one.job.attempt > 1 ? fmt::format("{}, attempt {}", one.name, one.job.attempt) : one.name;
}

void draw_owners(const Console& console, const Snapshot& now, int width, Lines& lines) {
  if (now.owners.empty()) {
    lines.push_back(row(console, {{"no daemon is running", Tint::bad}}, width));
  }
  const bool with_id = width >= kRoomForIds;
  int longest = 0;
  for (const Running& one : now.running)
    longest = std::max(longest, width_of(name_with_attempt(one)));
  const int for_name =
      std::min(longest, width - 2 - kAgeColumns - 2 - (with_id ? 2 + kIdColumns : 0));
  for (const OwnerSeen& owner : now.owners) {
    const size_t head = lines.size();
    lines.emplace_back();
    for (const Running& one : now.running) {
      if (one.job.owner != owner.name) continue;
      const std::string age = one.since_ms == 0 ? "" : age_words(one.since_ms, now.at_ms);
      lines.push_back(row(console,
                          {{fmt::format("  {:>{}}  ", age, kAgeColumns), Tint::faint},
                           {padded(end_of(name_with_attempt(one), for_name), for_name)},
                           {with_id ? "  " + one.job.id.text() : "", Tint::faint}},
                          width));
    }
    lines[head] = row(console, line_of(now, owner, lines.size() - head - 1), width);
  }
  for (const auto& [host, since_ms, by] : now.cordons) {
    if (has_daemon(now, host)) continue;
    lines.push_back(
        row(console, {{host + "  no daemon", Tint::strong}, {cordoned_words(now, host), Tint::bad}},
            width));
  }
}

void draw_failures(const Console& console, const Snapshot& now, int width, Lines& lines) {
  const bool with_id = width >= kRoomForAll;
  int for_name = 0;
  for (const JobView& view : now.failures) {
    for_name = std::max(for_name, width_of(printable(view.ticket.name)));
  }
  for_name = std::min(for_name, width / 3);
  const int for_cause = width - 2 - kAgeColumns - 2 - for_name - 2 - (with_id ? 2 + kIdColumns : 0);
  for (const JobView& view : now.failures) {
    const int64_t ended = view.outcome ? view.outcome->ended_ms : view.ticket.submitted_ms;
    const std::string age = age_words(ended, now.at_ms);
    const std::string cause = fitted(cause_words(view), for_cause);
    lines.push_back(row(console,
                        {{fmt::format("  {:>{}}  ", age, kAgeColumns), Tint::faint},
                         {padded(end_of(printable(view.ticket.name), for_name), for_name)},
                         {"  " + (with_id ? padded(cause, for_cause) : cause), Tint::bad},
                         {with_id ? "  " + view.ticket.id.text() : "", Tint::faint}},
                        width));
  }
}

// Shortens to `room` lines, the last of which says how many are missing.
void shorten(const Console& console, Lines& lines, size_t room) {
  if (lines.size() <= room || room == 0) return;
  const size_t missing = lines.size() - room + 1;
  lines.resize(room - 1);
  lines.push_back(console.paint(Tint::faint, fmt::format("  {} more", missing)));
}

int64_t claimed_ms(const Spool& spool, const Listed& job) {
  struct stat about{};
  const std::string token = layout::processing(job.owner, {job.id, job.attempt});
  if (sys::fstatat(spool.root(), token.c_str(), &about) != 0) return 0;  // it moved on
  return ms_of(about.st_ctim);
}

int64_t ended_ms(const JobView& job) { return job.outcome ? job.outcome->ended_ms : 0; }

Status add_running(const Spool& spool, Snapshot& now) {
  auto running = list(spool, State::processing, Order::oldest_first, SIZE_MAX);
  if (!running) return running.error();
  std::map<std::string, size_t> named;
  for (Listed& job : *running) {
    std::string name;
    if (++named[job.owner] <= kMostNamed) {  // no screen shows more
      const auto view = find(spool, job.id);
      if (!view) continue;  // ended and purged meanwhile
      name = printable(view->ticket.name);
    }
    const int64_t since_ms = claimed_ms(spool, job);
    now.running.push_back({std::move(job), std::move(name), since_ms});
  }
  // The counts were taken a moment before: what is shown as being worked on is what is counted so.
  now.counts.jobs[static_cast<size_t>(State::processing)] =
      static_cast<int64_t>(now.running.size());
  return Ok{};
}

Status add_failures(const Spool& spool, Snapshot& now) {
  const auto failed = list(spool, State::failed, Order::newest_first, kMostFailures);
  if (!failed) return failed.error();
  for (const Listed& job : *failed) {
    auto view = find(spool, job.id);
    if (view && view->outcome) now.failures.push_back(std::move(*view));
  }
  std::stable_sort(now.failures.begin(), now.failures.end(),
                   [](const JobView& a, const JobView& b) { return ended_ms(a) > ended_ms(b); });
  return Ok{};
}

}  // namespace

Result<Snapshot> take_snapshot(const Spool& spool, const Config& config, Heartbeats& seen) {
  Snapshot now;
  now.at_ms = now_ms();
  now.monotonic_ms = sys::monotonic_ms();
  const auto counts = count(spool);
  if (!counts) return counts.error();
  now.counts = *counts;
  if (const auto room = spool.room()) now.free_bytes = room->free_bytes;
  if (const auto added = add_running(spool, now); !added) return added.error();
  auto owners =
      see_owners(spool, config.lease, seen);  // after their jobs: none is without its owner
  if (!owners) return owners.error();
  now.owners = std::move(*owners);
  auto cordoned = cordons(spool);
  if (!cordoned) return cordoned.error();
  now.cordons = std::move(*cordoned);
  if (const auto added = add_failures(spool, now); !added) return added.error();
  return now;
}

Mark mark_of(const Snapshot& snapshot) {
  return {snapshot.monotonic_ms,
          snapshot.counts.in(State::completed) + snapshot.counts.in(State::failed)};
}

std::optional<Mark> Pace::since(const Snapshot& now) {
  const Mark mark = mark_of(now);
  const bool idle = now.running.empty() && !marks_.empty() && marks_.back().ended == mark.ended;
  if (idle) marks_ = {marks_.back()};
  const auto oldest = marks_.empty() ? std::nullopt : std::optional<Mark>(marks_.front());
  marks_.push_back(mark);
  if (marks_.size() > kMarks) marks_.pop_front();
  return oldest;
}

std::vector<std::string> draw_top(const Console& console, const std::string& title,
                                  const Snapshot& now, const std::optional<Mark>& before,
                                  ScreenSize size) {
  const bool low = size.rows < kLowScreen;
  const auto rows = static_cast<size_t>(std::max(size.rows, 5));
  const std::string time = iso_time(now.at_ms / 1000 * 1000);
  const int for_title =
      std::min(size.columns, kHeadColumns) - width_of("imgq top  ") - 2 - width_of(time);
  Lines lines;
  if (for_title >= 12) {
    lines.push_back(row(console,
                        {{"imgq top  ", Tint::strong},
                         {padded(end_of(printable(title), for_title), for_title), Tint::strong},
                         {"  " + time, Tint::faint}},
                        size.columns));
  } else {
    lines.push_back(
        row(console, {{end_of(printable(title), size.columns), Tint::strong}}, size.columns));
  }
  if (!low) lines.emplace_back();
  draw_states(console, now.counts, size, lines);
  draw_pace(console, now, before, size.columns, lines);
  if (!low) lines.emplace_back();

  Lines owners, failures;
  draw_owners(console, now, size.columns, owners);
  draw_failures(console, now, size.columns, failures);
  const size_t room = rows > lines.size() ? rows - lines.size() : 0;
  const size_t head = low ? 1 : 2;  // of the failures: a line between, and what they are
  const size_t least = failures.empty() ? 0 : head + std::min<size_t>(failures.size(), low ? 1 : 5);
  shorten(console, owners, room > least + 2 ? room - least : std::min<size_t>(room, 2));
  lines.insert(lines.end(), owners.begin(), owners.end());
  if (!failures.empty() && lines.size() + head < rows) {
    if (!low) lines.emplace_back();
    lines.push_back(row(console, {{"last failures", Tint::strong}}, size.columns));
    lines.insert(lines.end(), failures.begin(), failures.end());
  }
  if (lines.size() > rows) lines.resize(rows);
  return lines;
}

std::string top_json(const Snapshot& snapshot) {
  Json owners = Json::array();
  for (const OwnerSeen& owner : snapshot.owners) {
    Json work = Json::array();
    for (const Running& one : snapshot.running) {
      if (one.job.owner == owner.name) work.push_back(one.job.id.text());
    }
    owners.push_back({{"name", owner.name},
                      {"host", owner.host},
                      {"pid", owner.pid},
                      {"life", kLives[static_cast<size_t>(owner.life)]},
                      {"cordoned", owner.cordoned},
                      {"processing", std::move(work)}});
    if (!owner.told.version.empty()) owners.back()["version"] = owner.told.version;
    if (owner.told.clock_ahead_ms) {
      owners.back()["clock_offset_seconds"] =
          static_cast<double>(*owner.told.clock_ahead_ms) / 1000;
    }
  }
  Json out = counts_object(snapshot.counts, count_alive(snapshot.owners));
  out["at"] = iso_time(snapshot.at_ms);
  out["free_bytes"] = snapshot.free_bytes;
  out["owners"] = std::move(owners);
  out["cordoned"] = cordons_array(snapshot.cordons);
  return versioned(out);
}

}  // namespace imgq::cli
