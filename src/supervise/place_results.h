#pragma once

#include <string>

#include "spool/query.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq::supervise {

// Puts the results of a completed job into a directory that stands, under the names that `imgq get`
// gives them. Nothing there is replaced: what has the same content is there already, and where
// other content has the name, the result gets a number. Each appears whole, with the owner, mode
// and ACL of a file that is newly made there. Once more is harmless.
//   folder  below the directory, made where it is missing; "" for none
//   sync    none: whether they are on the disk is not waited for
//   errors  of open(2), write(2), linkat(2); of open_result
Status place_results(const Spool& spool, const JobView& job, const std::string& directory,
                     const std::string& folder, Sync sync);

}  // namespace imgq::supervise
