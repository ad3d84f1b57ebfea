#pragma once

#include <string>

#include "spool/spool.h"
#include "src/util/sys.h"

namespace imgq {

// Whether a name of tmp/ was left by a writer that is gone: of this host when the lock that it goes
// by is free, or there is none and its pid is not running; of any host after 36 hours. Names that
// are no temps never are.
Result<bool> is_stale_temp(const Spool& spool, const std::string& name);

// Removes temporary files of dead writers, and their locks. Never touches names it does not
// understand.
//   source  FORMAT.md "Sweep"
//   returns how many, less the locks
Result<int> sweep_tmp(const Spool& spool);

// Removes the temporary files of one writer, of any host, who is taken for dead. One that is not
// has to write them anew.
//   returns how many
Result<int> sweep_tmp_of(const Spool& spool, const sys::Identity& writer);

}  // namespace imgq
