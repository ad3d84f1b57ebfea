#pragma once

#include <string>

#include "src/util/error.h"

namespace imgq::worker {

// The whole life of a worker: starts the image engine, confines itself, says that it is ready, then
// answers each order on the socket (descriptor 3) with a verdict until the supervisor closes it.
//   limits_json  src/base/limits.h, from the first argument
//   errors       it could not start, or the socket broke; never an image's fault
Status serve(const std::string& limits_json);

// "libvips 8.14.1\n...": the libraries of a worker, one a line.
std::string library_versions();

}  // namespace imgq::worker
