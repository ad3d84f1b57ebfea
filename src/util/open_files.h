#pragma once

#include <cstddef>

namespace imgq {

// Raises the soft limit of open descriptors (RLIMIT_NOFILE) to as many as are wanted, where the
// hard one allows it.
//   returns how many may be open now
size_t allow_open_files(size_t wanted);

}  // namespace imgq
