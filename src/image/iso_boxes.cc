#include "src/image/iso_boxes.h"

namespace imgq::image {

std::optional<Box> next_box(View part, size_t* at) {
  if (part.size() - *at < 8) return std::nullopt;
  const View rest = part.subspan(*at);
  uint64_t size = be32(rest, 0);
  size_t head = 8;
  if (size == 1) {
    if (rest.size() < 16) return std::nullopt;
    size = uint64_t{be32(rest, 8)} << 32 | be32(rest, 12);
    head = 16;
  } else if (size == 0) {  // to the end
    size = rest.size();
  }
  if (size < head || size > rest.size()) return std::nullopt;
  *at += size;
  return Box{as_text(rest.subspan(4, 4)), rest.subspan(head, size - head)};
}

View find_box(View part, std::string_view type) {
  for (size_t at = 0; const auto box = next_box(part, &at);) {
    if (box->type == type) return box->body;
  }
  return {};
}

uint32_t Numbers::next(size_t bytes) {
  good_ = good_ && rest_.size() >= bytes;
  if (!good_) return 0;
  uint32_t value = 0;
  for (const uint8_t byte : rest_.first(bytes)) value = value << 8 | byte;
  rest_ = rest_.subspan(bytes);
  return value;
}

}  // namespace imgq::image
