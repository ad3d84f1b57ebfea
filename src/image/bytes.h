#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "src/image/fault.h"

namespace imgq::image {

using View = std::span<const uint8_t>;

// A source, whole, in memory of our own. Not mapped: a file that is cut short by its owner while
// it is being decoded would be a SIGBUS.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(size_t size) : data_(new uint8_t[size]), size_(size) {}
  uint8_t* data() { return data_.get(); }
  size_t size() const { return size_; }
  View view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<uint8_t[]> data_;
  size_t size_ = 0;
};

// Reads a source from its start, wherever its offset stands.
//   errors  empty_file, file_too_large, source_missing (not a regular file, or shrank meanwhile),
//           io_error
Failure read_all(int descriptor, int64_t max_bytes, Bytes* out);

// Whether `count` bytes lie at `at`.
inline bool holds(View v, size_t at, size_t count) {
  return at <= v.size() && v.size() - at >= count;
}

// Unsigned numbers as they stand in files. The caller has checked that they are inside.
inline uint32_t be16(View v, size_t at) { return static_cast<uint32_t>(v[at] << 8 | v[at + 1]); }
inline uint32_t be32(View v, size_t at) { return be16(v, at) << 16 | be16(v, at + 2); }
inline uint32_t le16(View v, size_t at) { return static_cast<uint32_t>(v[at + 1] << 8 | v[at]); }
inline uint32_t le24(View v, size_t at) { return le16(v, at) | uint32_t{v[at + 2]} << 16; }
inline uint32_t le32(View v, size_t at) { return le16(v, at) | le16(v, at + 2) << 16; }

// The same bytes, for functions that take text.
std::string_view as_text(View v);

// Whether `v` holds `text` at `at`.
bool has(View v, size_t at, std::string_view text);

}  // namespace imgq::image
