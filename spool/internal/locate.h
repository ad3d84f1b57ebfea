#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spool/list.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {

// The folders in which tokens of a state stand, in order: the state's own, its owners' or hours'.
Result<std::vector<std::string>> folders_of(const Spool& spool, State state);

// The token that a name in one of these folders is; nothing for a stranger.
std::optional<Listed> read_token(State state, const std::string& folder, std::string_view name);

// Where that token stands.
std::string path_of(const Listed& token);

enum class Search {
  quick,     // staging/ is not listed, only asked for the first attempt numbers
  thorough,  // all folders
};

// Looks for a job's token in the waiting and processing folders. Nothing: not there, or it moved
// meanwhile.
Result<std::optional<Listed>> locate(const Spool& spool, const JobId& id, Search search);

// Where a job stands, as it may be told: how it ended, that being on the disk; or its token; or
// neither, while it moves.
struct Standing {
  std::optional<Outcome> outcome = {};
  std::optional<Listed> token = {};
};
Result<Standing> standing_of(const Spool& spool, const JobId& id, Search search);

// The instances under processing/ (names that are none are left out).
Result<std::vector<std::string>> owners_of(const Spool& spool);

}  // namespace imgq
