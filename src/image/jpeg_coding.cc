#include <array>
#include <cstdlib>
#include <memory>

#include "src/image/jpeg_guard.h"
#include "src/image/own_coding.h"

namespace imgq::image {
namespace {

// The coefficients of a file, and the scans that they came in.
class CoefficientReader {
 public:
  explicit CoefficientReader(View file) : file_(file) {
    reader_.err = &errors_;
    reader_.client_data = this;
  }
  CoefficientReader(const CoefficientReader&) = delete;
  CoefficientReader& operator=(const CoefficientReader&) = delete;
  ~CoefficientReader() { jpeg_destroy_decompress(&reader_); }

  // Whether all of them are there, with no reason to doubt one. What a progressive file never tells
  // to the last bit a decoder smooths over, but not in another file of the same coefficients.
  bool read() {
    const bool read = guarded<CoefficientReader>(
        errors_, [](CoefficientReader& self) { self.read_all(); }, *this);
    return read && errors_.num_warnings == 0 && (!is_progressive() || has_all_bits(reader_));
  }

  JpegErrors& errors() { return errors_; }
  bool is_progressive() const { return reader_.progressive_mode != FALSE; }

  // Sets up a file of the same coefficients and begins it. May jump to errors().
  void begin_copy(jpeg_compress_struct* writer, bool own_scans) {
    jpeg_copy_critical_parameters(&reader_, writer);
    writer->optimize_coding = TRUE;
    writer->density_unit = 0;
    writer->X_density = writer->Y_density = 1;
    if (own_scans) {
      writer->scan_info = scans_.data();
      writer->num_scans = reader_.input_scan_number;
    }
    jpeg_write_coefficients(writer, coefficients_);
  }

 private:
  void read_all() {
    jpeg_create_decompress(&reader_);
    progress_.progress_monitor = watch;
    reader_.progress = &progress_;
    jpeg_mem_src(&reader_, file_.data(), file_.size());
    (void)jpeg_read_header(&reader_, TRUE);  // an image is required, else it jumps
    coefficients_ = jpeg_read_coefficients(&reader_);
  }

  // Called before each row of blocks, when the scan's header has been read.
  static void watch(j_common_ptr codec) {
    const auto* reader = reinterpret_cast<j_decompress_ptr>(codec);
    const int scan = reader->input_scan_number;
    if (scan == 0) return;
    if (scan > kMaxScans) {
      codec->err->msg_code = JERR_BAD_PROGRESSION;
      codec->err->error_exit(codec);
    }
    jpeg_scan_info& info =
        static_cast<CoefficientReader*>(codec->client_data)->scans_[static_cast<size_t>(scan - 1)];
    info.comps_in_scan = reader->comps_in_scan;
    for (size_t i = 0; i < MAX_COMPS_IN_SCAN && i < static_cast<size_t>(info.comps_in_scan); ++i) {
      info.component_index[i] = reader->cur_comp_info[i]->component_index;
    }
    info.Ss = reader->Ss;
    info.Se = reader->Se;
    info.Ah = reader->Ah;
    info.Al = reader->Al;
  }

  View file_;
  JpegErrors errors_;
  jpeg_decompress_struct reader_{};
  jpeg_progress_mgr progress_{};
  jvirt_barray_ptr* coefficients_ = nullptr;
  std::array<jpeg_scan_info, kMaxScans> scans_{};
};

class CoefficientWriter {
 public:
  CoefficientWriter(CoefficientReader* from, const std::vector<uint8_t>& exif, bool own_scans)
      : from_(*from), exif_(exif), own_scans_(own_scans) {
    writer_.err = &from_.errors();
  }
  CoefficientWriter(const CoefficientWriter&) = delete;
  CoefficientWriter& operator=(const CoefficientWriter&) = delete;
  ~CoefficientWriter() {
    jpeg_destroy_compress(&writer_);
    std::free(bytes_);
  }

  Buffer run() {
    const bool wrote = guarded<CoefficientWriter>(
        from_.errors(), [](CoefficientWriter& self) { self.write(); }, *this);
    return wrote ? Buffer(bytes_, bytes_ + size_) : Buffer();
  }

 private:
  void write() {
    jpeg_create_compress(&writer_);
    jpeg_mem_dest(&writer_, &bytes_, &size_);
    from_.begin_copy(&writer_, own_scans_);
    if (!exif_.empty()) {
      jpeg_write_marker(&writer_, JPEG_APP0 + 1, exif_.data(), static_cast<unsigned>(exif_.size()));
    }
    jpeg_finish_compress(&writer_);
  }

  CoefficientReader& from_;
  const std::vector<uint8_t>& exif_;
  bool own_scans_;
  jpeg_compress_struct writer_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;  // NOLINT(google-runtime-int): libjpeg's type
};

}  // namespace

Buffer jpeg_coding(View file, const std::vector<uint8_t>& exif) {
  const auto reader = std::make_unique<CoefficientReader>(file);
  if (!reader->read()) return {};
  Buffer in_one = CoefficientWriter(reader.get(), exif, false).run();
  if (in_one.size() <= file.size() || !reader->is_progressive()) return in_one;
  Buffer own = CoefficientWriter(reader.get(), exif, true).run();
  return own.empty() || own.size() > in_one.size() ? in_one : own;
}

}  // namespace imgq::image
