// Reading staging/ and delayed/ for what can be claimed.
#include "spool/scan.h"

#include <algorithm>

#include "spool/internal/durable.h"
#include "spool/internal/moves.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {
namespace {

constexpr size_t kMostPromoted = 10'000;  // at a time, whatever fell due

// Keeps the smallest names, at most `limit`, in a heap: names of tokens sort as their jobs do.
class Smallest {
 public:
  explicit Smallest(size_t limit) : limit_(limit) {}
  void add(std::string_view name) {
    const bool full = names_.size() >= limit_;
    if (full && (limit_ == 0 || name >= names_.front())) return;
    if (!layout::parse_token(name)) return;
    if (full) {
      std::pop_heap(names_.begin(), names_.end());
      names_.back() = std::string(name);
    } else {
      names_.emplace_back(name);
    }
    std::push_heap(names_.begin(), names_.end());
  }
  std::vector<Token> tokens() {
    std::vector<Token> tokens;
    tokens.reserve(names_.size());
    for (const std::string& name : names_) tokens.push_back(*layout::parse_token(name));
    std::sort(tokens.begin(), tokens.end());
    return tokens;
  }

 private:
  size_t limit_;
  std::vector<std::string> names_;
};

// What is due, at most kMostPromoted; `next_due_ms` is when the rest is.
Result<std::vector<layout::Due>> due_by(const Spool& spool, int64_t now_ms, int64_t& next_due_ms) {
  std::vector<layout::Due> due;
  const auto listed = each_name(spool.root(), "delayed", [&](std::string_view name) {
    const auto entry = layout::parse_delayed(name);
    if (!entry) return true;
    if (entry->due_ms <= now_ms || entry->due_ms > now_ms + kMaxDelayMs) {
      if (due.size() < kMostPromoted) {
        due.push_back(*entry);
      } else {
        next_due_ms = now_ms;
      }
    } else if (next_due_ms == 0 || entry->due_ms < next_due_ms) {
      next_due_ms = entry->due_ms;
    }
    return true;
  });
  return listed ? Result<std::vector<layout::Due>>(std::move(due)) : listed.error();
}

}  // namespace

Result<std::vector<Token>> scan_staging(const Spool& spool, size_t limit) {
  Smallest oldest(limit);
  const auto listed = each_name(spool.root(), "staging", [&oldest](std::string_view name) {
    oldest.add(name);
    return true;
  });
  if (!listed) return listed.error();
  return oldest.tokens();
}

Result<Promoted> promote_delayed(const Spool& spool, int64_t now_ms) {
  Promoted promoted;
  const auto due = due_by(spool, now_ms, promoted.next_due_ms);
  if (!due) return due.error();
  for (const auto& [due_ms, token] : *due) {
    const auto moved =
        move_token_once(spool, layout::delayed(due_ms, token), layout::staging(token));
    if (moved) ++promoted.moved;  // one that stands, and is said to be gone, is seen again
    if (!moved && moved.error().code != ENOENT) promoted.stuck = moved.error();
  }
  if (promoted.moved > 0) {
    const auto synced = durable::sync_folders(spool, Sync::batch, {"staging", "delayed"});
    if (!synced) return synced.error();
  }
  return promoted;
}

}  // namespace imgq
