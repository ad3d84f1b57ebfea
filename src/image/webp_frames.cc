#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "src/image/frames.h"
#include "src/image/raster.h"

namespace imgq::image {
namespace {

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

// A frame's pixel over what is there, neither premultiplied; weights out of 255 * 255.
void blend_over(const uint8_t* top, uint8_t* under) {
  const int shown = top[3] * 255, seen = (255 - top[3]) * under[3], sum = shown + seen;
  if (sum == 0) return;
  for (size_t b = 0; b < 3; ++b) {
    under[b] = static_cast<uint8_t>((top[b] * shown + under[b] * seen + sum / 2) / sum);
  }
  under[3] = static_cast<uint8_t>((sum + 127) / 255);
}

class WebpFrames : public FrameReader {
 public:
  WebpFrames(View file, Size canvas) : canvas_(canvas) {
    const WebPData data{file.data(), file.size()};
    demuxer_.reset(WebPDemuxPartial(&data, &state_));
  }
  ~WebpFrames() override { WebPDemuxReleaseIterator(&frame_); }
  WebpFrames(const WebpFrames&) = delete;
  WebpFrames& operator=(const WebpFrames&) = delete;

  Failure next(Frame* out) override;
  int plays() const override {
    return static_cast<int>(WebPDemuxGetI(demuxer_.get(), WEBP_FF_LOOP_COUNT));
  }

 private:
  bool advance();
  Failure draw();

  Canvas canvas_;
  WebPDemuxState state_ = WEBP_DEMUX_PARSE_ERROR;
  std::unique_ptr<WebPDemuxer, DeleteDemuxer> demuxer_;
  WebPIterator frame_ = {};
  std::vector<uint8_t> pixels_;  // of the frame
};

bool WebpFrames::advance() {
  return frame_.frame_num == 0 ? WebPDemuxGetFrame(demuxer_.get(), 1, &frame_) != 0
                               : WebPDemuxNextFrame(&frame_) != 0;
}

Failure WebpFrames::next(Frame* out) {
  if (!demuxer_ || state_ != WEBP_DEMUX_DONE) {
    return unreadable(state_ == WEBP_DEMUX_PARSE_ERROR ? Code::corrupt_image : Code::truncated);
  }
  if (!advance()) return {};
  if (Failure fault = draw()) return fault;
  *out = {canvas_.data(), frame_.duration};
  return {};
}

Failure WebpFrames::draw() {
  const Rect place{frame_.x_offset, frame_.y_offset, frame_.width, frame_.height};
  if (place.left + place.width > canvas_.size().width ||
      place.top + place.height > canvas_.size().height) {
    return unreadable(Code::corrupt_image);
  }
  const bool clears = frame_.dispose_method == WEBP_MUX_DISPOSE_BACKGROUND;
  canvas_.begin_frame(place, clears ? Disposal::clear : Disposal::none);
  const size_t row_bytes = samples_of(place.width, 4);
  pixels_.resize(row_bytes * static_cast<size_t>(place.height));
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return Fault{Code::internal_error, "libwebp differs"};
  config.output.colorspace = MODE_RGBA;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {pixels_.data(), static_cast<int>(row_bytes), pixels_.size()};
  const VP8StatusCode status = WebPDecode(frame_.fragment.bytes, frame_.fragment.size, &config);
  if (status == VP8_STATUS_OUT_OF_MEMORY) return Fault{Code::out_of_memory, "out of memory"};
  if (status != VP8_STATUS_OK) return unreadable(Code::corrupt_image);
  for (int y = 0; y < place.height; ++y) {
    const uint8_t* from = pixels_.data() + static_cast<size_t>(y) * row_bytes;
    uint8_t* to = canvas_.pixel(place.left, place.top + y);
    if (frame_.blend_method == WEBP_MUX_NO_BLEND) {
      std::copy_n(from, row_bytes, to);
    } else {
      for (size_t at = 0; at < row_bytes; at += 4) blend_over(from + at, to + at);
    }
  }
  return {};
}

}  // namespace

std::unique_ptr<FrameReader> read_webp_frames(View file, Size canvas) {
  return std::make_unique<WebpFrames>(file, canvas);
}

}  // namespace imgq::image
