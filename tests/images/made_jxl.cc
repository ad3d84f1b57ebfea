#include <jxl/encode.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "tests/images/made.h"

namespace imgq::made {
namespace {

struct Destroy {
  void operator()(JxlEncoder* encoder) const { JxlEncoderDestroy(encoder); }
};

void demand(JxlEncoderStatus status) {
  if (status != JXL_ENC_SUCCESS) throw std::runtime_error("libjxl does not write it");
}

std::vector<float> floats(const Pixels& pixels, int depth) {
  std::vector<float> out;
  for (const uint16_t sample : pixels.data) {
    out.push_back(static_cast<float>(sample) / static_cast<float>((1 << depth) - 1));
  }
  return out;
}

JxlBasicInfo info_of(const std::vector<Pixels>& frames, const JxlSpec& spec) {
  const Pixels& first = frames.front();
  const bool alpha = first.bands % 2 == 0;
  JxlBasicInfo info;
  JxlEncoderInitBasicInfo(&info);
  info.xsize = static_cast<uint32_t>(first.width);
  info.ysize = static_cast<uint32_t>(first.height);
  info.bits_per_sample = spec.as_float ? 32 : static_cast<uint32_t>(spec.depth);
  info.exponent_bits_per_sample = spec.as_float ? 8 : 0;
  info.num_color_channels = static_cast<uint32_t>(first.bands - (alpha ? 1 : 0));
  info.num_extra_channels = info.alpha_bits = 0;
  if (alpha) {
    info.num_extra_channels = 1;
    info.alpha_bits = info.bits_per_sample;
    info.alpha_exponent_bits = info.exponent_bits_per_sample;
  }
  info.uses_original_profile = JXL_TRUE;
  if (spec.peak > 0) info.intensity_target = spec.peak;
  if (frames.size() > 1) {
    info.have_animation = JXL_TRUE;
    info.animation.tps_numerator = 10;
    info.animation.tps_denominator = 1;
  }
  return info;
}

JxlColorEncoding colour_of(const Pixels& pixels, const JxlSpec& spec) {
  JxlColorEncoding colour;
  JxlColorEncodingSetToSRGB(&colour, pixels.bands < 3 ? JXL_TRUE : JXL_FALSE);
  colour.primaries = static_cast<JxlPrimaries>(spec.primaries);
  colour.transfer_function = static_cast<JxlTransferFunction>(spec.transfer);
  return colour;
}

}  // namespace

Bytes jxl(const std::vector<Pixels>& frames, const JxlSpec& spec) {
  const std::unique_ptr<JxlEncoder, Destroy> encoder(JxlEncoderCreate(nullptr));
  const JxlBasicInfo info = info_of(frames, spec);
  const JxlColorEncoding colour = colour_of(frames.front(), spec);
  const bool boxes = !spec.exif.empty() || !spec.xmp.empty();
  if (boxes) demand(JxlEncoderUseBoxes(encoder.get()));
  demand(JxlEncoderSetCodestreamLevel(encoder.get(), 10));
  demand(JxlEncoderSetBasicInfo(encoder.get(), &info));
  demand(JxlEncoderSetColorEncoding(encoder.get(), &colour));
  if (!spec.exif.empty()) {
    Bytes block(4 + spec.exif.size());
    std::copy(spec.exif.begin(), spec.exif.end(), block.begin() + 4);
    demand(JxlEncoderAddBox(encoder.get(), "Exif", block.data(), block.size(),
                            spec.compressed ? JXL_TRUE : JXL_FALSE));
  }
  if (!spec.xmp.empty()) {
    demand(JxlEncoderAddBox(encoder.get(), "xml ", spec.xmp.data(), spec.xmp.size(), JXL_FALSE));
  }
  if (boxes) JxlEncoderCloseBoxes(encoder.get());
  JxlEncoderFrameSettings* settings = JxlEncoderFrameSettingsCreate(encoder.get(), nullptr);
  demand(JxlEncoderSetFrameLossless(settings, JXL_TRUE));
  for (const Pixels& frame : frames) {
    if (frames.size() > 1) {
      JxlFrameHeader header;
      JxlEncoderInitFrameHeader(&header);
      header.duration = 1;
      demand(JxlEncoderSetFrameHeader(settings, &header));
    }
    const std::vector<float> samples = floats(frame, spec.depth);
    const JxlPixelFormat format{static_cast<uint32_t>(frame.bands), JXL_TYPE_FLOAT,
                                JXL_NATIVE_ENDIAN, 0};
    demand(
        JxlEncoderAddImageFrame(settings, &format, samples.data(), samples.size() * sizeof(float)));
  }
  JxlEncoderCloseInput(encoder.get());
  Bytes file(1 << 22);
  uint8_t* next = file.data();
  size_t left = file.size();
  demand(JxlEncoderProcessOutput(encoder.get(), &next, &left));
  file.resize(file.size() - left);
  return file;
}

}  // namespace imgq::made
