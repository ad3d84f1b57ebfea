#pragma once

#include "src/util/error.h"

namespace imgq::worker {

// Takes from this process every right on every file system that is not tied to an open descriptor,
// and where the kernel knows how (ABI 4, 6) binding, connecting and signals to the outside. Needs
// no_new_privs. A kernel without Landlock is no error: seccomp refuses the same calls.
//   returns the ABI version in force; 0 for none
//   source  landlock(7)
Result<int> enter_landlock();

}  // namespace imgq::worker
