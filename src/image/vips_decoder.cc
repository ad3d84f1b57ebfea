#include <vips/vips.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "src/base/notes.h"
#include "src/image/colour.h"
#include "src/image/cut_png.h"
#include "src/image/decoder.h"
#include "src/image/icc.h"
#include "src/image/png_exif.h"
#include "src/image/png_pixels.h"
#include "src/image/rights.h"
#include "src/image/told_colour.h"
#include "src/image/vips_image.h"
#include "src/image/whole_decoder.h"

namespace imgq::image {
namespace {

template <class T>
using GObjectOwner = std::unique_ptr<T, decltype(&g_object_unref)>;

struct OpenOptions {
  Truncated truncated;
  double scale = 1;  // WebP only
  int page = 0;      // TIFF only
};

// Each loader by its own name: libvips is never asked what a file might be.
VipsImage* load(Kind kind, VipsSource* source, const OpenOptions& options) {
  const VipsFailOn fail_on =
      options.truncated == Truncated::refuse ? VIPS_FAIL_ON_TRUNCATED : VIPS_FAIL_ON_NONE;
  VipsImage* out = nullptr;
  const auto call = [&](auto loader, auto... more) {
    (void)loader(source, &out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on, more...,
                 nullptr);
  };
  switch (kind) {
    case Kind::png:
      call(vips_pngload_source);
      break;
    case Kind::webp:
      call(vips_webpload_source, "scale", options.scale);
      break;
    case Kind::gif:
      call(vips_gifload_source);
      break;
    case Kind::tiff:
      call(vips_tiffload_source, "page", options.page);
      break;
    default:
      break;
  }
  return out;
}

VipsRef open_image(Kind kind, View file, const OpenOptions& options) {
  const GObjectOwner<VipsSource> source(vips_source_new_from_memory(file.data(), file.size()),
                                        &g_object_unref);
  return VipsRef(source ? load(kind, source.get(), options) : nullptr);
}

View blob(VipsImage* image, const char* name) {
  const void* data = nullptr;
  size_t size = 0;
  if (vips_image_get_typeof(image, name) == 0) return {};
  if (vips_image_get_blob(image, name, &data, &size) != 0) return {};
  return {static_cast<const uint8_t*>(data), size};
}

int colour_bands(VipsInterpretation meaning, int bands) {
  switch (meaning) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_MULTIBAND:
      return 1;
    case VIPS_INTERPRETATION_CMYK:
      return std::min(4, bands);
    default:
      return std::min(3, bands);
  }
}

Space space_of(VipsInterpretation meaning, int colours) {
  if (meaning == VIPS_INTERPRETATION_CMYK) return Space::cmyk;
  return colours == 1 ? Space::grey : Space::rgb;
}

// What libvips failed of.
Fault failed(Kind kind, View file) {
  const std::string message = take_vips_error();
  // A TIFF's directory needs little; one that asks for more than there is, is damaged.
  const bool directory = message.find("irectory") != std::string::npos;
  if (message.find("emory") != std::string::npos && !directory) {
    return Fault{Code::out_of_memory, "out of memory"};
  }
  return unreadable(is_cut_short(kind, file) ? Code::truncated : Code::corrupt_image);
}

class VipsDecoder : public Decoder {
 public:
  VipsDecoder(Kind kind, const Container& container, View file, Truncated truncated)
      : kind_(kind),
        container_(container),
        file_(file),
        truncated_(truncated),
        region_(nullptr, &g_object_unref) {}

  Failure open();
  const Picture& picture() const override { return picture_; }
  int64_t bytes_needed(const Purpose& purpose) const override;
  Failure begin(const Purpose& purpose, Output* out) override;
  Failure next(const uint8_t** row) override;
  std::vector<std::string> notes() const override;

  VipsRef take_image() { return std::move(image_); }

 private:
  Failure reopen_reduced(const Purpose& purpose);
  int64_t png_bytes(const Purpose& purpose) const;
  void take_png_pixels();
  Failure make_plain(Output* out);
  Failure quantise();
  VipsRef to_eight_bits();
  int webp_reduction(const Purpose& purpose) const;
  double webp_bytes_per_pixel(int reduction) const;
  bool covers_canvas() const;
  Failure read_strip();
  void show_frame(const uint8_t* row);
  void read_orientation();
  void read_told_colour();

  Kind kind_;
  Container container_;
  View file_;
  Truncated truncated_;
  std::unique_ptr<uint8_t[]> png_samples_;  // of image_, where they are not libpng's
  VipsRef image_;
  std::string told_at_opening_;
  VipsInterpretation meaning_ = VIPS_INTERPRETATION_sRGB;
  int colours_ = 3;
  Picture picture_;
  GObjectOwner<VipsRegion> region_;
  std::optional<ColourTransform> to_srgb_;  // of more than 8 bits
  bool ended_ = false;                      // where the file does, which was accepted
  bool beside_frame_ = false;               // an opaque GIF whose canvas is larger than its frame
  std::vector<uint8_t> row_;                // what these make
  std::vector<uint8_t> nothing_;            // a row of zeros
  int y_ = 0;
};

bool VipsDecoder::covers_canvas() const {
  const Rect& frame = container_.first_frame;
  return frame.left == 0 && frame.top == 0 && frame.width >= picture_.size.width &&
         frame.height >= picture_.size.height;
}

// One row of colours with an alpha that shows the frame alone.
void VipsDecoder::show_frame(const uint8_t* row) {
  const Rect& frame = container_.first_frame;
  const bool across = y_ >= frame.top && y_ < frame.top + frame.height;
  const auto colours = static_cast<size_t>(picture_.kind.bands() - 1);
  uint8_t* to = row_.data();
  for (int x = 0; x < image_.get()->Xsize; ++x, row += colours) {
    to = std::copy_n(row, colours, to);
    *to++ = across && x >= frame.left && x < frame.left + frame.width ? 255 : 0;
  }
}

void VipsDecoder::read_orientation() {
  if (kind_ == Kind::webp || kind_ == Kind::tiff) {
    picture_.exif.orientation = vips_image_get_orientation(image_.get());
  } else if (kind_ != Kind::png) {
    picture_.exif.orientation = 1;
  }
}

// Colour without a profile, or told over its head.
void VipsDecoder::read_told_colour() {
  const Space space = picture_.kind.space;
  const bool has_profile = !picture_.profile.empty();
  if (kind_ == Kind::png) {
    if (auto told = profile_of_png(file_, space, has_profile)) picture_.profile = std::move(*told);
  } else if (picture_.exif.adobe_rgb && !has_profile && space == Space::rgb) {
    picture_.profile = adobe_rgb_profile();
  }
}

Failure VipsDecoder::open() {
  vips_error_clear();
  image_ = open_image(kind_, file_, {truncated_, 1, container_.page});
  if (!image_) return failed(kind_, file_);
  told_at_opening_ = vips_error_buffer();
  VipsImage* image = image_.get();
  meaning_ = vips_image_guess_interpretation(image);
  colours_ = colour_bands(meaning_, image->Bands);
  picture_.size = {image->Xsize, image->Ysize};
  picture_.kind = {space_of(meaning_, colours_),
                   image->Bands > colours_ && !container_.unspecified_extra};
  beside_frame_ = kind_ == Kind::gif && !picture_.kind.alpha && !covers_canvas();
  picture_.kind.alpha |= beside_frame_;
  picture_.pages = std::max(container_.frames, vips_image_get_n_pages(image));
  picture_.palette = container_.palette;
  picture_.tallness = tallness_of(image->Xres, image->Yres);
  picture_.always_square = kind_ == Kind::tiff;
  const View exif = blob(image, VIPS_META_EXIF_NAME), icc = blob(image, VIPS_META_ICC_NAME);
  picture_.exif = read_exif(kind_ == Kind::tiff ? file_ : exif);  // a TIFF is such a block itself
  if (kind_ == Kind::png && exif.empty()) {
    picture_.exif = read_exif(odd_exif_of_png(file_, image));
  }
  add_xmp_rights(blob(image, VIPS_META_XMP_NAME), &picture_.exif);
  add_iptc_rights(blob(image, VIPS_META_IPTC_NAME), &picture_.exif);
  read_orientation();
  picture_.profile.assign(icc.begin(), icc.end());
  if (picture_.kind.space != Space::cmyk) read_told_colour();
  return {};
}

// Colours that are reduced apart from their alpha take on what nobody sees beside their edges.
int VipsDecoder::webp_reduction(const Purpose& purpose) const {
  if (kind_ != Kind::webp || container_.alpha_beside) return 1;
  const int across = picture_.size.width / std::max(1, purpose.least.width);
  const int down = picture_.size.height / std::max(1, purpose.least.height);
  return std::max(1, std::min(across, down) / 2);
}

// A lossless image is decoded whole, four bytes a pixel, before it is reduced.
double VipsDecoder::webp_bytes_per_pixel(int reduction) const {
  if (reduction == 1) return 9;
  return 0.6 + 8.0 / std::pow(reduction, 2) + (container_.lossless ? 4 : 0);
}

// 0: libpng's way.
int64_t VipsDecoder::png_bytes(const Purpose& purpose) const {
  const int64_t need = kind_ == Kind::png ? png_pixels_need(file_) : 0;
  return need <= purpose.most_bytes ? need : 0;
}

// As measured, by format.
int64_t VipsDecoder::bytes_needed(const Purpose& purpose) const {
  const double pixels = static_cast<double>(picture_.size.width) * picture_.size.height;
  const double sample = static_cast<double>(VIPS_IMAGE_SIZEOF_ELEMENT(image_.get()));
  double per_pixel = 0;
  switch (kind_) {
    case Kind::png:
      if (const int64_t need = png_bytes(purpose)) return need;
      per_pixel = container_.interlaced ? container_.bytes_per_pixel : 0.3;
      break;
    case Kind::webp:
      per_pixel = webp_bytes_per_pixel(webp_reduction(purpose));
      break;
    case Kind::gif:
      per_pixel = 5.1;
      break;
    case Kind::tiff:
      per_pixel = 2 * sample * image_.get()->Bands;
      break;
    default:
      break;
  }
  return static_cast<int64_t>(pixels * per_pixel);
}

Failure VipsDecoder::reopen_reduced(const Purpose& purpose) {
  const int by = webp_reduction(purpose);
  if (by == 1) return {};
  image_ = open_image(kind_, file_, {truncated_, 1.0 / by, 0});
  return image_ ? Failure{} : failed(kind_, file_);
}

// What is not in doubt needs no libpng.
void VipsDecoder::take_png_pixels() {
  const VipsImage* header = image_.get();
  auto pixels = png_pixels(file_);
  if (!pixels || pixels->size_bytes != VIPS_IMAGE_SIZEOF_IMAGE(header)) return;
  png_samples_ = std::move(pixels->samples);
  VipsRef whole(vips_image_new_from_memory(png_samples_.get(), pixels->size_bytes, header->Xsize,
                                           header->Ysize, header->Bands, header->BandFmt));
  if (whole) image_ = std::move(whole);
}

// 8-bit sRGB or grey by libvips alone.
VipsRef VipsDecoder::to_eight_bits() {
  VipsImage* plain = nullptr;
  const VipsInterpretation to =
      picture_.kind.space == Space::grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  if (vips_colourspace(image_.get(), &plain, to, "source_space", meaning_, nullptr) != 0) {
    return VipsRef();
  }
  const VipsRef owner(plain);
  VipsImage* bytes = nullptr;
  (void)vips_cast_uchar(plain, &bytes, nullptr);
  return VipsRef(bytes);
}

// Floats of a TIFF are samples like others, 0 to 1, whatever libvips takes them for: 16 bits are
// kept.
Failure VipsDecoder::quantise() {
  VipsImage* scaled = nullptr;
  if (vips_linear1(image_.get(), &scaled, 65535, 0.5, nullptr) != 0) return failed(kind_, file_);
  const VipsRef owner(scaled);
  VipsImage* whole = nullptr;
  if (vips_cast_ushort(scaled, &whole, nullptr) != 0) return failed(kind_, file_);
  image_ = VipsRef(whole);
  meaning_ =
      picture_.kind.space == Space::grey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
  return {};
}

Failure VipsDecoder::make_plain(Output* out) {
  const int keep = colours_ + (picture_.kind.alpha ? 1 : 0);
  if (image_.get()->Bands > keep) {
    VipsImage* fewer = nullptr;
    if (vips_extract_band(image_.get(), &fewer, 0, "n", keep, nullptr) != 0)
      return failed(kind_, file_);
    image_ = VipsRef(fewer);
  }
  const bool plain = meaning_ == VIPS_INTERPRETATION_sRGB || meaning_ == VIPS_INTERPRETATION_B_W ||
                     meaning_ == VIPS_INTERPRETATION_CMYK ||
                     meaning_ == VIPS_INTERPRETATION_MULTIBAND;
  out->kind = picture_.kind;
  if (plain && image_.get()->BandFmt == VIPS_FORMAT_UCHAR) return {};
  out->in_srgb = true;
  if (kind_ == Kind::tiff && image_.get()->BandFmt == VIPS_FORMAT_FLOAT) {
    if (Failure fault = quantise()) return fault;
  }
  if (image_.get()->BandFmt == VIPS_FORMAT_USHORT) {
    to_srgb_ = ColourTransform::by(picture_.profile, picture_.kind, 2);
    if (!to_srgb_ && picture_.kind.space == Space::cmyk) {
      to_srgb_ = ColourTransform::of_ink(picture_.kind.alpha, 2);
    }
  }
  if (to_srgb_) {
    out->kind = to_srgb_->kind();
    return {};
  }
  if (out->kind.space == Space::cmyk) out->kind.space = Space::rgb;
  image_ = to_eight_bits();
  return image_ ? Failure{} : failed(kind_, file_);
}

Failure VipsDecoder::begin(const Purpose& purpose, Output* out) {
  if (Failure fault = reopen_reduced(purpose)) return fault;
  if (png_bytes(purpose) > 0) take_png_pixels();
  if (Failure fault = make_plain(out)) return fault;
  row_.resize(samples_of(image_.get()->Xsize, out->kind.bands()));
  if (!to_srgb_ && !beside_frame_ && image_.get()->Bands != out->kind.bands()) {
    return Fault{Code::unsupported_format, "pixels of an unusual kind"};
  }
  out->size = {image_.get()->Xsize, image_.get()->Ysize};
  out->reduced_x = static_cast<double>(picture_.size.width) / out->size.width;
  out->reduced_y = static_cast<double>(picture_.size.height) / out->size.height;
  region_.reset(vips_region_new(image_.get()));
  return region_ ? Failure{} : failed(kind_, file_);
}

constexpr int kStrip = 16;

// What libtiff says of directories it says again, and no file is refused for what libjpeg warns of
// in a tile.
bool tells_of_damage(const std::string& told, const std::string& at_opening) {
  std::istringstream lines(told);
  for (std::string line; std::getline(lines, line);) {
    const bool known = at_opening.find(line) != std::string::npos;
    if (!known && !line.starts_with("VipsJpeg: ")) return true;
  }
  return false;
}

// What a file that was cut has no longer, as its loader finds out, is zeros. What libtiff says of
// an error may be all that tells of it: lines of a fax, and from libvips 8.17 on any pixels, are
// made up then.
Failure VipsDecoder::read_strip() {
  VipsRect strip{0, y_, image_.get()->Xsize, std::min(kStrip, image_.get()->Ysize - y_)};
  if (kind_ == Kind::tiff) vips_error_clear();
  const bool read = vips_region_prepare(region_.get(), &strip) == 0;
  if (read && (kind_ != Kind::tiff || !tells_of_damage(vips_error_buffer(), told_at_opening_))) {
    return {};
  }
  Fault fault = failed(kind_, file_);
  ended_ = truncated_ == Truncated::accept && fault.code == Code::truncated && y_ > 0;
  if (!ended_) return fault;
  nothing_.resize(VIPS_IMAGE_SIZEOF_LINE(image_.get()));
  return {};
}

Failure VipsDecoder::next(const uint8_t** row) {
  if (y_ % kStrip == 0 && !ended_) {
    if (Failure fault = read_strip()) return fault;
  }
  *row = ended_ ? nothing_.data() : VIPS_REGION_ADDR(region_.get(), 0, y_);  // NOLINT: its casts
  if (to_srgb_) to_srgb_->row(*row, row_.data(), image_.get()->Xsize);
  if (beside_frame_) show_frame(*row);
  if (to_srgb_ || beside_frame_) *row = row_.data();
  ++y_;
  return {};
}

std::vector<std::string> VipsDecoder::notes() const {
  if (truncated_ == Truncated::accept && is_cut_short(kind_, file_)) {
    return {std::string(note::kTruncated)};
  }
  return {};
}

// An HDR picture is looked at twice, and of one that was cut libvips does not tell what came: both
// are taken whole.
class WholePng : public WholeDecoder {
 public:
  WholePng(VipsDecoder* opened, View file, const std::optional<ToldColour>& hdr, bool cut)
      : file_(file),
        decoder_bytes_(opened->bytes_needed({})),
        image_(opened->take_image()),
        cut_(cut) {
    picture_ = opened->picture();
    if (!hdr) return;
    picture_.profile.clear();
    colour_ = *hdr;
  }
  int64_t bytes_needed(const Purpose& /*purpose*/) const override {
    return decoder_bytes_ + static_cast<int64_t>(VIPS_IMAGE_SIZEOF_IMAGE(image_.get()));
  }

 protected:
  Failure decode(Pixels* out) override {
    if (cut_) return decode_cut(out);
    size_t size = 0;
    samples_.reset(vips_image_write_to_memory(image_.get(), &size));
    if (!samples_) return failed(Kind::png, file_);
    *out = {static_cast<const uint8_t*>(samples_.get()), VIPS_IMAGE_SIZEOF_LINE(image_.get()),
            image_.get()->BandFmt == VIPS_FORMAT_USHORT ? 16 : 8};
    return {};
  }

 private:
  Failure decode_cut(Pixels* out) {
    if (Failure fault = decode_cut_png(file_, picture_.size, picture_.kind, &cut_png_))
      return fault;
    const size_t rows = static_cast<size_t>(picture_.size.height);
    *out = {cut_png_.samples.data(), cut_png_.samples.size() / rows, cut_png_.bits};
    notes_.emplace_back(note::kTruncated);
    return {};
  }

  View file_;
  int64_t decoder_bytes_;
  VipsRef image_;
  bool cut_;
  CutPng cut_png_;
  std::unique_ptr<void, decltype(&g_free)> samples_{nullptr, &g_free};
};

}  // namespace

Failure open_with_vips(Kind kind, const Container& container, View file, Truncated truncated,
                       Opened* out) {
  const bool cut = truncated == Truncated::accept && is_cut_short(kind, file);
  if (cut && kind == Kind::webp) return open_cut_webp(file, out);
  auto decoder = std::make_unique<VipsDecoder>(kind, container, file, truncated);
  if (Failure fault = decoder->open()) return fault;
  const auto hdr = kind == Kind::png ? hdr_of_png(file) : std::nullopt;
  if (hdr || (cut && kind == Kind::png)) {
    out->decoder = std::make_unique<WholePng>(decoder.get(), file, hdr, cut);
  } else {
    out->decoder = std::move(decoder);
  }
  return {};
}

}  // namespace imgq::image
