#include "src/image/cut_png.h"

#include <png.h>

#include <bit>
#include <csetjmp>
#include <memory>

namespace imgq::image {
namespace {

struct Reading {
  uint8_t* samples;
  size_t row_bytes;
  png_uint_32 rows;
  int last_pass = 0;
  bool any = false, all = false;  // a row has come; the last of the last pass has
};

Reading* reading_of(png_structp png) { return static_cast<Reading*>(png_get_progressive_ptr(png)); }

void begin(png_structp png, png_infop info) {
  Reading* reading = reading_of(png);
  png_set_expand(png);
  if constexpr (std::endian::native == std::endian::little) png_set_swap(png);
  reading->last_pass = png_set_interlace_handling(png) - 1;
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != reading->row_bytes) png_error(png, "rows of another length");
}

// libpng gives each row of a pass as often as it stands for one.
void take_row(png_structp png, png_bytep row, png_uint_32 y, int pass) {
  Reading* reading = reading_of(png);
  reading->all |= pass == reading->last_pass && y + 1 == reading->rows;
  if (row == nullptr) return;
  png_progressive_combine_row(png, reading->samples + y * reading->row_bytes, row);
  reading->any = true;
}

void say_nothing(png_structp /*png*/, png_const_charp /*message*/) {}

void give_up(png_structp png, png_const_charp /*message*/) { png_longjmp(png, 1); }

}  // namespace

Failure decode_cut_png(View file, Size size, PixelKind kind, CutPng* out) {
  constexpr size_t kDepth = 24;  // where IHDR has it
  out->bits = file[kDepth] == 16 ? 16 : 8;
  const size_t row_bytes =
      samples_of(size.width, kind.bands()) * static_cast<size_t>(out->bits / 8);
  out->samples.resize(row_bytes * static_cast<size_t>(size.height));
  const auto reading = std::make_unique<Reading>(
      Reading{out->samples.data(), row_bytes, static_cast<png_uint_32>(size.height)});
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, &give_up, &say_nothing);
  png_infop info = png_create_info_struct(png);
  if (info == nullptr) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    return Fault{Code::out_of_memory, "out of memory"};
  }
  png_set_progressive_read_fn(png, reading.get(), &begin, &take_row, nullptr);
  const bool damaged = setjmp(png_jmpbuf(png)) != 0;  // NOLINT: libpng's way
  if (!damaged) png_process_data(png, info, const_cast<uint8_t*>(file.data()), file.size());
  png_destroy_read_struct(&png, &info, nullptr);
  if (damaged && !reading->all) return unreadable(Code::corrupt_image);
  return reading->any ? Failure{} : unreadable(Code::truncated);
}

}  // namespace imgq::image
