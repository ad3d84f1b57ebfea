#pragma once

#include <string>

#include "src/util/error.h"

namespace imgq::worker {

// Loads the system call filter, on all threads. What remains: memory that is not executable,
// threads of this process, clocks, and reading and writing of descriptors that are already open.
// Calls that would name a file, a program, a peer or another process answer EACCES or EPERM; all
// others ENOSYS, as from an old kernel, so that libraries take the way round that they have for it.
//   errors  of seccomp_load(3): this kernel cannot filter
Status enter_filter();

std::string filter_library();  // "libseccomp 2.5.4"

}  // namespace imgq::worker
