#pragma once

#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "src/image/fault.h"

namespace imgq::image {

using View = std::span<const uint8_t>;

// A source, whole: in memory of its own or, above 64 MiB, mapped beside what RLIMIT_AS allows
// otherwise. One that is mapped at a time.
class Bytes {
 public:
  // From the file's start, wherever its offset stands.
  //   errors  empty_file, file_too_large, source_missing (not a regular file, or shrank meanwhile),
  //           out_of_memory, io_error
  Failure read(int descriptor, int64_t max_bytes);
  View view() const { return {mapped_ ? mapped_.get() : data_.get(), size_}; }

  // What it needs of a worker's memory.
  size_t held_bytes() const { return mapped_ ? 0 : size_; }

  // Whether its owner has cut it short since: what was missing has been read as zeros.
  bool has_shrunk() const;

 private:
  struct Unmap {
    size_t size;
    rlim_t limit_before;  // RLIMIT_AS
    void operator()(uint8_t* data) const;
  };
  Failure map(int descriptor);
  std::unique_ptr<uint8_t[]> data_;
  std::unique_ptr<uint8_t, Unmap> mapped_{nullptr, Unmap{0, 0}};
  size_t size_ = 0;
  int descriptor_ = -1;  // of one that is mapped; its owner's
};

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
