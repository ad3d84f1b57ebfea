#ifndef IMGQ_SRC_IMAGE_SIGNATURE_H_
#define IMGQ_SRC_IMAGE_SIGNATURE_H_

#include <string_view>

#include "src/image/bytes.h"

namespace imgq::image {

// What a file is by its first bytes. Names and extensions say nothing.
enum class Kind {
  jpeg,
  png,
  webp,
  gif,
  heic,
  avif,
  jxl,
  tiff,
  unsupported,  // known, and never read
  unknown,      // no image that we know of
};

struct Signature {
  Kind kind = Kind::unknown;
  std::string_view name;  // for people: "PDF", "camera raw (CR2)"
};

Signature sniff(View file);

std::string_view format_word(Kind kind);  // as in SourceReport::format; empty when never read

}  // namespace imgq::image

#endif  // IMGQ_SRC_IMAGE_SIGNATURE_H_
