#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {

// Where the token of a job that has not ended stands.
struct Place {
  State state = State::staging;
  Token token;
  std::string path;
  int64_t due_ms = 0;
  std::string owner = {};
};

enum class Search {
  quick,     // staging/ is not listed, only asked for the first attempt numbers
  thorough,  // all folders
};

// Looks for it in the waiting and processing folders. Nothing: not there, or it moved meanwhile.
Result<std::optional<Place>> locate(const Spool& spool, const JobId& id, Search search);

// The instances under processing/ (names that are none are left out).
Result<std::vector<std::string>> owners_of(const Spool& spool);

}  // namespace imgq
