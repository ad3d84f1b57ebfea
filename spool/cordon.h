#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "spool/spool.h"

// A host that is cordoned: its owners claim nothing until it is uncordoned; what they have they
// end, and all else they go on with. One need not be there for it.
//   source  FORMAT.md "Cordon"
namespace imgq {

struct Cordon {
  std::string host;
  int64_t since_ms = 0;  // Unix time, by the file system's clock
  uid_t by = 0;
};

// Whoever cordons it first has, however many try. On the disk when it is answered.
//   host     as owners have it: layout::is_host
//   returns  false: it was cordoned already
//   errors   EINVAL that is no host's name; ENOSPC, ...
Result<bool> cordon(const Spool& spool, const std::string& host);

//   returns  false: it was not cordoned
Result<bool> uncordon(const Spool& spool, const std::string& host);

Result<bool> is_cordoned(const Spool& spool, const std::string& host);

// All there are, in order of their names.
Result<std::vector<Cordon>> cordons(const Spool& spool);

}  // namespace imgq
