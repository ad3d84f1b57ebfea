#include <algorithm>

#include "spool/internal/fsck.h"
#include "spool/internal/locate.h"
#include "spool/internal/walk.h"
#include "src/util/sys.h"

namespace imgq::checking {
namespace {

using layout::Part;

std::optional<State> ended_state(State state) {
  const bool ended = state == State::failed || state == State::cancelled;
  return ended ? std::optional(state) : std::nullopt;
}

std::string token_path(State state, const std::string& owner, const Token& token) {
  switch (state) {
    case State::staging:
      return layout::staging(token);
    case State::hold:
      return layout::hold(token);
    case State::processing:
      return layout::processing(owner, token);
    case State::delayed:
    case State::completed:
    case State::failed:
    case State::cancelled:
      break;
  }
  return "";
}

std::optional<Place> read_place(std::string_view name, State state, const std::string& owner) {
  if (state == State::delayed) {
    const auto due = layout::parse_delayed(name);
    if (!due) return std::nullopt;
    return Place{state, due->token, layout::delayed(due->due_ms, due->token), due->due_ms};
  }
  const auto token = layout::parse_token(name);
  if (!token) return std::nullopt;
  return Place{state, *token, token_path(state, owner, *token), 0, owner};
}

}  // namespace

int Facts::highest_attempt() const {
  int highest = 0;
  for (const int n : tries) highest = std::max(highest, n);
  for (const auto& [part, name] : results) highest = std::max(highest, part.attempt);
  return highest;
}

Facts& Census::facts_of(const JobId& id) {
  return tokens_.try_emplace(id.text(), Facts{id}).first->second;
}

Status Census::read_folder(const std::string& folder, State state, const std::string& owner) {
  return each_name_if_any(spool_.root(), folder, [&](std::string_view name) {
    if (const auto ended = ended_state(state)) {
      const auto id = JobId::parse(name);
      if (id) facts_of(*id).ended.push_back(*ended);
      if (!id) strangers_.push_back(folder + "/" + std::string(name));
      return true;
    }
    auto place = read_place(name, state, owner);
    if (!place && name != ".alive") strangers_.push_back(folder + "/" + std::string(name));
    if (!place) return true;
    Facts& facts = facts_of(place->token.id);
    auto& places = state == State::processing ? facts.processing : facts.waiting;
    places.push_back(std::move(*place));
    return true;
  });
}

Status Census::read_tokens() {
  tokens_.clear();
  strangers_.clear();
  // In the direction of a job's way: one that moves on is seen once or twice, rarely never.
  for (const State state :
       {State::staging, State::hold, State::delayed, State::failed, State::cancelled}) {
    if (const auto done = read_folder(std::string(name_of(state)), state, ""); !done) {
      return done.error();
    }
  }
  const auto owners = owners_of(spool_);
  if (!owners) return owners.error();
  for (const std::string& owner : *owners) {
    const auto done = read_folder(layout::owner_folder(owner), State::processing, owner);
    if (!done) return done.error();
  }
  return Ok{};
}

void Census::take_part(std::map<std::string, Facts>& jobs, const std::string& folder,
                       std::string_view name) {
  auto part = layout::parse_part(name);
  if (!part || layout::hour_folder(part->id) != folder) {
    strangers_.push_back(folder + "/" + std::string(name));
    return;
  }
  Facts& facts = jobs.try_emplace(part->id.text(), Facts{part->id}).first->second;
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
    case Part::Kind::try_record:
      facts.tries.push_back(part->attempt);
      break;
    case Part::Kind::result:
      facts.results.emplace_back(std::move(*part), std::string(name));
      break;
  }
}

Result<std::vector<Facts>> Census::read_hour(const std::string& hour) {
  std::map<std::string, Facts> jobs;
  const std::string folder = "jobs/" + hour, completed = "completed/" + hour;
  const auto parts = each_name(spool_.root(), folder, [&](std::string_view name) {
    take_part(jobs, folder, name);
    return true;
  });
  if (!parts && parts.error().code != ENOENT) return parts.error();
  const auto tokens = each_name(spool_.root(), completed, [&](std::string_view name) {
    const auto id = JobId::parse(name);
    const bool here = id && id->folder() == hour;
    if (here)
      jobs.try_emplace(id->text(), Facts{*id}).first->second.ended.push_back(State::completed);
    if (!here) strangers_.push_back(completed + "/" + std::string(name));
    return true;
  });
  if (!tokens && tokens.error().code != ENOENT) return tokens.error();
  std::vector<Facts> all;
  for (auto& [id, facts] : jobs) {
    if (const auto known = tokens_.find(id); known != tokens_.end()) {
      facts.waiting = std::move(known->second.waiting);
      facts.processing = std::move(known->second.processing);
      auto& ended = known->second.ended;
      facts.ended.insert(facts.ended.end(), ended.begin(), ended.end());
      tokens_.erase(known);
    }
    all.push_back(std::move(facts));
  }
  return all;
}

std::vector<Facts> Census::rest() {
  std::vector<Facts> all;
  for (auto& [id, facts] : tokens_) all.push_back(std::move(facts));
  tokens_.clear();
  return all;
}

}  // namespace imgq::checking
