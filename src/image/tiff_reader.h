#pragma once

#include <cstddef>
#include <cstdint>

#include "src/image/bytes.h"

namespace imgq::image {

// The directories of a TIFF, a BigTIFF, or a part that is made like one. A number outside of the
// file is 0, and so is what a directory has not.
class TiffReader {
 public:
  explicit TiffReader(View file);  // its header says which end of a number comes first
  TiffReader(View part, bool big_endian) : file_(part), big_endian_(big_endian) {}

  uint64_t number(size_t at, size_t width) const;
  size_t first() const { return number(wide_ ? 8 : 4, offset_bytes()); }
  size_t after(size_t directory) const;  // 0: it is the last

  // 0 also when they are more than the file can hold, or than libtiff takes for possible.
  size_t entries(size_t directory) const;

  // Whether the file ends before that directory does, or before some value that it points to.
  bool is_cut(size_t directory) const;

  // Whole numbers or bytes of a tag: where they stand, how many they are; of width 0: none.
  struct Values {
    size_t at = 0, count = 0, width = 0;
  };
  Values values(size_t directory, uint32_t tag) const;
  uint64_t value(const Values& values, size_t index) const;
  uint64_t first_value(size_t directory, uint32_t tag) const;

 private:
  size_t count_bytes() const { return wide_ ? 8 : 2; }
  size_t offset_bytes() const { return wide_ ? 8 : 4; }
  size_t entry_bytes() const { return wide_ ? 20 : 12; }
  size_t entry_at(size_t directory, size_t index) const;

  View file_;
  bool big_endian_;
  bool wide_ = false;
};

}  // namespace imgq::image
