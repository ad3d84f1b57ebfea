#include "src/image/cut_png.h"

#include <png.h>

#include <bit>
#include <csetjmp>

namespace imgq::image {
namespace {

struct Reading {
  uint8_t* samples;
  size_t row_bytes;
  bool any = false;  // a row has come
};

Reading* reading_of(png_structp png) { return static_cast<Reading*>(png_get_progressive_ptr(png)); }

void begin(png_structp png, png_infop info) {
  Reading* reading = reading_of(png);
  png_set_expand(png);
  if constexpr (std::endian::native == std::endian::little) png_set_swap(png);
  (void)png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != reading->row_bytes) png_error(png, "rows of another length");
}

// libpng gives each row of a pass as often as it stands for one.
void take_row(png_structp png, png_bytep row, png_uint_32 y, int /*pass*/) {
  Reading* reading = reading_of(png);
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
  Reading reading{out->samples.data(), row_bytes};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, &give_up, &say_nothing);
  png_infop info = png_create_info_struct(png);
  if (info == nullptr) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    return Fault{Code::out_of_memory, "out of memory"};
  }
  png_set_progressive_read_fn(png, &reading, &begin, &take_row, nullptr);
  const bool damaged = setjmp(png_jmpbuf(png)) != 0;  // NOLINT: libpng's way
  if (!damaged) png_process_data(png, info, const_cast<uint8_t*>(file.data()), file.size());
  png_destroy_read_struct(&png, &info, nullptr);
  if (damaged) return unreadable(Code::corrupt_image);
  return reading.any ? Failure{} : unreadable(Code::truncated);
}

}  // namespace imgq::image
