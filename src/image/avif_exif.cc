#include "src/image/avif_exif.h"

#include <algorithm>
#include <optional>

#include "src/image/iso_boxes.h"

namespace imgq::image {
namespace {

constexpr uint32_t kTiffBehind = 6;  // "Exif\0\0"

// Version 2 and 3 of an entry of `iinf`: id, protection, type (ISO/IEC 14496-12).
std::optional<uint32_t> exif_item(View meta) {
  const View iinf = find_box(meta, "iinf");
  Numbers head(iinf);
  const bool wide = head.next(kFullBoxHead) >> 24 != 0;
  (void)head.next(wide ? 4 : 2);
  if (!head.good()) return std::nullopt;
  const View entries = iinf.subspan(kFullBoxHead + (wide ? 4 : 2));
  for (size_t at = 0; const auto box = next_box(entries, &at);) {
    Numbers infe(box->body);
    const size_t id_bytes = infe.next(kFullBoxHead) >> 24 == 2 ? 2 : 4;
    const uint32_t id = infe.next(id_bytes);
    (void)infe.next(2);
    if (has(box->body, kFullBoxHead + id_bytes + 2, "Exif")) return id;
  }
  return std::nullopt;
}

// Where an item of one piece stands in the file, and where its length does.
struct Place {
  size_t at = 0, bytes = 0;
  size_t length_at = 0, length_width = 0;
};

// `iloc`: numbers whose widths stand at its beginning, for each item.
class Locations {
 public:
  Locations(View file, View iloc)
      : file_(file), at_(static_cast<size_t>(iloc.data() - file.data())) {}

  std::optional<Place> find(uint32_t item) {
    const uint64_t version = next(4) >> 24;
    const uint64_t widths = next(2);
    offset_ = widths >> 12 & 15;
    length_ = widths >> 8 & 15;
    base_ = widths >> 4 & 15;
    index_ = version == 0 ? 0 : widths & 15;
    const size_t id_bytes = version < 2 ? 2 : 4;
    for (uint64_t left = next(id_bytes); left > 0 && good_; --left) {
      const bool wanted = next(id_bytes) == item;
      const uint64_t method = version == 0 ? 0 : next(2) & 15;
      (void)next(2);  // where its data are: in this file
      const Place place = read_extents();
      if (wanted) return method == 0 && good_ ? std::optional(place) : std::nullopt;
    }
    return std::nullopt;
  }

 private:
  uint64_t next(size_t bytes) {
    good_ = good_ && holds(file_, at_, bytes);
    if (!good_) return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | file_[at_ + i];
    at_ += bytes;
    return value;
  }

  // The last one: an item that is wanted has but one.
  Place read_extents() {
    Place place;
    const uint64_t base = next(base_);
    for (uint64_t left = next(2); left > 0 && good_; --left) {
      (void)next(index_);
      place.at = base + next(offset_);
      place.length_at = at_;
      place.length_width = length_;
      place.bytes = next(length_);
    }
    return place;
  }

  View file_;
  size_t at_;
  size_t offset_ = 0, length_ = 0, base_ = 0, index_ = 0;
  bool good_ = true;
};

void put_number(std::vector<uint8_t>* file, size_t at, size_t width, size_t value) {
  for (size_t i = 0; i < width; ++i) {
    (*file)[at + width - 1 - i] = i < 8 ? static_cast<uint8_t>(value >> (8 * i)) : uint8_t{0};
  }
}

}  // namespace

bool replace_exif(std::vector<uint8_t>* avif, View exif) {
  const View file(*avif);
  const View body = find_box(file, "meta");
  if (body.size() < kFullBoxHead) return false;
  const View meta = body.subspan(kFullBoxHead);
  const View iloc = find_box(meta, "iloc");
  const auto item = exif_item(meta);
  if (!item || iloc.empty()) return false;
  const auto place = Locations(file, iloc).find(*item);
  const size_t needed = 4 + exif.size();
  if (!place || !holds(file, place->at, place->bytes) || place->bytes < needed) return false;
  const auto at = avif->begin() + static_cast<ptrdiff_t>(place->at);
  std::fill_n(at, place->bytes, uint8_t{0});
  put_number(avif, place->at, 4, kTiffBehind);  // where the TIFF in it begins
  std::copy(exif.begin(), exif.end(), at + 4);
  put_number(avif, place->length_at, place->length_width, needed);
  return true;
}

}  // namespace imgq::image
