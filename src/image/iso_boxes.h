#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "src/image/bytes.h"

// Boxes (ISO/IEC 14496-12): size, type, body. A full box begins with a version and flags.
namespace imgq::image {

inline constexpr size_t kFullBoxHead = 4;

struct Box {
  std::string_view type;
  View body;
};

// The box at `*at`, with `*at` moved behind it; nothing at the end, or when it does not lie whole
// in `part`.
std::optional<Box> next_box(View part, size_t* at);

// The body of the first box of this type; empty when there is none.
View find_box(View part, std::string_view type);

// Big-endian numbers one after another; 0 and !good() once they run out.
class Numbers {
 public:
  explicit Numbers(View body) : rest_(body) {}

  bool good() const { return good_; }
  uint32_t next(size_t bytes);  // up to four

 private:
  View rest_;
  bool good_ = true;
};

}  // namespace imgq::image
