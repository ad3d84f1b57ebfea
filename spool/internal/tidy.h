#pragma once

#include <vector>

#include "spool/records.h"
#include "spool/spool.h"

// Results that no outcome names: an owner died, or was fenced, between naming them and its commit.
namespace imgq {

// After the commit nobody else can publish the job: removes the results of its other attempts.
// Reads each hour folder once, and only for jobs that had further attempts.
Status remove_other_results(const Spool& spool, const std::vector<Outcome>& ended);

// The same for a single job, also when it had one attempt only: its owner died in it, and somebody
// else ended the job.
Status remove_results_of_the_dead(const Spool& spool, const Outcome& outcome);

}  // namespace imgq
