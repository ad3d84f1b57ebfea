#include "src/image/bmp.h"

#include <algorithm>
#include <limits>

namespace imgq::image {
namespace {

// Offsets in the file: its own header has 14 bytes, then comes the picture's, which begins with
// its size.
constexpr size_t kPixelsAt = 10, kBmpHeaderAt = 14, kWidthAt = 18, kHeightAt = 22, kBitsAt = 28,
                 kCompressionAt = 30, kColoursAt = 46, kMasksAt = 54, kColourSpaceAt = 70,
                 kProfileAt = 126, kProfileBytesAt = 130;
constexpr uint32_t kCoreHeader = 12, kInfoHeader = 40, kOs2Header = 64, kVersion5 = 124;

Fault broken_bmp(const char* what) { return {Code::corrupt_image, what}; }

int32_t as_signed(uint32_t value) { return static_cast<int32_t>(value); }

Failure read_size(View file, uint32_t header, Bmp* out) {
  const bool core = header == kCoreHeader;
  const int32_t width = core ? as_signed(le16(file, 18)) : as_signed(le32(file, kWidthAt));
  const int32_t height = core ? as_signed(le16(file, 20)) : as_signed(le32(file, kHeightAt));
  if (width <= 0 || height == 0 || height == std::numeric_limits<int32_t>::min()) {
    return broken_bmp("a BMP without pixels");
  }
  out->top_down = height < 0;
  out->size = {width, height < 0 ? -height : height};
  out->bits = static_cast<int>(le16(file, core ? 24 : kBitsAt));
  constexpr std::array kDepths{1, 2, 4, 8, 16, 24, 32};
  if (std::find(kDepths.begin(), kDepths.end(), out->bits) == kDepths.end()) {
    return broken_bmp("a BMP of an impossible depth");
  }
  return {};
}

bool is_one_run(uint32_t mask) {
  const uint64_t filled = uint64_t{mask} | (uint64_t{mask} - 1);
  return mask == 0 || (filled & (filled + 1)) == 0;
}

// A header that is shorter has its masks behind it.
Failure read_masks(View file, uint32_t header, bool alpha, Bmp* out) {
  const size_t count = alpha || header > 52 ? 4 : 3;
  if (!holds(file, kMasksAt, 4 * count))
    return Fault{Code::truncated, "the file ends in its header"};
  for (size_t i = 0; i < count; ++i) {
    out->masks[i] = le32(file, kMasksAt + 4 * i);
    if (!is_one_run(out->masks[i])) return broken_bmp("a BMP whose masks have holes");
  }
  return {};
}

Failure read_compression(View file, uint32_t header, Bmp* out) {
  if (out->bits == 16) out->masks = {0x7c00, 0x3e0, 0x1f, 0};
  if (out->bits == 32) out->masks = {0xff0000, 0xff00, 0xff, 0};
  const uint32_t compression = header < kInfoHeader ? 0 : le32(file, kCompressionAt);
  if (compression == 0) return {};
  const bool os2 = header == kOs2Header;
  if (compression == 1 || compression == 2) {
    out->run_lengths = true;
    return out->bits == (compression == 1 ? 8 : 4)
               ? Failure{}
               : broken_bmp("run lengths of a BMP of another depth");
  }
  if (!os2 && (compression == 3 || compression == 6)) {
    if (out->bits != 16 && out->bits != 32) return broken_bmp("masks for a BMP of another depth");
    return read_masks(file, header, compression == 6, out);
  }
  return Fault{Code::unsupported_format, "a BMP of a rare compression"};
}

void read_palette(View file, uint32_t header, Bmp* out) {
  if (out->bits > 8) return;
  const size_t entry = header == kCoreHeader ? 3 : 4, at = kBmpHeaderAt + header;
  const size_t possible = size_t{1} << out->bits;
  const size_t told = header < kInfoHeader ? 0 : le32(file, kColoursAt);
  const size_t end = out->pixels_at > at ? std::min(out->pixels_at, file.size()) : file.size();
  const size_t room = end > at ? (end - at) / entry : 0;
  const size_t count = std::min({told == 0 ? possible : told, possible, room});
  for (size_t i = 0; i < count; ++i) {
    const size_t colour = at + entry * i;
    out->palette.push_back({file[colour + 2], file[colour + 1], file[colour]});
  }
}

void read_profile(View file, uint32_t header, Bmp* out) {
  if (header != kVersion5 || !holds(file, 0, kBmpHeaderAt + kVersion5)) return;
  if (!has(file, kColourSpaceAt, "DEBM")) return;  // "MBED", the least byte first
  const size_t at = kBmpHeaderAt + size_t{le32(file, kProfileAt)},
               bytes = le32(file, kProfileBytesAt);
  if (holds(file, at, bytes)) out->profile = file.subspan(at, bytes);
}

}  // namespace

size_t Bmp::row_bytes() const {
  return (static_cast<size_t>(size.width) * static_cast<size_t>(bits) + 31) / 32 * 4;
}

size_t Bmp::least_row_bytes() const {
  return (static_cast<size_t>(size.width) * static_cast<size_t>(bits) + 7) / 8;
}

Failure read_bmp(View file, Bmp* out) {
  const auto cut = Fault{Code::truncated, "the file ends in its header"};
  if (!holds(file, 0, kWidthAt)) return cut;
  const uint32_t header = le32(file, kBmpHeaderAt);
  if (!holds(file, kBmpHeaderAt, header)) return cut;
  if (Failure fault = read_size(file, header, out)) return fault;
  if (Failure fault = read_compression(file, header, out)) return fault;
  out->pixels_at = le32(file, kPixelsAt);
  read_palette(file, header, out);
  if (out->pixels_at < kBmpHeaderAt + header) return broken_bmp("pixels within the header");
  read_profile(file, header, out);
  return {};
}

}  // namespace imgq::image
