#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "tests/images/made.h"

namespace imgq::made {
namespace {

void put(Bytes* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void put_chunk(Bytes* out, const char* name, const Bytes& data) {
  out->insert(out->end(), name, name + 4);
  put(out, static_cast<uint32_t>(data.size()), 4);
  out->insert(out->end(), data.begin(), data.end());
  if (data.size() % 2 != 0) out->push_back(0);
}

Bytes riff(const Bytes& chunks) {
  Bytes out{'R', 'I', 'F', 'F'};
  put(&out, static_cast<uint32_t>(chunks.size() + 4), 4);
  out.insert(out.end(), {'W', 'E', 'B', 'P'});
  out.insert(out.end(), chunks.begin(), chunks.end());
  return out;
}

Bytes encoded(const Pixels& pixels, const WebpSpec& spec) {
  const Bytes bytes(pixels.data.begin(), pixels.data.end());
  WebPConfig config;
  WebPPicture picture;
  WebPMemoryWriter writer;
  if (WebPConfigInit(&config) == 0 || WebPPictureInit(&picture) == 0) {
    throw std::runtime_error("libwebp is of another version");
  }
  config.lossless = spec.lossless ? 1 : 0;
  config.quality = spec.lossless ? 70 : spec.quality;
  config.exact = spec.lossless || spec.exact ? 1 : 0;
  picture.use_argb = 1;
  picture.width = pixels.width;
  picture.height = pixels.height;
  const int stride = pixels.width * pixels.bands;
  const auto import = pixels.bands == 4 ? WebPPictureImportRGBA : WebPPictureImportRGB;
  WebPMemoryWriterInit(&writer);
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  const bool done =
      import(&picture, bytes.data(), stride) != 0 && WebPEncode(&config, &picture) != 0;
  Bytes out(writer.mem, writer.mem + writer.size);
  WebPMemoryWriterClear(&writer);
  WebPPictureFree(&picture);
  if (!done) throw std::runtime_error("libwebp refused");
  return out;
}

// What stands behind "WEBP" in a file of libwebp, without an extended header.
Bytes chunks_of(const Bytes& file) {
  return Bytes(file.begin() + (file.at(15) == 'X' ? 30 : 12), file.end());
}

Bytes extended_header(int flags, const Pixels& pixels) {
  Bytes out;
  put(&out, static_cast<uint32_t>(flags), 4);
  put(&out, static_cast<uint32_t>(pixels.width - 1), 3);
  put(&out, static_cast<uint32_t>(pixels.height - 1), 3);
  return out;
}

}  // namespace

Bytes webp(const Pixels& pixels, const WebpSpec& spec) {
  const Bytes plain = encoded(pixels, spec);
  const Extras& extras = spec.extras;
  if (extras.icc.empty() && extras.exif.empty() && extras.xmp.empty()) return plain;
  const int flags = (extras.icc.empty() ? 0 : 0x20) | (pixels.bands == 4 ? 0x10 : 0) |
                    (extras.exif.empty() ? 0 : 0x08) | (extras.xmp.empty() ? 0 : 0x04);
  Bytes chunks;
  put_chunk(&chunks, "VP8X", extended_header(flags, pixels));
  if (!extras.icc.empty()) put_chunk(&chunks, "ICCP", extras.icc);
  const Bytes image = chunks_of(plain);
  chunks.insert(chunks.end(), image.begin(), image.end());
  if (!extras.exif.empty()) put_chunk(&chunks, "EXIF", extras.exif);
  if (!extras.xmp.empty()) put_chunk(&chunks, "XMP ", extras.xmp);
  return riff(chunks);
}

Bytes animated_webp(const MadeCanvas& canvas, const std::vector<MadeFrame>& frames) {
  const Extras& extras = canvas.extras;
  const int flags = 0x12 | (extras.icc.empty() ? 0 : 0x20) | (extras.exif.empty() ? 0 : 0x08) |
                    (extras.xmp.empty() ? 0 : 0x04);
  Bytes chunks;
  put_chunk(&chunks, "VP8X", extended_header(flags, Pixels(canvas.width, canvas.height, 1)));
  if (!extras.icc.empty()) put_chunk(&chunks, "ICCP", extras.icc);
  Bytes about{0, 0, 255, 255};  // a background that nobody shows
  put(&about, static_cast<uint64_t>(std::max(canvas.loops, 0)), 2);
  put_chunk(&chunks, "ANIM", about);
  for (const MadeFrame& frame : frames) {
    Bytes data;
    put(&data, static_cast<uint64_t>(frame.left / 2), 3);
    put(&data, static_cast<uint64_t>(frame.top / 2), 3);
    put(&data, static_cast<uint64_t>(frame.pixels.width - 1), 3);
    put(&data, static_cast<uint64_t>(frame.pixels.height - 1), 3);
    put(&data, static_cast<uint64_t>(frame.delay), 3);
    put(&data, (frame.blended ? 0U : 2U) | (frame.disposal == 1 ? 1U : 0U), 1);
    const Bytes image = chunks_of(encoded(frame.pixels, {}));
    data.insert(data.end(), image.begin(), image.end());
    put_chunk(&chunks, "ANMF", data);
  }
  if (!extras.exif.empty()) put_chunk(&chunks, "EXIF", extras.exif);
  if (!extras.xmp.empty()) put_chunk(&chunks, "XMP ", extras.xmp);
  return riff(chunks);
}

Bytes animated_webp(const std::vector<Pixels>& frames) {
  std::vector<MadeFrame> made;
  for (const Pixels& frame : frames) made.push_back({frame});
  return animated_webp({frames[0].width, frames[0].height}, made);
}

const Pixels& Animation::at(int ms) const {
  for (const Shown& frame : frames) {
    if (ms < frame.end_ms) return frame.pixels;
  }
  throw std::runtime_error("the animation has ended by then");
}

Animation read_animation(const Bytes& webp) {
  WebPAnimDecoderOptions options;
  if (WebPAnimDecoderOptionsInit(&options) == 0) throw std::runtime_error("libwebp differs");
  options.color_mode = MODE_RGBA;
  const WebPData data{webp.data(), webp.size()};
  WebPAnimDecoder* decoder = WebPAnimDecoderNew(&data, &options);
  WebPAnimInfo info;
  if (decoder == nullptr || WebPAnimDecoderGetInfo(decoder, &info) == 0) {
    throw std::runtime_error("no animation");
  }
  Animation out;
  out.loops = static_cast<int>(info.loop_count);
  while (WebPAnimDecoderHasMoreFrames(decoder) != 0) {
    uint8_t* canvas = nullptr;
    Shown shown{
        Pixels(static_cast<int>(info.canvas_width), static_cast<int>(info.canvas_height), 4)};
    if (WebPAnimDecoderGetNext(decoder, &canvas, &shown.end_ms) == 0) break;
    std::copy_n(canvas, shown.pixels.data.size(), shown.pixels.data.begin());
    out.frames.push_back(std::move(shown));
  }
  WebPAnimDecoderDelete(decoder);
  return out;
}

Pixels read_webp(const Bytes& file) {
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(file.data(), file.size(), &features) != VP8_STATUS_OK) {
    throw std::runtime_error("no WebP");
  }
  int width = 0, height = 0;
  uint8_t* data = features.has_alpha != 0
                      ? WebPDecodeRGBA(file.data(), file.size(), &width, &height)
                      : WebPDecodeRGB(file.data(), file.size(), &width, &height);
  if (data == nullptr) throw std::runtime_error("WebP cannot be decoded");
  Pixels out(width, height, features.has_alpha != 0 ? 4 : 3);
  std::copy_n(data, out.data.size(), out.data.begin());
  WebPFree(data);
  return out;
}

}  // namespace imgq::made
