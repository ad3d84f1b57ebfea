#pragma once

#include <string>
#include <vector>

#include "src/base/limits.h"
#include "src/image/plan.h"
#include "src/image/source.h"
#include "src/image/write_result.h"

namespace imgq::image {

// Decides which jobs of the plan become animations: of a GIF or WebP of several frames, where that
// is asked for and within the limits.
//   notes  gets a word where the first frame alone is taken though more were asked for
void choose_animations(const Source& source, const Limits& limits, Plan* plan,
                       std::vector<std::string>* notes);

// Each frame of the source by the job, to an animated WebP; what is looked for is found in the
// first.
//   errors  those of FrameReader and of finish
Failure animate(const Job& job, const Source& source, const SourceFacts& facts, int descriptor,
                ResultReport* report, std::vector<std::string>* notes);

}  // namespace imgq::image
