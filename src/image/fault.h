#ifndef IMGQ_SRC_IMAGE_FAULT_H_
#define IMGQ_SRC_IMAGE_FAULT_H_

#include <optional>
#include <string>

#include "src/base/verdict.h"

namespace imgq::image {

// Why an image was not rendered: a code of the closed list and one line for people.
struct Fault {
  Code code = Code::internal_error;
  std::string message;
};

// Nothing when all went well.
using Failure = std::optional<Fault>;

}  // namespace imgq::image

#endif  // IMGQ_SRC_IMAGE_FAULT_H_
