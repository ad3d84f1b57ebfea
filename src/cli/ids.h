#pragma once

#include <string>
#include <vector>

#include "spool/job_id.h"

namespace imgq::cli {

// Job ids from arguments; "-", or no argument while stdin is a pipe or a file, reads the first word
// of each line of stdin, so `imgq list --state failed --ids | imgq retry` works.
//   errors  EINVAL something is no job id, or none is given: usage; nothing was done
Result<std::vector<JobId>> gather_ids(const std::vector<std::string>& arguments);

}  // namespace imgq::cli
