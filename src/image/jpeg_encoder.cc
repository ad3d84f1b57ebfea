#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "src/image/encode.h"
#include "src/image/jpeg_guard.h"

namespace imgq::image {
namespace {

J_COLOR_SPACE colours_of(Space space) {
  switch (space) {
    case Space::grey:
      return JCS_GRAYSCALE;
    case Space::ycc:
    case Space::ycc420:
      return JCS_YCbCr;
    case Space::rgb:
    case Space::cmyk:
      return JCS_RGB;
  }
  return JCS_RGB;
}

constexpr int kMcuRows = 2 * DCTSIZE;

// `count` rows from row `y` on, those behind the last like it, and each likewise to whole blocks.
void fill_rows(const Raster& plane, int y, int count, std::vector<uint8_t>* pixels,
               JSAMPARRAY rows) {
  const size_t width = plane.row_bytes();
  const size_t stride = (width + DCTSIZE - 1) / DCTSIZE * DCTSIZE;
  pixels->resize(stride * static_cast<size_t>(count));
  uint8_t* to = pixels->data();
  for (int i = 0; i < count; ++i, to += stride) {
    const uint8_t* from = plane.row(std::min(y + i, plane.size.height - 1));
    std::memcpy(to, from, width);
    std::memset(to + width, from[width - 1], stride - width);
    rows[i] = to;
  }
}

class JpegEncoder {
 public:
  JpegEncoder(const Raster& raster, const EncodeOptions& options)
      : raster_(raster), options_(options), marker_(write_exif(options.copyright)) {
    writer_.err = &errors_;
  }
  JpegEncoder(const JpegEncoder&) = delete;
  JpegEncoder& operator=(const JpegEncoder&) = delete;
  ~JpegEncoder() {
    jpeg_destroy_compress(&writer_);
    std::free(bytes_);
  }

  Failure run(Buffer* out) {
    if (!guarded<JpegEncoder>(errors_, [](JpegEncoder& self) { self.write(); }, *this)) {
      const bool memory = errors_.msg_code == JERR_OUT_OF_MEMORY;
      if (memory) return Fault{Code::out_of_memory, "out of memory"};
      return Fault{Code::internal_error, message_of(reinterpret_cast<j_common_ptr>(&writer_))};
    }
    out->assign(bytes_, bytes_ + size_);
    return {};
  }

 private:
  void write();
  void set_up();
  void write_rows();
  void write_planes();

  const Raster& raster_;
  const EncodeOptions& options_;
  std::vector<uint8_t> marker_;
  std::array<std::vector<uint8_t>, 3> mcu_rows_;  // of planes
  JpegErrors errors_;
  jpeg_compress_struct writer_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;  // NOLINT(google-runtime-int): libjpeg's type
};

void JpegEncoder::set_up() {
  writer_.image_width = static_cast<unsigned>(raster_.size.width);
  writer_.image_height = static_cast<unsigned>(raster_.size.height);
  writer_.input_components = raster_.chroma.empty() ? raster_.kind.bands() : 3;
  writer_.in_color_space = colours_of(raster_.kind.space);
  jpeg_set_defaults(&writer_);
  jpeg_set_quality(&writer_, options_.quality, TRUE);
  writer_.optimize_coding = TRUE;
  if (options_.full_chroma) {
    writer_.comp_info[0].h_samp_factor = writer_.comp_info[0].v_samp_factor = 1;
  }
  if (options_.scan == Scan::progressive) jpeg_simple_progression(&writer_);
  writer_.raw_data_in = raster_.chroma.empty() ? FALSE : TRUE;
}

void JpegEncoder::write_rows() {
  for (int y = 0; y < raster_.size.height; ++y) {
    JSAMPROW row = const_cast<uint8_t*>(raster_.row(y));  // libjpeg only reads it
    (void)jpeg_write_scanlines(&writer_, &row, 1);        // one, or it jumps
  }
}

// A row of MCUs at a time, filled up to whole blocks with what stands at either end.
void JpegEncoder::write_planes() {
  std::array<JSAMPROW, kMcuRows + size_t{2} * DCTSIZE> rows;
  std::array<JSAMPARRAY, 3> arrays{rows.data(), &rows[kMcuRows], &rows[kMcuRows + DCTSIZE]};
  for (int y = 0; y < raster_.size.height; y += kMcuRows) {
    fill_rows(raster_, y, kMcuRows, &mcu_rows_[0], arrays[0]);
    fill_rows(raster_.chroma[0], y / 2, DCTSIZE, &mcu_rows_[1], arrays[1]);
    fill_rows(raster_.chroma[1], y / 2, DCTSIZE, &mcu_rows_[2], arrays[2]);
    (void)jpeg_write_raw_data(&writer_, arrays.data(), kMcuRows);
  }
}

void JpegEncoder::write() {
  jpeg_create_compress(&writer_);
  jpeg_mem_dest(&writer_, &bytes_, &size_);
  set_up();
  jpeg_start_compress(&writer_, TRUE);
  if (!marker_.empty()) {
    jpeg_write_marker(&writer_, JPEG_APP0 + 1, marker_.data(),
                      static_cast<unsigned>(marker_.size()));
  }
  if (!options_.profile.empty()) {
    jpeg_write_icc_profile(&writer_, options_.profile.data(),
                           static_cast<unsigned>(options_.profile.size()));
  }
  raster_.chroma.empty() ? write_rows() : write_planes();
  jpeg_finish_compress(&writer_);
}

}  // namespace

Failure encode_jpeg(const Raster& raster, const EncodeOptions& options, Buffer* out) {
  return JpegEncoder(raster, options).run(out);
}

}  // namespace imgq::image
