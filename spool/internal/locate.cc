#include "spool/internal/locate.h"

#include <algorithm>

#include "spool/internal/durable.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {
namespace {

constexpr int kProbes = 4;  // attempts that are asked for by name before folders are listed

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// Collects the tokens of one job.
class Finder {
 public:
  Finder(const Spool& spool, const JobId& id) : spool_(spool), id_(id) {}

  Status probe_staging() {
    for (int n = 1; n <= kProbes; ++n) {
      const Token token{id_, n};
      const auto there = durable::exists(spool_, layout::staging(token));
      if (!there) return there.error();
      if (*there) found_.push_back({State::staging, token, layout::staging(token)});
    }
    return Ok{};
  }

  Status list_staging() {
    return each("staging", [this](const Token& token) {
      found_.push_back({State::staging, token, layout::staging(token)});
    });
  }

  Status list_hold() {
    return each("hold", [this](const Token& token) {
      found_.push_back({State::hold, token, layout::hold(token)});
    });
  }

  Status list_processing() {
    const auto owners = owners_of(spool_);
    if (!owners) return owners.error();
    for (const std::string& owner : *owners) {
      const auto listed = each(layout::owner_folder(owner), [this, &owner](const Token& token) {
        found_.push_back({State::processing, token, layout::processing(owner, token), 0, owner});
      });
      if (!listed) return listed.error();
    }
    return Ok{};
  }

  Status list_delayed() {
    return names("delayed", [this](std::string_view name) {
      if (name.find(id_.text()) == std::string_view::npos) return;
      const auto due = layout::parse_delayed(name);
      if (!due || due->token.id != id_) return;
      found_.push_back(
          {State::delayed, due->token, layout::delayed(due->due_ms, due->token), due->due_ms});
    });
  }

  bool empty() const { return found_.empty(); }
  std::vector<Place>& found() { return found_; }

 private:
  Status names(const std::string& folder, const std::function<void(std::string_view)>& take) {
    return each_name_if_any(spool_.root(), folder, [&take](std::string_view name) {
      take(name);
      return true;
    });
  }

  Status each(const std::string& folder, const std::function<void(const Token&)>& take) {
    return names(folder, [this, &take](std::string_view name) {
      if (!starts_with(name, id_.text())) return;
      const auto token = layout::parse_token(name);
      if (token && token->id == id_) take(*token);
    });
  }

  const Spool& spool_;
  const JobId& id_;
  std::vector<Place> found_;
};

using Step = Status (Finder::*)();

// In the direction of a job's way, so that one that moves on is met again: staging, processing,
// then the places to which it may have gone back.
constexpr Step kQuick[] = {&Finder::probe_staging, &Finder::list_processing, &Finder::list_hold,
                           &Finder::list_delayed};

}  // namespace

Result<std::vector<std::string>> owners_of(const Spool& spool) {
  auto names = sorted_names(spool, "processing");
  if (!names) return names.error();
  std::erase_if(*names, [](const std::string& name) { return !layout::parse_writer(name); });
  return names;
}

Result<std::optional<Place>> locate(const Spool& spool, const JobId& id, Search search) {
  Finder finder(spool, id);
  for (const Step step : kQuick) {
    if (const auto done = (finder.*step)(); !done) return done.error();
    if (!finder.empty()) return std::optional(finder.found().back());
  }
  if (search == Search::quick) return std::optional<Place>();
  if (const auto done = finder.list_staging(); !done) return done.error();
  if (finder.empty()) return std::optional<Place>();
  return std::optional(finder.found().back());
}

}  // namespace imgq
