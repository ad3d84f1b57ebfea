#pragma once

#include "src/base/limits.h"
#include "src/util/error.h"

namespace imgq::image {

// Brings libvips up: one thread, nothing cached, of its modules only what is needed, every loader
// refused but the allowed ones, its own messages silenced.
Status start_vips(const OptionalFormats& formats);

bool can_write_avif();

}  // namespace imgq::image
