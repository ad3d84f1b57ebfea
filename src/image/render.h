#pragma once

#include <span>

#include "src/image/plan.h"
#include "src/image/source.h"

namespace imgq::image {

// Decodes an opened source and writes every job of the plan.
//   verdict  gets results, notes, thumbhash and times
Failure render_plan(const Plan& plan, Source* source, std::span<const int> results,
                    Verdict* verdict);

// Decodes an opened source for its thumbhash alone, and writes nothing.
Failure hash_source(const Plan& plan, Source* source, Verdict* verdict);

}  // namespace imgq::image
