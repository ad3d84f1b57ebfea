#include "src/image/plan.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "src/image/write_result.h"

namespace imgq::image {
namespace {

// Empty: by none of them.
template <class Needed>
Size largest_needed(const std::vector<Job>& jobs, const Needed& needed) {
  Size most;
  for (const Job& job : jobs) {
    const Size needs = needed(job);
    most.width = std::max(most.width, needs.width);
    most.height = std::max(most.height, needs.height);
  }
  return most;
}

// The whole image where what is shown of it is as large as the job looks at.
Size decoded_for(const Job& job, Size stored) {
  const auto scaled = [](int stored_px, int seen_px, int shown_px) {
    return static_cast<int>((int64_t{stored_px} * seen_px + shown_px - 1) / shown_px);
  };
  const Size seen = looked_at(job);
  return {scaled(stored.width, seen.width, job.shown.width),
          scaled(stored.height, seen.height, job.shown.height)};
}

// A size as stored as it is shown: the shorter side of its pixels stretched.
Size shown_size(Size size, const Rendition& rendition, const Picture& picture) {
  if (rendition.pixels == PixelShape::as_stored && !picture.always_square) return size;
  const auto stretched = [](int px, double by) {
    return static_cast<int>(std::min<int64_t>(std::lround(px * by), INT32_MAX));
  };
  if (picture.tallness > 1) size.height = stretched(size.height, picture.tallness);
  if (picture.tallness < 1) size.width = stretched(size.width, 1 / picture.tallness);
  return size;
}

Failure make_job(const Rendition& rendition, const Picture& picture, const Rect& inner,
                 int max_side_px, Job* job) {
  const int orientation = picture.exif.orientation;
  job->rendition = &rendition;
  job->shown = rendition.border == Border::trimmed ? inner : all_of(picture.size);
  const Size upright = upright_size(shown_size(job->shown.size(), rendition, picture), orientation);
  if (Failure fault = place(rendition, upright, max_side_px, &job->placement)) return fault;
  job->scaled = upright_size(job->placement.scaled, orientation);  // its own inverse
  job->part = as_stored(job->placement.part, job->scaled, orientation);
  return {};
}

// What an encoder holds beside the pixels that it is given, as measured with the libraries of
// Debian 12 and 13 and a fifth more.
int64_t encoder_bytes(const Rendition& rendition, int64_t samples, Format format,
                      const SourceFacts& source) {
  constexpr double kAvifFixed = 7.0 * 1024 * 1024, kLosslessWebp = 13.5;
  const auto count = static_cast<double>(samples);
  double bytes = 0;
  switch (format) {
    case Format::avif:
      bytes = kAvifFixed + count * (avif_has_full_chroma(rendition, source) ? 13.5 : 9.5);
      break;
    case Format::jpeg:
      bytes = count * 1.6;
      break;
    case Format::webp:
      bytes = count * (rendition.loss == Loss::none ? kLosslessWebp : 2.4);
      break;
    default:
      bytes = count * 2.05;
      break;
  }
  return static_cast<int64_t>(bytes);
}

// What all frames of an animation need at once, as measured.
int64_t animation_bytes(const Job& job, const Picture& picture, Kind source) {
  constexpr double kLossless = 72, kWithAlpha = 36, kOpaque = 30, kGif = 6, kWebp = 10;
  const Size stored = picture.size;
  const Decoder::Output rows{stored, {Space::rgb, true}, 1, 1, false};
  const Size result = job.placement.result;
  const double canvas = static_cast<double>(stored.width) * stored.height;
  const double pixels = static_cast<double>(result.width) * result.height;
  const double per_pixel = job.rendition->loss == Loss::none ? kLossless
                           : picture.kind.alpha              ? kWithAlpha
                                                             : kOpaque;
  const double read = canvas * (source == Kind::gif ? kGif : kWebp);
  return static_cast<int64_t>(read + pixels * per_pixel) +
         resampler_bytes(stored, rows.kind, part_window(job.shown, job.scaled, job.part, rows));
}

struct Range {
  int from, count;
};
Range within(int first_px, int count_px, double reduced, int most) {
  const int from = std::min(most - 1, static_cast<int>(std::ceil(first_px / reduced)));
  const int to = std::min(most, static_cast<int>((first_px + count_px) / reduced));
  return {from, std::max(1, to - from)};
}

Axis axis(double first_px, double shown_px, double scaled_px, int from_px, int count,
          double reduced) {
  const double step = shown_px / scaled_px / reduced;
  return {first_px / reduced + from_px * step, step, count};
}

}  // namespace

bool twice_as_large(Size whole, Size scaled) {
  return whole.width >= 2 * int64_t{scaled.width} && whole.height >= 2 * int64_t{scaled.height};
}

Size looked_at(const Job& job) {
  return {std::min(job.scaled.width, job.shown.width),
          std::min(job.scaled.height, job.shown.height)};
}

Failure make_plan(const Request& request, const Picture& picture, const Rect& inner,
                  int max_side_px, Plan* out) {
  bool smart = false;
  for (const Rendition& rendition : request.renditions) {
    Job job;
    if (Failure fault = make_job(rendition, picture, inner, max_side_px, &job)) return fault;
    smart |= job.placement.smart;
    out->jobs.push_back(job);
  }
  const auto is_whole = [&](const Job& job) { return job.shown.size() == picture.size; };
  const auto shares = [&](const Job& job) {  // of the reduction in sRGB's values
    return is_whole(job) && job.rendition->light == Light::as_stored &&
           job.rendition->colours == Colours::srgb;
  };
  out->purpose.least =
      largest_needed(out->jobs, [&](const Job& job) { return decoded_for(job, picture.size); });
  if (out->jobs.size() == 1 && !smart) return {};
  const Size largest = largest_needed(
      out->jobs, [&](const Job& job) { return is_whole(job) ? looked_at(job) : Size{}; });
  out->whole = largest;
  for (Job& job : out->jobs) {
    const Size needs = job.placement.smart ? looked_at(job) : job.scaled;
    const bool derived = shares(job) && (needs == largest || twice_as_large(largest, needs));
    job.from = derived ? Job::From::whole : Job::From::rows;
  }
  return {};
}

double tallness_of(double across, double down) {
  constexpr double kLeast = 1.05, kMost = 4;
  if (!(across > 0 && down > 0)) return 1;
  const double tallness = across / down, apart = std::max(tallness, 1 / tallness);
  return apart >= kLeast && apart <= kMost ? tallness : 1;
}

Rect pixels_within(const Rect& shown, Size stored, const Decoder::Output& rows) {
  if (shown.size() == stored) return all_of(rows.size);
  const Range x = within(shown.left, shown.width, rows.reduced_x, rows.size.width);
  const Range y = within(shown.top, shown.height, rows.reduced_y, rows.size.height);
  return {x.from, y.from, x.count, y.count};
}

Window part_window(const Rect& shown, Size scaled, const Rect& part, const Decoder::Output& rows) {
  return {axis(shown.left, shown.width, scaled.width, part.left, part.width, rows.reduced_x),
          axis(shown.top, shown.height, scaled.height, part.top, part.height, rows.reduced_y)};
}

Window whole_window(const Rect& shown, Size scaled, const Decoder::Output& rows) {
  return part_window(shown, scaled, all_of(scaled), rows);
}

int64_t plan_bytes(const Plan& plan, const Picture& picture, Kind source) {
  const PixelKind kind = picture.kind;
  const SourceFacts facts{source, picture.palette, {}};
  int64_t bytes = 0, largest = 0;
  const Decoder::Output unreduced{picture.size, kind, 1, 1, false};
  if (plan.whole.width > 0) {
    bytes += resampler_bytes(picture.size, kind,
                             whole_window(all_of(picture.size), plan.whole, unreduced));
  }
  for (const Job& job : plan.jobs) {
    const Size result = job.placement.result;
    const int64_t samples = int64_t{result.width} * result.height * kind.bands();
    const Format format = chosen_format(*job.rendition, facts, kind.alpha);
    if (!job.rendition->watermark.empty()) bytes += int64_t{result.width} * result.height * 4;
    const int64_t around = samples - int64_t{job.part.width} * job.part.height * kind.bands();
    largest = std::max(largest, around + encoder_bytes(*job.rendition, samples, format, facts));
    if (job.animated) largest = std::max(largest, animation_bytes(job, picture, source));
    bytes += resampler_bytes(picture.size, kind,
                             part_window(job.shown, job.scaled, job.part, unreduced));
  }
  return bytes + largest;
}

}  // namespace imgq::image
