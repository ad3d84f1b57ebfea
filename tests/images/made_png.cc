#include <png.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "tests/images/made.h"

namespace imgq::made {
namespace {

void append(png_structp png, png_bytep data, size_t size) {
  auto* out = static_cast<Bytes*>(png_get_io_ptr(png));
  out->insert(out->end(), data, data + size);
}

void flush(png_structp /*png*/) {}

[[noreturn]] void fail(png_structp /*png*/, png_const_charp what) {
  throw std::runtime_error(what);
}

struct Writer {
  Bytes bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, fail, nullptr);
  png_infop info = png_create_info_struct(png);
  Writer() { png_set_write_fn(png, &bytes, append, flush); }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

void set_text(Writer* w, const char* key, const std::string& value) {
  if (value.empty()) return;
  png_text text{};
  text.compression = PNG_TEXT_COMPRESSION_NONE;
  std::string k = key, v = value;
  text.key = k.data();
  text.text = v.data();
  png_set_text(w->png, w->info, &text, 1);
}

void set_extras(Writer* w, const Extras& extras) {
  if (!extras.icc.empty()) {
    png_set_iCCP(w->png, w->info, "profile", PNG_COMPRESSION_TYPE_BASE, extras.icc.data(),
                 static_cast<png_uint_32>(extras.icc.size()));
  }
  if (!extras.exif.empty()) {
    Bytes exif = extras.exif;
    png_set_eXIf_1(w->png, w->info, static_cast<png_uint_32>(exif.size()), exif.data());
  }
  set_text(w, "Comment", extras.comment);
  set_text(w, "XML:com.adobe.xmp", std::string(extras.xmp.begin(), extras.xmp.end()));
}

Bytes rows_of(const Pixels& pixels, int depth) {
  Bytes out;
  for (const uint16_t value : pixels.data) {
    if (depth == 16) out.push_back(static_cast<uint8_t>(value >> 8));
    out.push_back(static_cast<uint8_t>(value));
  }
  return out;
}

void write_rows(Writer* w, Bytes* rows, int height) {
  const size_t stride = rows->size() / static_cast<size_t>(height);
  std::vector<png_bytep> lines;
  for (int y = 0; y < height; ++y) lines.push_back(rows->data() + static_cast<size_t>(y) * stride);
  png_write_image(w->png, lines.data());
  png_write_end(w->png, w->info);
}

}  // namespace

Bytes png(const Pixels& pixels, const PngSpec& spec) {
  constexpr int kTypes[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                            PNG_COLOR_TYPE_RGB_ALPHA};
  Writer w;
  png_set_IHDR(w.png, w.info, static_cast<png_uint_32>(pixels.width),
               static_cast<png_uint_32>(pixels.height), spec.depth, kTypes[pixels.bands],
               spec.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  set_extras(&w, spec.extras);
  if (spec.filter > 0) png_set_filter(w.png, 0, PNG_FILTER_NONE << (spec.filter - 1));
  png_set_compression_buffer_size(w.png, spec.idat_bytes);
  png_write_info(w.png, w.info);
  Bytes rows = rows_of(pixels, spec.depth);
  write_rows(&w, &rows, pixels.height);
  return w.bytes;
}

Bytes palette_png(const Pixels& indices, const std::vector<Colour>& palette,
                  const std::vector<uint8_t>& alpha) {
  Writer w;
  png_set_IHDR(w.png, w.info, static_cast<png_uint_32>(indices.width),
               static_cast<png_uint_32>(indices.height), 8, PNG_COLOR_TYPE_PALETTE,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> colours;
  for (const Colour& c : palette) {
    colours.push_back(
        {static_cast<png_byte>(c[0]), static_cast<png_byte>(c[1]), static_cast<png_byte>(c[2])});
  }
  png_set_PLTE(w.png, w.info, colours.data(), static_cast<int>(colours.size()));
  if (!alpha.empty()) {
    png_set_tRNS(w.png, w.info, alpha.data(), static_cast<int>(alpha.size()), nullptr);
  }
  png_write_info(w.png, w.info);
  Bytes rows = rows_of(indices, 8);
  write_rows(&w, &rows, indices.height);
  return w.bytes;
}

// Palettes are expanded; 16 bits are kept to 8.
Pixels read_png(const Bytes& file) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0) {
    throw std::runtime_error(image.message);
  }
  image.format &= PNG_FORMAT_FLAG_ALPHA | PNG_FORMAT_FLAG_COLOR;
  const int bands = static_cast<int>(PNG_IMAGE_SAMPLE_CHANNELS(image.format));
  Pixels out(static_cast<int>(image.width), static_cast<int>(image.height), bands);
  Bytes data(out.data.size());
  if (png_image_finish_read(&image, nullptr, data.data(), 0, nullptr) == 0) {
    throw std::runtime_error(image.message);
  }
  for (size_t i = 0; i < data.size(); ++i) out.data[i] = data[i];
  return out;
}

Bytes with_chunk(Bytes png, const std::string& name, const Bytes& data, const std::string& before) {
  Bytes chunk;
  const auto put = [&chunk](uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
      chunk.push_back(static_cast<uint8_t>(value >> shift));
  };
  put(static_cast<uint32_t>(data.size()));
  chunk.insert(chunk.end(), name.begin(), name.end());
  chunk.insert(chunk.end(), data.begin(), data.end());
  uint32_t sum = 0xffffffff;  // PNG, annex D
  for (size_t i = 4; i < chunk.size(); ++i) {
    sum ^= chunk[i];
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xedb88320U : 0U);
  }
  put(~sum);
  const auto there = std::search(png.begin(), png.end(), before.begin(), before.end());
  png.insert(there - 4, chunk.begin(), chunk.end());
  return png;
}

}  // namespace imgq::made
