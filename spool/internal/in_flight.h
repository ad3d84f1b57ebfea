#pragma once

#include <mutex>
#include <set>

#include "spool/types.h"

namespace imgq {

// The tokens that an owner's threads are taking, work on or are ending. A token in the owner's
// folder that is none of them is a stray: what could not be moved on or given back, or was moved
// here by a call whose reply was lost. Nobody else touches the folder of a living owner, so its
// owner looks at each beat.
class InFlightTokens {
 public:
  void add(const Token& token) {
    const std::lock_guard lock(mutex_);
    tokens_.insert(token);
  }
  void drop(const Token& token) {
    const std::lock_guard lock(mutex_);
    tokens_.erase(token);
  }
  bool has(const Token& token) const {
    const std::lock_guard lock(mutex_);
    return tokens_.count(token) > 0;
  }

 private:
  mutable std::mutex mutex_;
  std::set<Token> tokens_;
};

}  // namespace imgq
