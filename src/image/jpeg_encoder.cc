#include <cstdlib>

#include "src/image/encode.h"
#include "src/image/jpeg_guard.h"

namespace imgq::image {
namespace {

J_COLOR_SPACE colours_of(Space space) {
  switch (space) {
    case Space::grey:
      return JCS_GRAYSCALE;
    case Space::ycc:
      return JCS_YCbCr;
    case Space::rgb:
    case Space::cmyk:
      return JCS_RGB;
  }
  return JCS_RGB;
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

  const Raster& raster_;
  const EncodeOptions& options_;
  std::vector<uint8_t> marker_;
  JpegErrors errors_;
  jpeg_compress_struct writer_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;  // NOLINT(google-runtime-int): libjpeg's type
};

void JpegEncoder::set_up() {
  writer_.image_width = static_cast<unsigned>(raster_.size.width);
  writer_.image_height = static_cast<unsigned>(raster_.size.height);
  writer_.input_components = raster_.kind.bands();
  writer_.in_color_space = colours_of(raster_.kind.space);
  jpeg_set_defaults(&writer_);
  jpeg_set_quality(&writer_, options_.quality, TRUE);
  writer_.optimize_coding = TRUE;
  if (options_.full_chroma) {
    writer_.comp_info[0].h_samp_factor = writer_.comp_info[0].v_samp_factor = 1;
  }
  if (options_.scan == Scan::progressive) jpeg_simple_progression(&writer_);
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
  for (int y = 0; y < raster_.size.height; ++y) {
    JSAMPROW row = const_cast<uint8_t*>(raster_.row(y));  // libjpeg only reads it
    (void)jpeg_write_scanlines(&writer_, &row, 1);        // one, or it jumps
  }
  jpeg_finish_compress(&writer_);
}

}  // namespace

Failure encode_jpeg(const Raster& raster, const EncodeOptions& options, Buffer* out) {
  return JpegEncoder(raster, options).run(out);
}

}  // namespace imgq::image
