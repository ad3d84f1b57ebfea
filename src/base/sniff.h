#ifndef IMGQ_SRC_BASE_SNIFF_H_
#define IMGQ_SRC_BASE_SNIFF_H_

#include <cstddef>
#include <string_view>

#include "src/base/limits.h"

namespace imgq {

// What a file is by its first bytes. For answering early: the worker decides for itself.
enum class Kind { unknown, jpeg, png, webp, gif, heic, avif, jxl, tiff };

// So many bytes are enough; fewer are, when the file has no more.
inline constexpr size_t kSniffBytes = 64;

Kind sniff(std::string_view first_bytes);

// JPEG, PNG, WebP and GIF are always read, the others when the configuration allows them.
bool is_read(Kind kind, const OptionalFormats& formats);

std::string_view name_of(Kind kind);  // "jpeg", as verdict.h's formats; "unknown"

}  // namespace imgq

#endif  // IMGQ_SRC_BASE_SNIFF_H_
