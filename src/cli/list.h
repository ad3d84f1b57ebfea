#pragma once

#include <cstddef>
#include <string>

#include "src/cli/session.h"

namespace imgq::cli {

struct ListOptions {
  std::string state;                    // one state's word; empty: all
  std::string limit;                    // how many; empty: kTableLimit in the table, else all
  bool newest = false, oldest = false;  // default newest
  bool ids_only = false;
};

// "ID STATE AGE NAME" a line; JSON: an object a line, as of `status`. What programs read is whole
// where no limit is given; the table says on stderr when there is more.
constexpr size_t kTableLimit = 100;
Exit list_command(const Session& session, const ListOptions& options);

// "staging", ...
//   errors  EINVAL with the known words
Result<State> parse_state(const std::string& word);

}  // namespace imgq::cli
