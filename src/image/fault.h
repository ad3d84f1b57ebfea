#pragma once

#include <optional>
#include <string>

#include "src/base/verdict.h"

namespace imgq::image {

// Why an image was not rendered: a code of the closed list and one line for people.
struct Fault {
  Code code = Code::internal_error;
  std::string message;
};

// An image that cannot be read to its end: Code::truncated or Code::corrupt_image. In words of
// ours: a library's ("vipspng: libpng read error") say nothing to who sent the image.
inline Fault unreadable(Code code) {
  return {code, code == Code::truncated ? "the file ends before the image does"
                                        : "the image data is damaged"};
}

// Nothing when all went well.
using Failure = std::optional<Fault>;

}  // namespace imgq::image
