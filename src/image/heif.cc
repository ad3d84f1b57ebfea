#include "src/image/heif.h"

#include <optional>

#include "src/image/iso_boxes.h"

namespace imgq::image {
namespace {

// --- The properties of an item

uint32_t primary_item(View meta) {
  Numbers pitm(find_box(meta, "pitm"));
  const uint32_t version = pitm.next(kFullBoxHead) >> 24;
  return pitm.next(version == 0 ? 2 : 4);
}

// The property of this number, from 1.
std::optional<Box> property(View properties, uint32_t number) {
  size_t at = 0;
  std::optional<Box> box;
  for (uint32_t i = 0; i < number; ++i) {
    box = next_box(properties, &at);
    if (!box) break;
  }
  return box;
}

void read_size(View ispe, Container* out) {
  Numbers numbers(ispe);
  (void)numbers.next(kFullBoxHead);
  const int64_t width = numbers.next(4), height = numbers.next(4);
  if (!numbers.good()) return;
  out->width = width;
  out->height = height;
}

void read_colour(View colr, Container* out) {
  if (!has(colr, 0, "nclx")) return;
  Numbers numbers(colr.subspan(4));
  const uint32_t primaries = numbers.next(2), transfer = numbers.next(2), matrix = numbers.next(2);
  if (!numbers.good()) return;
  out->colour.points = {primaries, transfer};  // the decoder minds the range
  out->matrix = matrix;
}

// Of the content (CTA-861.3), and of the display of who graded it (SMPTE ST 2086).
void read_peak(double declared, Container* out) {
  out->colour.peak = least_peak(out->colour.peak, declared);
}

void read_property(const std::optional<Box>& box, Container* out) {
  if (box && box->type == "ispe") read_size(box->body, out);
  if (box && box->type == "colr") read_colour(box->body, out);
  if (box && box->type == "clli" && box->body.size() >= 2) read_peak(be16(box->body, 0), out);
  if (box && box->type == "mdcv" && box->body.size() >= 24) {
    constexpr size_t kMaxLuminance = 16;  // behind the primaries and the white
    read_peak(be32(box->body, kMaxLuminance) / 1e4, out);
  }
}

// Reads the properties that a box of associations gives to the item, in the one entry that the item
// has. False when it has none here.
bool read_associated(View associations, uint32_t item, View properties, Container* out) {
  Numbers ipma(associations);
  const uint32_t version_and_flags = ipma.next(kFullBoxHead);
  const size_t id_bytes = version_and_flags >> 24 == 0 ? 2 : 4;
  const size_t number_bytes = (version_and_flags & 1) == 0 ? 1 : 2;
  const uint32_t essential = number_bytes == 1 ? 0x80 : 0x8000;
  for (uint32_t entries = ipma.next(4); entries > 0 && ipma.good(); --entries) {
    const bool its = ipma.next(id_bytes) == item;
    for (uint32_t left = ipma.next(1); left > 0 && ipma.good(); --left) {
      const uint32_t number = ipma.next(number_bytes) & ~essential;
      if (its) read_property(property(properties, number), out);
    }
    if (its) return true;
  }
  return false;
}

// Coded pictures, of a grid its tiles, say it of themselves: AV1's (av1-isobmff 2.3.3) by two bits
// that tell where chroma is halved, HEVC's (ISO/IEC 14496-15, 8.3.2.1) by the format, 1 for 4:2:0.
bool has_full_chroma(View properties) {
  for (size_t at = 0; const auto box = next_box(properties, &at);) {
    const View body = box->body;
    if (box->type == "av1C" && body.size() >= 4 && (body[2] & 0x0c) != 0x0c) return true;
    if (box->type == "hvcC" && body.size() >= 23 && (body[16] & 3) > 1) return true;
  }
  return false;
}

}  // namespace

void read_heif_properties(View file, Container* out) {
  const View body = find_box(file, "meta");
  if (body.size() < kFullBoxHead) return;
  const View meta = body.subspan(kFullBoxHead);
  const uint32_t item = primary_item(meta);
  const View iprp = find_box(meta, "iprp");
  const View properties = find_box(iprp, "ipco");
  out->full_chroma = has_full_chroma(properties);
  for (size_t at = 0; const auto box = next_box(iprp, &at);) {
    if (box->type == "ipma" && read_associated(box->body, item, properties, out)) return;
  }
}

}  // namespace imgq::image
