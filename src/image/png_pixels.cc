// PNG (third edition): chunks (5.3), filters (9.2), and how colour types lie in rows (7.2).
#include "src/image/png_pixels.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace imgq::image {
namespace {

using std::string_view;
using namespace std::string_view_literals;

constexpr size_t kMostBytes = 1 << 30;
constexpr size_t kSignature = 8, kHeader = 33;  // up to IHDR's end
constexpr size_t kFrame = 12;                   // of a chunk: all but its data
constexpr uint8_t kPalette = 3;  // a colour type; in the others 2 is for colour, 4 for alpha

struct Header {
  size_t width = 0, height = 0;
  size_t channels = 0;  // of a pixel as it is stored
  size_t sample_bytes = 1;
  bool palette = false;

  size_t pixel_bytes() const { return channels * sample_bytes; }
  size_t row_bytes() const { return width * pixel_bytes(); }
  size_t inflated_bytes() const { return (row_bytes() + 1) * height; }  // a filter before each row
  size_t needed_bytes() const {
    return inflated_bytes() + (palette ? 4 * width * height : 0);  // and spelled out
  }
};

size_t channels_of(uint8_t colour_type) {
  if (colour_type == kPalette) return 1;
  if (colour_type > 6 || colour_type % 2 != 0) return 0;
  return ((colour_type & 2U) != 0 ? 3U : 1U) + ((colour_type & 4U) != 0 ? 1U : 0U);
}

// Nothing when it is not of a kind that is decoded here.
std::optional<Header> read_header(View file) {
  if (!holds(file, 0, kHeader) || !has(file, 0, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv)) return {};
  const uint8_t depth = file[24], colour_type = file[25];
  Header header{be32(file, 16), be32(file, 20), channels_of(colour_type), depth / 8U,
                colour_type == kPalette};
  const bool known_depth = depth == 8 || (depth == 16 && !header.palette);
  const bool plain = file[26] == 0 && file[27] == 0 && file[28] == 0;
  constexpr size_t kMostSide = 1 << 20;
  if (!known_depth || !plain || header.channels == 0) return {};
  if (header.width == 0 || header.height == 0) return {};
  if (header.width > kMostSide || header.height > kMostSide) return {};
  if (header.needed_bytes() > kMostBytes) return {};
  return header;
}

// What of a file makes its pixels.
struct Parts {
  View palette, transparency;
  std::vector<View> data;  // of IDAT
  size_t data_bytes = 0;
};

// Whether the window that a zlib stream declares (RFC 1950, 2.2) reaches as far back as any
// distance can: libdeflate does not look whether one is beyond it.
bool has_whole_window(View stream, size_t inflated) {
  constexpr size_t kMostDistance = 32768;
  return !stream.empty() &&
         size_t{1} << ((stream[0] >> 4) + 8U) >= std::min(inflated, kMostDistance);
}

// Whether a palette goes with its transparency, and both with the pixels (PNG, 11.2.2, 11.3.1.1).
bool are_odd(const Parts& parts, const Header& header) {
  const size_t colours = parts.palette.size() / 3;
  if (!header.palette) return !parts.palette.empty() || !parts.transparency.empty();
  return colours == 0 || colours > 256 || parts.palette.size() % 3 != 0 ||
         parts.transparency.size() > colours;
}

// Sorts one chunk in. False: in doubt.
bool take_chunk(string_view name, View data, bool follows_data, Parts* parts) {
  const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  const bool ancillary = (static_cast<uint8_t>(name.front()) & 0x20U) != 0;
  if (name == "IDAT") {
    if (!parts->data.empty() && !follows_data) return false;
    parts->data.push_back(data);
    parts->data_bytes += data.size();
    return true;
  }
  if (name == "PLTE" || name == "tRNS") {
    View& part = name == "PLTE" ? parts->palette : parts->transparency;
    if (!part.empty() || !parts->data.empty()) return false;
    part = data;
    return true;
  }
  return ancillary && letters;
}

// Every chunk that counts, its checksum right, up to IEND. Nothing: in doubt.
std::optional<Parts> read_parts(View file) {
  Parts parts;
  bool follows_data = false;
  for (size_t at = kSignature; holds(file, at, kFrame);) {
    const size_t size = be32(file, at);
    if (size > file.size() - at - kFrame) break;
    const View named = file.subspan(at + 4, 4 + size);
    const string_view name = as_text(named.first(4));
    const bool counts = (named[0] & 0x20U) == 0 || name == "tRNS";
    if (counts && libdeflate_crc32(0, named.data(), named.size()) != be32(file, at + 8 + size))
      break;
    if (name == "IEND") return parts;
    const bool header = at == kSignature && name == "IHDR";
    if (!header && !take_chunk(name, named.subspan(4), follows_data, &parts)) break;
    follows_data = name == "IDAT";
    at += kFrame + size;
  }
  return std::nullopt;
}

struct Free {
  void operator()(libdeflate_decompressor* one) const { libdeflate_free_decompressor(one); }
};

// A pixel's bytes, widened: all at once.
using Lanes = int16_t __attribute__((vector_size(16)));
using Octets = uint8_t __attribute__((vector_size(8)));
constexpr size_t kBeyond = sizeof(Octets);  // what may be read behind the last row

using Block = std::unique_ptr<uint8_t[]>;  // never touched before they are written

// All rows, each behind its filter. Null: in doubt.
Block inflate(const Parts& parts, size_t size) {
  const std::unique_ptr<libdeflate_decompressor, Free> by(libdeflate_alloc_decompressor());
  if (!by || parts.data.empty()) return {};
  Block joined;
  View data = parts.data.front();
  if (parts.data.size() > 1) {
    joined = std::make_unique_for_overwrite<uint8_t[]>(parts.data_bytes);
    uint8_t* to = joined.get();
    for (const View one : parts.data) to = std::copy(one.begin(), one.end(), to);
    data = {joined.get(), parts.data_bytes};
  }
  if (!has_whole_window(data, size)) return {};
  Block out = std::make_unique_for_overwrite<uint8_t[]>(size + kBeyond);
  size_t taken = 0;
  const auto ended = libdeflate_zlib_decompress_ex(by.get(), data.data(), data.size(), out.get(),
                                                   size, &taken, nullptr);
  return ended == LIBDEFLATE_SUCCESS && taken == data.size() ? std::move(out) : nullptr;
}

Lanes load(const uint8_t* at) {
  Octets octets;
  std::memcpy(&octets, at, sizeof octets);
  return __builtin_convertvector(octets, Lanes);
}

// What is predicted from left, above and above left is added to each byte. `kStep`: from a byte to
// the one of the next pixel.
template <size_t kStep, class Predict>
void undo(const uint8_t* from, const uint8_t* above, size_t count, Predict predict, uint8_t* out) {
  Lanes left{}, above_left{};
  for (size_t at = 0; at < count; at += kStep) {
    const Lanes up = load(above + at);
    left = (load(from + at) + predict(left, up, above_left)) & 255;
    above_left = up;
    const Octets bytes = __builtin_convertvector(left, Octets);
    std::memcpy(out + at, &bytes, kStep);
  }
}

Lanes magnitude(Lanes lanes) { return lanes < 0 ? -lanes : lanes; }

Lanes paeth(Lanes left, Lanes up, Lanes above_left) {
  const Lanes across = up - above_left, down = left - above_left;
  const Lanes by_left = magnitude(across), by_above = magnitude(down);
  const Lanes by_both = magnitude(across + down);
  const Lanes other = by_above <= by_both ? up : above_left;
  return (by_left <= by_above) & (by_left <= by_both) ? left : other;
}

template <size_t kStep>
bool undo_row(const uint8_t* from, const uint8_t* above, size_t count, uint8_t* out) {
  const uint8_t filter = *from++;
  switch (filter) {
    case 0:
      std::memmove(out, from, count);
      return true;
    case 1:
      undo<kStep>(from, above, count, [](Lanes left, Lanes, Lanes) { return left; }, out);
      return true;
    case 2:
      std::transform(from, from + count, above, out,
                     [](uint8_t byte, uint8_t up) { return static_cast<uint8_t>(byte + up); });
      return true;
    case 3:
      undo<kStep>(
          from, above, count, [](Lanes left, Lanes up, Lanes) { return (left + up) >> 1; }, out);
      return true;
    case 4:
      undo<kStep>(from, above, count, paeth, out);
      return true;
    default:
      return false;
  }
}

// In place: rows move together, over their filters.
template <size_t kStep>
bool undo_rows(const Header& header, uint8_t* rows) {
  const size_t bytes = header.row_bytes();
  const std::vector<uint8_t> nothing(bytes + kBeyond);
  const uint8_t* above = nothing.data();
  for (size_t y = 0; y < header.height; ++y) {
    uint8_t* out = rows + y * bytes;
    if (!undo_row<kStep>(rows + y * (bytes + 1), above, bytes, out)) return false;
    above = out;
  }
  return true;
}

bool undo_filters(const Header& header, uint8_t* rows) {
  switch (header.pixel_bytes()) {
    case 1:
      return undo_rows<1>(header, rows);
    case 2:
      return undo_rows<2>(header, rows);
    case 3:
      return undo_rows<3>(header, rows);
    case 4:
      return undo_rows<4>(header, rows);
    case 6:
      return undo_rows<6>(header, rows);
    case 8:
      return undo_rows<8>(header, rows);
    default:
      return false;
  }
}

// RGB, or RGBA where some colour can be seen through. Null where a pixel has none.
Block spell_out(const Parts& parts, View pixels, size_t bands) {
  std::array<std::array<uint8_t, 4>, 256> colours{};
  const size_t count = parts.palette.size() / 3;
  if (*std::max_element(pixels.begin(), pixels.end()) >= count) return nullptr;
  for (size_t i = 0; i < count; ++i) {
    std::copy_n(&parts.palette[3 * i], 3, colours[i].begin());
    colours[i][3] = i < parts.transparency.size() ? parts.transparency[i] : 255;
  }
  Block out = std::make_unique_for_overwrite<uint8_t[]>(pixels.size() * bands);
  uint8_t* to = out.get();
  for (const uint8_t pixel : pixels) to = std::copy_n(colours[pixel].data(), bands, to);
  return out;
}

void to_native_order(std::span<uint8_t> samples) {
  if constexpr (std::endian::native == std::endian::big) return;
  for (size_t at = 0; at + 1 < samples.size(); at += 2) std::swap(samples[at], samples[at + 1]);
}

}  // namespace

int64_t png_pixels_need(View file) {
  const auto header = read_header(file);
  return header ? static_cast<int64_t>(header->needed_bytes() + file.size()) : 0;
}

std::optional<PngPixels> png_pixels(View file) {
  const auto header = read_header(file);
  const auto parts = header ? read_parts(file) : std::nullopt;
  if (!parts || are_odd(*parts, *header)) return std::nullopt;
  Block rows = inflate(*parts, header->inflated_bytes());
  if (!rows || !undo_filters(*header, rows.get())) return std::nullopt;
  PngPixels out{std::move(rows), header->row_bytes() * header->height};
  if (header->palette) {
    const size_t bands = parts->transparency.empty() ? 3 : 4;
    out.samples = spell_out(*parts, {out.samples.get(), out.size_bytes}, bands);
    if (!out.samples) return std::nullopt;
    out.size_bytes *= bands;
  } else if (header->sample_bytes == 2) {
    to_native_order({out.samples.get(), out.size_bytes});
  }
  return out;
}

}  // namespace imgq::image
