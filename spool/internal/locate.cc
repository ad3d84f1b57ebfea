#include "spool/internal/locate.h"

#include "spool/internal/durable.h"
#include "spool/internal/outcome.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {
namespace {

constexpr int kProbes = 4;  // attempts that are asked for by name before folders are listed

Result<std::optional<Listed>> probe_staging(const Spool& spool, const JobId& id) {
  std::optional<Listed> found;
  for (int n = 1; n <= kProbes; ++n) {
    const auto there = durable::exists(spool, layout::staging({id, n}));
    if (!there) return there.error();
    if (*there) found = Listed{id, State::staging, n};
  }
  return found;
}

Result<std::optional<Listed>> find_in(const Spool& spool, State state, const JobId& id) {
  const auto folders = folders_of(spool, state);
  if (!folders) return folders.error();
  std::optional<Listed> found;
  for (const std::string& folder : *folders) {
    const auto listed = each_name_if_any(spool.root(), folder, [&](std::string_view name) {
      if (name.find(id.text()) == std::string_view::npos) return true;
      auto token = read_token(state, folder, name);
      if (token && token->id == id) found = std::move(token);
      return true;
    });
    if (!listed) return listed.error();
  }
  return found;
}

}  // namespace

Result<std::vector<std::string>> folders_of(const Spool& spool, State state) {
  const std::string top(name_of(state));
  if (state != State::processing && state != State::completed) return std::vector{top};
  auto below = state == State::processing ? owners_of(spool) : hours_under(spool, top);
  if (!below) return below;
  for (std::string& name : *below) name.insert(0, top + "/");
  return below;
}

std::optional<Listed> read_token(State state, const std::string& folder, std::string_view name) {
  switch (state) {
    case State::staging:
    case State::processing:
    case State::hold: {
      const auto token = layout::parse_token(name);
      if (!token) return std::nullopt;
      const bool owned = state == State::processing;
      return Listed{token->id, state, token->attempt, 0,
                    owned ? folder.substr(folder.find('/') + 1) : ""};
    }
    case State::delayed: {
      const auto due = layout::parse_delayed(name);
      if (!due) return std::nullopt;
      return Listed{due->token.id, state, due->token.attempt, due->due_ms};
    }
    case State::completed:
    case State::failed:
    case State::cancelled: {
      const auto id = JobId::parse(name);
      return id ? std::optional(Listed{*id, state}) : std::nullopt;
    }
  }
  return std::nullopt;
}

std::string path_of(const Listed& token) {
  switch (token.state) {
    case State::staging:
      return layout::staging(token.token());
    case State::delayed:
      return layout::delayed(token.due_ms, token.token());
    case State::processing:
      return layout::processing(token.owner, token.token());
    case State::hold:
      return layout::hold(token.token());
    case State::completed:
    case State::failed:
    case State::cancelled:
      return layout::ended(static_cast<Ending>(token.state), token.id);
  }
  return "";
}

Result<std::optional<Listed>> locate(const Spool& spool, const JobId& id, Search search) {
  auto found = probe_staging(spool, id);
  // In the direction of a job's way, so that one that moves on is met again: staging, processing,
  // then the places to which it may have gone back.
  for (const State state : {State::processing, State::hold, State::delayed, State::staging}) {
    if (!found || *found) break;
    if (state == State::staging && search == Search::quick) break;
    found = find_in(spool, state, id);
  }
  return found;
}

Result<Standing> standing_of(const Spool& spool, const JobId& id, Search search) {
  auto outcome = read_outcome(spool, id);
  if (!outcome) return outcome.error();
  if (*outcome) {
    const auto told = has_ended(spool, id);
    return told ? Result<Standing>(Standing{std::move(*outcome)}) : told.error();
  }
  auto token = locate(spool, id, search);
  return token ? Result<Standing>(Standing{{}, std::move(*token)}) : token.error();
}

Result<std::vector<std::string>> owners_of(const Spool& spool) {
  auto names = sorted_names(spool, "processing");
  if (!names) return names.error();
  std::erase_if(*names, [](const std::string& name) { return !layout::parse_writer(name); });
  return names;
}

}  // namespace imgq
