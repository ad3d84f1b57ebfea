#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/notes.h"
#include "src/image/decoder.h"
#include "src/image/jpeg_guard.h"
#include "src/image/rights.h"
#include "src/image/told_colour.h"

namespace imgq::image {
namespace {

// libjpeg reduces by leaving out frequencies, at 1/8 all but the mean: almost free, but soft. What
// is left for Lanczos to reduce must be enough to make the result sharp: measured on photographs
// (tests/bench/quality.py), 1.3 keeps SSIM within 0.002 of a full decode.
constexpr double kLeftToFilter = 1.3;

// Of ours, to half the size nothing need be left: it steps over no frequency that this size has.
constexpr double kLeftOfPlanes = 1;

// The strongest reduction that leaves so much; `left_of_2` of that to half the size.
int reduction_for(Size stored, Size least, double left_of_2 = kLeftToFilter) {
  for (int by : {8, 4, 2}) {
    const double needed = by * (by == 2 ? left_of_2 : kLeftToFilter);
    if (stored.width >= least.width * needed && stored.height >= least.height * needed) return by;
  }
  return 1;
}

HuffmanCode code_of(const JHUFF_TBL& table) {
  HuffmanCode code;
  std::copy(std::begin(table.bits), std::end(table.bits), code.counts.begin());
  code.counts[0] = 0;  // stands for nothing
  std::copy(std::begin(table.huffval), std::end(table.huffval), code.symbols.begin());
  return code;
}

// Null when there is none of this number, which the header's reader does not look at.
template <class Table, size_t kCount>
const Table* table_at(Table* const (&tables)[kCount], int number) {
  return number >= 0 && static_cast<size_t>(number) < kCount ? tables[number] : nullptr;
}

// The switch for who doubts our own way: IMGQ_JPEG=libjpeg.
bool prefers_libjpeg() {
  const char* way = std::getenv("IMGQ_JPEG");  // NOLINT(concurrency-mt-unsafe): never set here
  return way != nullptr && std::string_view(way) == "libjpeg";
}

class JpegDecoder : public Decoder {
 public:
  JpegDecoder(View file, Truncated truncated) : file_(file), truncated_(truncated) {
    reader_.err = &errors_;
  }
  ~JpegDecoder() override { jpeg_destroy_decompress(&reader_); }

  Failure open();
  const Picture& picture() const override { return picture_; }
  int64_t bytes_needed(const Purpose& purpose) const override;
  std::vector<Plane> planes(const Purpose& purpose) override;
  Failure begin(const Purpose& purpose, Output* out) override;
  Failure next(const uint8_t** row) override;
  std::vector<std::string> notes() const override;
  bool is_flawless() const override { return notes_.empty() && errors_.num_warnings == 0; }

 private:
  static void watch(j_common_ptr codec);
  Failure classify();
  Failure failed();
  bool tolerable() const;
  std::optional<JpegScan> usual_scan() const;
  void read_markers();
  void read_rights();
  bool read_profile();

  View file_;
  Truncated truncated_;
  JpegErrors errors_;
  jpeg_decompress_struct reader_{};
  jpeg_progress_mgr progress_{};
  Picture picture_;
  std::vector<uint8_t> row_;
  bool several_scans_ = false;
  std::vector<std::string> notes_;  // of the header
};

void JpegDecoder::watch(j_common_ptr codec) {
  const auto* reader = reinterpret_cast<j_decompress_ptr>(codec);
  if (reader->input_scan_number > kMaxScans) {
    codec->err->msg_code = JERR_BAD_PROGRESSION;
    codec->err->error_exit(codec);
  }
}

Failure JpegDecoder::failed() {
  if (errors_.msg_code == JERR_OUT_OF_MEMORY) return Fault{Code::out_of_memory, "out of memory"};
  if (errors_.msg_code == JERR_FRACT_SAMPLE_NOTIMPL || errors_.msg_code == JERR_CCIR601_NOTIMPL) {
    return Fault{Code::unsupported_format, "a JPEG whose components' sizes do not divide"};
  }
  const bool cut = errors_.ended_early || is_cut_short(Kind::jpeg, file_);
  return unreadable(cut ? Code::truncated : Code::corrupt_image);
}

Failure JpegDecoder::classify() {
  switch (reader_.jpeg_color_space) {
    case JCS_GRAYSCALE:
      picture_.kind = {Space::grey, false};
      return {};
    case JCS_YCbCr:
    case JCS_RGB:
      picture_.kind = {Space::rgb, false};
      return {};
    case JCS_CMYK:
    case JCS_YCCK:
      picture_.kind = {Space::cmyk, false};
      return {};
    default:
      return Fault{Code::unsupported_format, "a JPEG with unknown colour components"};
  }
}

void JpegDecoder::read_markers() {
  const std::string_view exif("Exif\0\0", 6);
  for (auto* m = reader_.marker_list; m != nullptr; m = m->next) {
    const View data(m->data, m->data_length);
    if (m->marker == JPEG_APP0 + 1 && has(data, 0, exif)) {
      picture_.exif = read_exif(data);
      break;
    }
  }
  read_rights();
  if (!read_profile()) notes_.emplace_back(note::kProfile);
  const bool plain = picture_.profile.empty() && picture_.kind.space == Space::rgb;
  if (plain && picture_.exif.adobe_rgb) picture_.profile = adobe_rgb_profile();
}

// Where EXIF says nothing: XMP goes before IPTC, which cuts names off.
void JpegDecoder::read_rights() {
  constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
  for (auto* m = reader_.marker_list; m != nullptr; m = m->next) {
    const View data(m->data, m->data_length);
    const bool xmp = m->marker == JPEG_APP0 + 1 && has(data, 0, kXmp);
    if (xmp) add_xmp_rights(data.subspan(kXmp.size()), &picture_.exif);
  }
  for (auto* m = reader_.marker_list; m != nullptr; m = m->next) {
    if (m->marker == JPEG_APP0 + 13) add_iptc_rights({m->data, m->data_length}, &picture_.exif);
  }
}

// The pieces in the order of their numbers, one of each; some writers send them twice, or count
// them from 0. False when there are pieces and they do not make a whole.
bool JpegDecoder::read_profile() {
  constexpr std::string_view kName("ICC_PROFILE\0", 12);
  std::map<int, View> pieces;
  int declared = 0;
  for (auto* m = reader_.marker_list; m != nullptr; m = m->next) {
    const View data(m->data, m->data_length);
    if (m->marker != JPEG_APP0 + 2 || data.size() < kName.size() + 2 || !has(data, 0, kName))
      continue;
    pieces.emplace(data[kName.size()], data.subspan(kName.size() + 2));
    declared = std::max<int>(declared, data[kName.size() + 1]);
  }
  if (pieces.empty()) return true;
  const int first = pieces.begin()->first, last = pieces.rbegin()->first;
  const int count = static_cast<int>(pieces.size());
  if (first > 1 || last - first + 1 != count || count < declared) return false;
  for (const auto& [number, piece] : pieces) {
    picture_.profile.insert(picture_.profile.end(), piece.begin(), piece.end());
  }
  return true;
}

Failure JpegDecoder::open() {
  const bool read = guarded<JpegDecoder>(
      errors_,
      [](JpegDecoder& self) {
        jpeg_create_decompress(&self.reader_);
        self.progress_.progress_monitor = watch;
        self.reader_.progress = &self.progress_;
        jpeg_mem_src(&self.reader_, self.file_.data(), self.file_.size());
        jpeg_save_markers(&self.reader_, JPEG_APP0 + 1, 0xffff);
        jpeg_save_markers(&self.reader_, JPEG_APP0 + 2, 0xffff);
        jpeg_save_markers(&self.reader_, JPEG_APP0 + 13, 0xffff);
        (void)jpeg_read_header(&self.reader_, TRUE);  // an image is required, else it jumps
      },
      *this);
  if (!read) return failed();
  picture_.size = {static_cast<int>(reader_.image_width), static_cast<int>(reader_.image_height)};
  if (reader_.saw_JFIF_marker != FALSE) {
    picture_.tallness = tallness_of(reader_.X_density, reader_.Y_density);
  }
  several_scans_ = jpeg_has_multiple_scans(&reader_) != FALSE;
  if (Failure fault = classify()) return fault;
  const bool marked =
      guarded<JpegDecoder>(errors_, [](JpegDecoder& self) { self.read_markers(); }, *this);
  return marked ? Failure{} : failed();
}

// Of what planes() makes; larger pictures come by rows.
constexpr int64_t kMostPlaneBytes = int64_t{16} << 20;

// Progressive files are decoded into coefficients of the whole image first.
int64_t JpegDecoder::bytes_needed(const Purpose& purpose) const {
  const int64_t pixels = int64_t{picture_.size.width} * picture_.size.height;
  const int by = reduction_for(picture_.size, purpose.least, kLeftOfPlanes);
  const auto scan = by > 1 ? usual_scan() : std::nullopt;
  const int64_t planes = scan ? planes_bytes(*scan, by) : 0;  // or rows, not both
  if (!several_scans_) return std::max(pixels * 3 / 10, std::min(planes, kMostPlaneBytes));
  int64_t blocks = 0;
  for (int i = 0; i < reader_.num_components; ++i) {
    const jpeg_component_info& c = reader_.comp_info[i];
    blocks += int64_t{c.width_in_blocks + 1} * (c.height_in_blocks + 1);
  }
  return blocks * DCTSIZE2 * static_cast<int64_t>(sizeof(JCOEF));
}

// The scan whose header has been read, when it is of the kind that read_planes() takes.
std::optional<JpegScan> JpegDecoder::usual_scan() const {
  const auto& r = reader_;
  const bool coloured = r.num_components == 3 && r.jpeg_color_space == JCS_YCbCr;
  const bool grey = r.num_components == 1 && r.jpeg_color_space == JCS_GRAYSCALE;
  const bool one_scan = !several_scans_ && r.comps_in_scan == r.num_components;
  const bool sequential = r.progressive_mode == FALSE && r.arith_code == FALSE && r.Ss == 0 &&
                          r.Se == DCTSIZE2 - 1 && r.Ah == 0 && r.Al == 0;
  if (!(coloured || grey) || !one_scan || !sequential || r.data_precision != 8) return {};
  JpegScan scan{picture_.size,
                static_cast<int>(r.restart_interval),
                {},
                {r.src->next_input_byte, r.src->bytes_in_buffer}};
  for (int i = 0; i < r.num_components; ++i) {
    const jpeg_component_info& c = r.comp_info[i];
    const JQUANT_TBL* quantisers = table_at(r.quant_tbl_ptrs, c.quant_tbl_no);
    const JHUFF_TBL* dc = table_at(r.dc_huff_tbl_ptrs, c.dc_tbl_no);
    const JHUFF_TBL* ac = table_at(r.ac_huff_tbl_ptrs, c.ac_tbl_no);
    const int most = i == 0 && coloured ? 2 : 1;
    const bool sampled = coloured ? c.h_samp_factor <= most && c.v_samp_factor <= most : true;
    if (r.cur_comp_info[i] != &c || !sampled || !quantisers || !dc || !ac) return {};
    JpegScan::Component& told = scan.components.emplace_back();
    if (coloured) told.across = c.h_samp_factor, told.down = c.v_samp_factor;
    std::copy(std::begin(quantisers->quantval), std::end(quantisers->quantval),
              told.quantisers.begin());
    told.dc = code_of(*dc);
    told.ac = code_of(*ac);
  }
  return scan;
}

std::vector<Plane> JpegDecoder::planes(const Purpose& purpose) {
  const int by = reduction_for(picture_.size, purpose.least, kLeftOfPlanes);
  if (by == 1 || errors_.num_warnings > 0 || prefers_libjpeg()) return {};
  const auto scan = usual_scan();
  if (!scan || planes_bytes(*scan, by) > kMostPlaneBytes) return {};
  return read_planes(*scan, by);
}

Failure JpegDecoder::begin(const Purpose& purpose, Output* out) {
  const int by = reduction_for(picture_.size, purpose.least);
  reader_.scale_num = 1;
  reader_.scale_denom = static_cast<unsigned>(by);
  out->kind = picture_.kind;
  if (out->kind.space == Space::cmyk) reader_.out_color_space = JCS_CMYK;
  if (out->kind.space == Space::rgb) reader_.out_color_space = JCS_RGB;
  if (purpose.ycc_will_do && reader_.jpeg_color_space == JCS_YCbCr) {
    reader_.out_color_space = JCS_YCbCr;
    out->kind.space = Space::ycc;
  }
  const bool started = guarded<JpegDecoder>(
      errors_, [](JpegDecoder& self) { (void)jpeg_start_decompress(&self.reader_); }, *this);
  if (!started) return failed();
  out->size = {static_cast<int>(reader_.output_width), static_cast<int>(reader_.output_height)};
  if (out->size.width != divided_up(picture_.size.width, by)) {
    return Fault{Code::wrong_result, "libjpeg's reduced size is not as computed"};
  }
  out->reduced_x = out->reduced_y = by;
  row_.resize(samples_of(out->size.width, out->kind.bands()));
  return {};
}

// Damage within the last row of blocks alone, of a file that is whole: some cameras do that.
bool JpegDecoder::tolerable() const {
  return errors_.damaged_at_end_only && !errors_.ended_early && !several_scans_;
}

Failure JpegDecoder::next(const uint8_t** row) {
  const bool read = guarded<JpegDecoder>(
      errors_,
      [](JpegDecoder& self) {
        JSAMPROW line = self.row_.data();
        (void)jpeg_read_scanlines(&self.reader_, &line, 1);  // one, or it jumps
      },
      *this);
  if (!read) return failed();
  const bool damaged =
      errors_.damaged || (several_scans_ && errors_.ended_early && !has_all_bits(reader_));
  if (damaged && truncated_ == Truncated::refuse && !tolerable()) {
    return unreadable(errors_.ended_early ? Code::truncated : Code::corrupt_image);
  }
  // Ink stands as 255 - ink in a file of its own, as Adobe began it, marker or not.
  if (picture_.kind.space == Space::cmyk) {
    for (uint8_t& sample : row_) sample = static_cast<uint8_t>(255 - sample);
  }
  *row = row_.data();
  return {};
}

std::vector<std::string> JpegDecoder::notes() const {
  std::vector<std::string> notes = notes_;
  if (errors_.ended_early && truncated_ == Truncated::accept) {
    notes.emplace_back(note::kTruncated);
  } else if (errors_.damaged) {
    notes.emplace_back(note::kDamaged);
  }
  return notes;
}

}  // namespace

Failure open_jpeg(View file, Truncated truncated, Opened* out) {
  return open_as<JpegDecoder>(out, file, truncated);
}

}  // namespace imgq::image
