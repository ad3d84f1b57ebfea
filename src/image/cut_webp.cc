// Of a WebP that ends too early libvips gives nothing: its libraries' demultiplexer wants it whole.
#include <webp/decode.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "src/base/notes.h"
#include "src/image/container.h"
#include "src/image/whole_decoder.h"

namespace imgq::image {
namespace {

struct Delete {
  void operator()(WebPIDecoder* decoder) const { WebPIDelete(decoder); }
};

class CutWebp : public WholeDecoder {
 public:
  explicit CutWebp(View file) : file_(file) {}

  Failure open();
  int64_t bytes_needed(const Purpose& purpose) const override;

 protected:
  Failure decode(Pixels* out) override;

 private:
  View file_;
  std::vector<uint8_t> samples_;
};

// Metadata but a profile stand behind the image, so there are none.
Failure CutWebp::open() {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(file_.data(), file_.size(), &features) != VP8_STATUS_OK ||
      features.has_animation != 0) {
    return unreadable(Code::truncated);
  }
  picture_.size = {features.width, features.height};
  picture_.kind = {Space::rgb, features.has_alpha != 0};
  const View profile = webp_chunk(file_, "ICCP");
  picture_.profile.assign(profile.begin(), profile.end());
  return {};
}

// With four bytes a pixel for the decoder, which a lossless image needs.
int64_t CutWebp::bytes_needed(const Purpose& /*purpose*/) const {
  return int64_t{picture_.size.width} * picture_.size.height * (picture_.kind.bands() + 4);
}

// Rows that have not come are black, or see-through where they can be.
Failure CutWebp::decode(Pixels* out) {
  out->row_bytes = samples_of(picture_.size.width, picture_.kind.bands());
  samples_.resize(out->row_bytes * static_cast<size_t>(picture_.size.height));
  out->data = samples_.data();
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return Fault{Code::internal_error, "libwebp differs"};
  config.output.colorspace = picture_.kind.alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {samples_.data(), static_cast<int>(out->row_bytes), samples_.size()};
  const std::unique_ptr<WebPIDecoder, Delete> decoder(WebPIDecode(nullptr, 0, &config));
  if (!decoder) return Fault{Code::out_of_memory, "out of memory"};
  const VP8StatusCode status = WebPIUpdate(decoder.get(), file_.data(), file_.size());
  int rows = 0;
  (void)WebPIDecGetRGB(decoder.get(), &rows, nullptr, nullptr, nullptr);
  if (status == VP8_STATUS_OUT_OF_MEMORY) return Fault{Code::out_of_memory, "out of memory"};
  if (status != VP8_STATUS_SUSPENDED && status != VP8_STATUS_OK) {
    return unreadable(Code::corrupt_image);
  }
  if (rows == 0) return unreadable(Code::truncated);
  notes_.emplace_back(note::kTruncated);
  return {};
}

}  // namespace

Failure open_cut_webp(View file, Opened* out) { return open_as<CutWebp>(out, file); }

}  // namespace imgq::image
