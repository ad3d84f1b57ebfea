// The quick way through a PNG never judges: what it takes, libpng reads to the end, and its samples
// are the same; but for codes that zlib refuses and libdeflate does not.
#include <zlib.h>

#include <algorithm>
#include <vector>

#include "src/image/cut_png.h"
#include "src/image/png_pixels.h"
#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

using image::PixelKind;
using image::Space;

// Changed bytes come through: each chunk has a checksum that is right.
std::vector<uint8_t> with_checksums(std::vector<uint8_t> file) {
  for (size_t at = 8; image::holds(file, at, 12);) {
    const size_t size = image::be32(file, at);
    if (size > file.size() - at - 12) break;
    const auto sum = static_cast<uint32_t>(::crc32_z(0, &file[at + 4], size + 4));
    for (size_t i = 0; i < 4; ++i)
      file[at + 8 + size + i] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    at += size + 12;
  }
  return file;
}

// As libpng spells it out.
PixelKind kind_of(image::View file, const image::PngPixels& pixels, image::Size size) {
  constexpr int kPalette = 3;
  const auto count = static_cast<size_t>(size.width) * static_cast<size_t>(size.height);
  const size_t bands = pixels.size_bytes / count / (file[24] == 16 ? 2 : 1);
  const bool grey = file[25] != kPalette && bands < 3;
  return {grey ? Space::grey : Space::rgb, bands % 2 == 0};
}

bool is_inflated_by_zlib(image::View file) {
  std::vector<uint8_t> deflated;
  for (size_t at = 8; image::holds(file, at, 12); at += size_t{12} + image::be32(file, at)) {
    const size_t size = image::be32(file, at);
    if (size > file.size() - at - 12) break;
    const image::View data = file.subspan(at + 8, size);
    if (image::has(file, at + 4, "IDAT")) deflated.insert(deflated.end(), data.begin(), data.end());
  }
  std::vector<uint8_t> rows(size_t{1} << 24);
  uLongf size = rows.size();
  return ::uncompress(rows.data(), &size, deflated.data(), deflated.size()) == Z_OK;
}

void compare(image::View file) {
  if (image::png_pixels_need(file) > 1 << 24) return;
  const auto pixels = image::png_pixels(file);
  if (!pixels || !is_inflated_by_zlib(file)) return;
  const image::Size size{static_cast<int>(image::be32(file, 16)),
                         static_cast<int>(image::be32(file, 20))};
  image::CutPng read;
  require(!image::decode_cut_png(file, size, kind_of(file, *pixels, size), &read),
          "libpng reads it");
  require(std::equal(read.samples.begin(), read.samples.end(), pixels->samples.get(),
                     pixels->samples.get() + pixels->size_bytes),
          "libpng has the same samples");
}

}  // namespace
}  // namespace imgq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  imgq::fuzz::compare(imgq::fuzz::with_checksums({data, data + size}));
  return 0;
}
