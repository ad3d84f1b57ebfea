#pragma once

#include "src/util/error.h"

namespace imgq::worker {

// Confines this process as for work and tries what a worker must never be able to do. Prints a line
// each on stdout: what, how it went before ("allowed", an errno's name, or "not tried" where trying
// would do harm), how it goes now:
//   open a file for reading: allowed, now EACCES
//   errors  the confinement failed; code 0, "N attempts were not refused"
Status self_test();

}  // namespace imgq::worker
