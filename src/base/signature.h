#ifndef IMGQ_SRC_BASE_SIGNATURE_H_
#define IMGQ_SRC_BASE_SIGNATURE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "src/base/limits.h"

namespace imgq {

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

// So many bytes tell every kind that is read, and fewer do when the file has no more. SVG is told
// surely from 16 KiB.
inline constexpr size_t kSignatureBytes = 256;

Signature sniff(std::string_view file);

// JPEG, PNG, WebP and GIF are always read, the others when the configuration allows them.
bool is_read(Kind kind, const OptionalFormats& formats);

// "HEIC is not enabled: ...", with the lines of imgq.toml that enable it.
std::string not_enabled_words(const Signature& signature);

std::string_view name_of(Kind kind);  // "jpeg", as SourceReport::format; empty when never read

}  // namespace imgq

#endif  // IMGQ_SRC_BASE_SIGNATURE_H_
