#pragma once

#include "src/run/run.h"

namespace imgq::cli {

// A watermark that is given as a file: the configuration gets one of a name that tells of its
// content and how it lies, so that a run after a change makes everything anew, and each rendition
// names it.
//   errors  EINVAL an option, in words; of open(2) and read(2), EISDIR, EFBIG
Status take_watermark(const RunOptions& options, Config& config, Request& request);

}  // namespace imgq::cli
