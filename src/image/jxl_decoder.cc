#include <jxl/decode.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/notes.h"
#include "src/image/rights.h"
#include "src/image/whole_decoder.h"

namespace imgq::image {
namespace {

struct Destroy {
  void operator()(JxlDecoder* decoder) const { JxlDecoderDestroy(decoder); }
};
using Reader = std::unique_ptr<JxlDecoder, Destroy>;

constexpr JxlColorProfileTarget kOfPixels = JXL_COLOR_PROFILE_TARGET_DATA;
constexpr size_t kMaxExif = 64UL * 1024;

// Until 0.8 the library asked for a format of pixels, too, and did not use it.
template <class Function, class... Rest>
bool ask(Function function, const JxlDecoder* reader, Rest... rest) {
  constexpr const JxlPixelFormat* kUnused = nullptr;
  if constexpr (requires { function(reader, kUnused, rest...); }) {
    return function(reader, kUnused, rest...) == JXL_DEC_SUCCESS;
  } else {
    return function(reader, rest...) == JXL_DEC_SUCCESS;
  }
}

// H.273 has P3 with daylight's white and with the cinema's; JPEG XL has one P3 and tells the white.
CodePoints points_of(const JxlColorEncoding& colour) {
  constexpr uint32_t kDisplayP3 = 12;
  auto primaries = static_cast<uint32_t>(colour.primaries);
  if (colour.primaries == JXL_PRIMARIES_P3 && colour.white_point == JXL_WHITE_POINT_D65) {
    primaries = kDisplayP3;
  }
  return {primaries, static_cast<uint32_t>(colour.transfer_function)};
}

bool has_points(const JxlColorEncoding& colour) {
  return colour.primaries != JXL_PRIMARIES_CUSTOM && colour.white_point != JXL_WHITE_POINT_CUSTOM &&
         colour.transfer_function != JXL_TRANSFER_FUNCTION_GAMMA;
}

std::vector<uint8_t> profile_in(const JxlDecoder* reader) {
  size_t size = 0;
  if (!ask(JxlDecoderGetICCProfileSize, reader, kOfPixels, &size)) return {};
  std::vector<uint8_t> profile(size);
  if (!ask(JxlDecoderGetColorAsICCProfile, reader, kOfPixels, profile.data(), size)) return {};
  return profile;
}

Fault stopped(JxlDecoderStatus status) {
  return unreadable(status == JXL_DEC_NEED_MORE_INPUT ? Code::truncated : Code::corrupt_image);
}

class JxlImage : public WholeDecoder {
 public:
  JxlImage(View file, Truncated truncated, int max_frames)
      : file_(file), truncated_(truncated), max_frames_(max_frames) {}

  Failure open();
  int64_t bytes_needed(const Purpose& purpose) const override;

 protected:
  Failure decode(Pixels* out) override;

 private:
  Reader started(int events) const;
  Failure read_basics(const JxlDecoder* reader);
  void read_colour(const JxlDecoder* reader);
  std::vector<uint8_t> read_box(std::string_view wanted) const;

  View file_;
  Truncated truncated_;
  int max_frames_;
  int bits_ = 8;
  bool lossy_ = false;
  std::vector<uint8_t> samples_;
};

Reader JxlImage::started(int events) const {
  Reader reader(JxlDecoderCreate(nullptr));
  (void)JxlDecoderSubscribeEvents(reader.get(), events);
  (void)JxlDecoderSetInput(reader.get(), file_.data(), file_.size());
  return reader;
}

Failure JxlImage::read_basics(const JxlDecoder* reader) {
  JxlBasicInfo info{};
  (void)JxlDecoderGetBasicInfo(reader, &info);
  picture_.size = {static_cast<int>(std::min<uint32_t>(info.xsize, INT32_MAX)),
                   static_cast<int>(std::min<uint32_t>(info.ysize, INT32_MAX))};
  picture_.kind = {info.num_color_channels == 1 ? Space::grey : Space::rgb, info.alpha_bits > 0};
  bits_ = info.bits_per_sample > 8 ? 16 : 8;
  lossy_ = info.uses_original_profile == JXL_FALSE;
  premultiplied_ = info.alpha_premultiplied != JXL_FALSE;
  colour_.peak = info.intensity_target;
  for (size_t i = 0; i < info.num_extra_channels; ++i) {
    JxlExtraChannelInfo extra{};
    if (JxlDecoderGetExtraChannelInfo(reader, i, &extra) == JXL_DEC_SUCCESS &&
        extra.type == JXL_CHANNEL_BLACK) {
      return Fault{Code::unsupported_format, "a JPEG XL of ink"};
    }
  }
  return {};
}

// Of the pixels that the decoder gives: they need not be coded as the file's.
void JxlImage::read_colour(const JxlDecoder* reader) {
  JxlColorEncoding colour{};
  const bool told = ask(JxlDecoderGetColorAsEncodedProfile, reader, kOfPixels, &colour);
  if (!told || !has_points(colour)) {
    picture_.profile = profile_in(reader);
    return;
  }
  colour_.points = points_of(colour);
  if (is_hdr(colour_.points)) {
    bits_ = 16;
  } else {
    picture_.profile = profile_of(colour_.points, picture_.kind.space);
  }
}

// The first box of this type, compressed or not, when it is no longer than EXIF is in other files.
std::vector<uint8_t> JxlImage::read_box(std::string_view wanted) const {
  const Reader reader = started(JXL_DEC_BOX);
  (void)JxlDecoderSetDecompressBoxes(reader.get(), JXL_TRUE);
  JxlDecoderCloseInput(reader.get());
  std::vector<uint8_t> block(kMaxExif);
  bool found = false;
  while (!found && JxlDecoderProcessInput(reader.get()) == JXL_DEC_BOX) {
    JxlBoxType type{};
    (void)JxlDecoderGetBoxType(reader.get(), type, JXL_TRUE);
    found = std::string_view(type, sizeof type) == wanted;
  }
  if (!found) return {};
  (void)JxlDecoderSetBoxBuffer(reader.get(), block.data(), block.size());
  const JxlDecoderStatus status = JxlDecoderProcessInput(reader.get());
  const bool whole = status == JXL_DEC_BOX || status == JXL_DEC_SUCCESS;
  const size_t unused = JxlDecoderReleaseBoxBuffer(reader.get());
  block.resize(whole ? block.size() - unused : 0);
  return block;
}

// All that is no pixel. Whether the file is whole shows when those are decoded.
Failure JxlImage::open() {
  const Reader reader = started(JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FRAME);
  int frames = 0;
  bool coloured = false;
  JxlDecoderStatus status = JXL_DEC_SUCCESS;
  while (frames <= max_frames_) {
    status = JxlDecoderProcessInput(reader.get());
    if (status == JXL_DEC_BASIC_INFO) {
      if (Failure fault = read_basics(reader.get())) return fault;
    } else if (status == JXL_DEC_COLOR_ENCODING) {
      read_colour(reader.get());
      coloured = true;
    } else if (status == JXL_DEC_FRAME) {
      ++frames;
    } else {
      break;
    }
  }
  if (!coloured) return stopped(status);
  picture_.pages = std::max(1, frames);
  take_exif(read_box("Exif"));
  add_xmp_rights(read_box("xml "), &picture_.exif);
  return {};
}

// A sample's, as measured with the library of Debian 12 and a sixth more: with what it gives.
int64_t JxlImage::bytes_needed(const Purpose& /*purpose*/) const {
  const double samples =
      static_cast<double>(picture_.size.width) * picture_.size.height * picture_.kind.bands();
  return static_cast<int64_t>(samples * (bits_ <= 8 ? 2.5 : lossy_ ? 8.5 : 12));
}

// Of an animation the first frame.
Failure JxlImage::decode(Pixels* out) {
  const auto bands = static_cast<uint32_t>(picture_.kind.bands());
  const JxlPixelFormat format{bands, bits_ > 8 ? JXL_TYPE_UINT16 : JXL_TYPE_UINT8,
                              JXL_NATIVE_ENDIAN, 0};
  out->bits = bits_;
  out->row_bytes = samples_of(picture_.size.width, picture_.kind.bands()) * (bits_ / 8);
  samples_.resize(out->row_bytes * static_cast<size_t>(picture_.size.height));
  out->data = samples_.data();
  const Reader reader = started(JXL_DEC_FULL_IMAGE);
  JxlDecoderStatus status = JxlDecoderProcessInput(reader.get());
  if (status == JXL_DEC_NEED_IMAGE_OUT_BUFFER) {
    if (JxlDecoderSetImageOutBuffer(reader.get(), &format, samples_.data(), samples_.size()) !=
        JXL_DEC_SUCCESS) {
      return unreadable(Code::corrupt_image);
    }
    status = JxlDecoderProcessInput(reader.get());
    if (status == JXL_DEC_NEED_MORE_INPUT && truncated_ == Truncated::accept &&
        JxlDecoderFlushImage(reader.get()) == JXL_DEC_SUCCESS) {
      notes_.emplace_back(note::kTruncated);
      return {};
    }
  }
  return status == JXL_DEC_FULL_IMAGE ? Failure{} : stopped(status);
}

}  // namespace

Failure open_jxl(View file, Truncated truncated, int max_frames, Opened* out) {
  return open_as<JxlImage>(out, file, truncated, max_frames);
}

}  // namespace imgq::image
