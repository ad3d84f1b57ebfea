#include "src/image/animate.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "src/base/notes.h"
#include "src/image/colour.h"
#include "src/image/encode_animation.h"
#include "src/image/frames.h"
#include "src/image/render.h"

namespace imgq::image {
namespace {

constexpr PixelKind kFrameKind{Space::rgb, true};

bool is_read_whole(Kind kind) { return kind == Kind::gif || kind == Kind::webp; }
bool has_frames(Kind kind) {
  return is_read_whole(kind) || kind == Kind::png || kind == Kind::jxl || kind == Kind::avif;
}

int64_t pixels_of(Size size) { return int64_t{size.width} * size.height; }

bool is_within(const Job& job, const Source& source, const Limits& limits) {
  const int64_t most =
      std::max(pixels_of(source.decoder->picture().size), pixels_of(job.placement.result));
  const int frames = source.container.frames;
  return frames <= limits.max_animation_frames && most <= limits.max_animation_pixels / frames;
}

// As browsers show it: 10 ms or less are 100. All delays together fit into libwebp's int.
int shown_ms(int delay_ms, int frames) {
  constexpr int kLeast = 10, kInstead = 100;
  return std::min(delay_ms <= kLeast ? kInstead : delay_ms, INT32_MAX / frames);
}

// One job's way from the canvas to the pixels of its result.
class FrameScaler {
 public:
  FrameScaler(const Job& job, const Source& source, const SourceFacts& facts)
      : job_(job),
        picture_(source.decoder->picture()),
        facts_(facts),
        linear_(job.rendition->light == Light::linear) {
    const Decoder::Output rows{picture_.size, kFrameKind, 1, 1, false};
    const Size whole = looked_at(job);
    within_ = pixels_within(job.shown, picture_.size, rows);
    window_ = job.placement.smart ? whole_window(job.shown, whole, rows)
                                  : part_window(job.shown, job.scaled, job.part, rows);
    window_.x.start -= within_.left;
    window_.y.start -= within_.top;
  }

  Failure scale(const uint8_t* canvas, Raster* out, std::vector<std::string>* notes) {
    Raster pixels = turn_upright(resampled(canvas, notes), picture_.exif.orientation);
    if (job_.placement.smart) {
      if (!found_) {
        found_.emplace();
        if (Failure fault = find_part(job_, pixels, &*found_)) return fault;
      }
      pixels = cut_to_part(job_, pixels, *found_);
    }
    *out = std::move(pixels);
    return {};
  }

 private:
  Raster resampled(const uint8_t* canvas, std::vector<std::string>* notes) {
    Resampler resampler(within_.size(), kFrameKind, window_, job_.rendition->light);
    std::optional<SrgbRows> light;
    if (linear_) light.emplace(picture_.size.width, kFrameKind, picture_.profile, notes);
    const size_t row_bytes = samples_of(picture_.size.width, kFrameKind.bands());
    for (int y = within_.top; y < within_.top + within_.height; ++y) {
      const uint8_t* row = canvas + static_cast<size_t>(y) * row_bytes;
      resampler.push((light ? light->of(row) : row) + samples_of(within_.left, kFrameKind.bands()));
    }
    const bool as_it_is = linear_ || !facts_.profile.empty();
    return as_it_is ? resampler.take() : to_srgb(resampler.take(), picture_.profile, notes);
  }

  const Job& job_;
  const Picture& picture_;
  const SourceFacts& facts_;
  bool linear_;
  Rect within_;
  Window window_;
  std::optional<Rect> found_;
};

std::unique_ptr<FrameReader> read_frames(const Source& source) {
  const Size canvas = source.decoder->picture().size;
  const View file = source.file.view();
  return source.signature.kind == Kind::gif ? read_gif_frames(file, canvas, source.truncated)
                                            : read_webp_frames(file, canvas);
}

}  // namespace

void choose_animations(const Source& source, const Limits& limits, Plan* plan,
                       std::vector<std::string>* notes) {
  const Kind kind = source.signature.kind;
  if (source.decoder->picture().pages == 1 || !has_frames(kind)) return;
  for (Job& job : plan->jobs) {
    if (job.rendition->motion == Motion::first_frame) continue;
    job.animated = is_read_whole(kind) && is_within(job, source, limits);
    if (!job.animated && std::find(notes->begin(), notes->end(), note::kFirstFrame) == notes->end())
      notes->emplace_back(note::kFirstFrame);
  }
}

Failure animate(const Job& job, const Source& source, const SourceFacts& facts, int descriptor,
                ResultReport* report, std::vector<std::string>* notes) {
  const Rendition& rendition = *job.rendition;
  const Size planned = job.placement.result;
  EncodeOptions options = options_for(rendition, Format::webp, facts);
  options.full_chroma = rendition.chroma == Chroma::full;
  const std::unique_ptr<FrameReader> frames = read_frames(source);
  FrameScaler scaler(job, source, facts);
  AnimationEncoder encoder(planned, options);
  const int count = source.container.frames;
  for (int i = 0; i < count; ++i) {
    FrameReader::Frame frame;
    if (Failure fault = frames->next(&frame)) return fault;
    if (frame.pixels == nullptr) break;
    Raster pixels;
    if (Failure fault = scaler.scale(frame.pixels, &pixels, notes)) return fault;
    if (Failure fault = dress(rendition, planned, Format::webp, facts, &pixels)) return fault;
    if (Failure fault = encoder.add(pixels, shown_ms(frame.delay_ms, count))) return fault;
  }
  for (std::string& note : frames->notes()) notes->push_back(std::move(note));
  Fitted made;
  made.quality = options.lossless ? 0 : options.quality;
  if (Failure fault = encoder.finish(frames->plays(), &made.bytes)) return fault;
  return deliver(rendition, planned, Format::webp, made, descriptor, report);
}

}  // namespace imgq::image
