#include <algorithm>

#include "spool/internal/fsck.h"
#include "spool/internal/locate.h"
#include "spool/internal/walk.h"

namespace imgq::checking {

using layout::Part;

int Facts::highest_attempt() const {
  int highest = 0;
  for (const int n : tries) highest = std::max(highest, n);
  for (const auto& [part, name] : results) highest = std::max(highest, part.attempt);
  return highest;
}

// A token, or a stranger.
void Census::take_token(State state, const std::string& folder, std::string_view name) {
  auto token = read_token(state, folder, name);
  if (!token) {
    const bool life_sign = state == State::processing && name == ".alive";
    if (!life_sign) strangers_.push_back(folder + "/" + std::string(name));
    return;
  }
  Facts& facts = facts_of(token->id);
  switch (state) {
    case State::staging:
    case State::delayed:
    case State::hold:
      return facts.waiting.push_back(std::move(*token));
    case State::processing:
      return facts.processing.push_back(std::move(*token));
    case State::completed:
    case State::failed:
    case State::cancelled:
      return facts.ended.push_back(std::move(*token));
  }
}

Status Census::read_tokens() {
  jobs_.clear();
  strangers_.clear();
  // In the direction of a job's way: one that moves on is seen once or twice, rarely never.
  for (const State state : {State::staging, State::hold, State::delayed, State::failed,
                            State::cancelled, State::processing}) {
    const auto folders = folders_of(spool_, state);
    if (!folders) return folders.error();
    for (const std::string& folder : *folders) {
      const auto listed = each_name_if_any(spool_.root(), folder, [&](std::string_view name) {
        take_token(state, folder, name);
        return true;
      });
      if (!listed) return listed.error();
    }
  }
  return Ok{};
}

void Census::take_part(const std::string& folder, std::string_view name, std::set<JobId>& here) {
  auto part = layout::parse_part(name);
  if (!part || layout::hour_folder(part->id) != folder) {
    strangers_.push_back(folder + "/" + std::string(name));
    return;
  }
  here.insert(part->id);
  Facts& facts = facts_of(part->id);
  switch (part->kind) {
    case Part::Kind::ticket:
      facts.ticket = true;
      break;
    case Part::Kind::source:
      facts.source = true;
      break;
    case Part::Kind::outcome:
      facts.outcome = true;
      break;
    case Part::Kind::placed:
      facts.placed = true;
      break;
    case Part::Kind::try_record:
      facts.tries.push_back(part->attempt);
      break;
    case Part::Kind::result:
      facts.results.emplace_back(std::move(*part), std::string(name));
      break;
  }
}

Result<std::vector<Facts>> Census::read_hour(const std::string& hour) {
  std::set<JobId> here;
  const std::string folder = "jobs/" + hour, completed = "completed/" + hour;
  const auto parts = each_name(spool_.root(), folder, [&](std::string_view name) {
    take_part(folder, name, here);
    return true;
  });
  if (!parts && parts.error().code != ENOENT) return parts.error();
  const auto tokens = each_name(spool_.root(), completed, [&](std::string_view name) {
    if (const auto id = JobId::parse(name); id && id->folder() == hour) {
      here.insert(*id);
      facts_of(*id).ended.push_back({*id, State::completed});
    } else {
      strangers_.push_back(completed + "/" + std::string(name));
    }
    return true;
  });
  if (!tokens && tokens.error().code != ENOENT) return tokens.error();
  std::vector<Facts> all;
  all.reserve(here.size());
  for (const JobId& id : here) all.push_back(std::move(jobs_.extract(id).mapped()));
  return all;
}

std::vector<Facts> Census::rest() {
  std::vector<Facts> all;
  for (auto& [id, facts] : jobs_) all.push_back(std::move(facts));
  jobs_.clear();
  return all;
}

}  // namespace imgq::checking
