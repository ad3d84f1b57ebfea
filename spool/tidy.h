#ifndef IMGQ_SPOOL_TIDY_H_
#define IMGQ_SPOOL_TIDY_H_

#include <set>
#include <vector>

#include "spool/claim.h"
#include "spool/records.h"
#include "spool/spool.h"

// Results that no outcome names: an owner died, or was fenced, between naming them and its commit.
namespace imgq {

// After the commit nobody else can publish the job: removes the results of its other attempts.
// Reads each hour folder once, and only for jobs that had further attempts.
Status remove_other_results(const Spool& spool, const std::vector<Outcome>& ended);

// Removes the results of attempts without an outcome, whose owner is certainly dead: one that is
// only frozen may still commit them.
Status remove_results_of(const Spool& spool, const std::set<Token>& attempts);

}  // namespace imgq

#endif  // IMGQ_SPOOL_TIDY_H_
