#include "src/image/encode_animation.h"

#include <webp/encode.h>
#include <webp/mux.h>

#include <algorithm>
#include <utility>

#include "src/image/container.h"
#include "src/image/strip.h"

namespace imgq::image {
namespace {

// libwebp's picture, 32 bits a pixel.
class Picture32 {
 public:
  explicit Picture32(const Raster& raster) {
    if (WebPPictureInit(&picture_) == 0) return;
    picture_.use_argb = 1;
    picture_.width = raster.size.width;
    picture_.height = raster.size.height;
    if (WebPPictureAlloc(&picture_) != 0) fill(raster);
  }
  Picture32(const Picture32&) = delete;
  Picture32& operator=(const Picture32&) = delete;
  ~Picture32() { WebPPictureFree(&picture_); }

  WebPPicture* get() { return picture_.argb != nullptr ? &picture_ : nullptr; }

 private:
  void fill(const Raster& raster) {
    const bool grey = raster.kind.space == Space::grey;
    const auto bands = static_cast<size_t>(raster.kind.bands());
    const size_t green = grey ? 0 : 1, blue = grey ? 0 : 2;
    for (int y = 0; y < raster.size.height; ++y) {
      const uint8_t* from = raster.row(y);
      uint32_t* to = picture_.argb + static_cast<ptrdiff_t>(y) * picture_.argb_stride;
      for (int x = 0; x < raster.size.width; ++x, from += bands) {
        const uint32_t alpha = raster.kind.alpha ? from[bands - 1] : 255;
        to[x] = alpha << 24 | uint32_t{from[0]} << 16 | uint32_t{from[green]} << 8 | from[blue];
      }
    }
  }

  WebPPicture picture_ = {};
};

WebPConfig config_for(const EncodeOptions& options) {
  WebPConfig config;
  (void)WebPConfigInit(&config);  // fails with another libwebp alone, which linking has ruled out
  config.method = 2;
  config.quality = static_cast<float>(options.quality);
  config.lossless = options.lossless ? 1 : 0;
  config.use_sharp_yuv = options.full_chroma ? 1 : 0;
  return config;
}

// A still image has none to set: libwebp makes one of frames that are all alike.
void set_plays(int plays, Buffer* file) {
  constexpr size_t kPlaysAt = 4;  // behind the background
  const View about = webp_chunk(*file, "ANIM");
  if (about.size() < kPlaysAt + 2) return;
  uint8_t* to = file->data() + (about.data() - file->data()) + kPlaysAt;
  to[0] = static_cast<uint8_t>(plays);
  to[1] = static_cast<uint8_t>(plays >> 8);
}

// libwebp refuses nothing of what it is given here but for want of memory.
Fault no_memory() { return {Code::out_of_memory, "out of memory"}; }

}  // namespace

class AnimationEncoder::State {
 public:
  State(Size size, EncodeOptions options) : options_(std::move(options)) {
    WebPAnimEncoderOptions kinds;
    (void)WebPAnimEncoderOptionsInit(&kinds);
    encoder_.reset(WebPAnimEncoderNew(size.width, size.height, &kinds));
  }
  Failure add(const Raster& frame, int delay_ms);
  Failure finish(int plays, Buffer* out);

 private:
  struct DeleteEncoder {
    void operator()(WebPAnimEncoder* encoder) const { WebPAnimEncoderDelete(encoder); }
  };
  EncodeOptions options_;
  std::unique_ptr<WebPAnimEncoder, DeleteEncoder> encoder_;
  int at_ms_ = 0;
};

Failure AnimationEncoder::State::add(const Raster& frame, int delay_ms) {
  Picture32 picture(frame);
  const WebPConfig config = config_for(options_);
  if (!encoder_ || picture.get() == nullptr ||
      WebPAnimEncoderAdd(encoder_.get(), picture.get(), at_ms_, &config) == 0) {
    return no_memory();
  }
  at_ms_ += delay_ms;
  return {};
}

Failure AnimationEncoder::State::finish(int plays, Buffer* out) {
  WebPData made = {};
  const bool done = encoder_ && WebPAnimEncoderAdd(encoder_.get(), nullptr, at_ms_, nullptr) != 0 &&
                    WebPAnimEncoderAssemble(encoder_.get(), &made) != 0;
  encoder_.reset();
  if (done) {
    *out = strip_webp({made.bytes, made.size}, write_exif(options_.copyright), options_.profile);
    set_plays(plays, out);
  }
  WebPDataClear(&made);
  return done ? Failure{} : no_memory();
}

AnimationEncoder::AnimationEncoder(Size size, EncodeOptions options)
    : state_(std::make_unique<State>(size, std::move(options))) {}
AnimationEncoder::~AnimationEncoder() = default;

Failure AnimationEncoder::add(const Raster& frame, int delay_ms) {
  return state_->add(frame, delay_ms);
}
Failure AnimationEncoder::finish(int plays, Buffer* out) { return state_->finish(plays, out); }

}  // namespace imgq::image
