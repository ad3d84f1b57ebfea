#pragma once

#include <memory>

#include "src/base/limits.h"
#include "src/base/verdict.h"
#include "src/image/decoder.h"

namespace imgq::image {

// A source that passed every check its header allows.
struct Source {
  Bytes file;
  Signature signature;
  Container container;
  Truncated truncated = Truncated::refuse;
  std::unique_ptr<Decoder> decoder;  // reads from `file`
};

// Reads, recognises and checks, in this order: bytes, kind, frames, sides, pixels. The report holds
// what was found up to the failure.
Failure open_source(int descriptor, const Limits& limits, Truncated truncated, Source* out,
                    SourceReport* report);

// Before the first row again.
Failure reopen(const Limits& limits, Truncated truncated, Source* source);

}  // namespace imgq::image
