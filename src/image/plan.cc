#include "src/image/plan.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "src/image/write_result.h"

namespace imgq::image {
namespace {

// A smart rendition looks at the image no larger than it is: enlarging comes after.
Size looked_at(const Job& job, Size stored) {
  return {std::min(job.scaled.width, stored.width), std::min(job.scaled.height, stored.height)};
}

bool twice_as_large(Size whole, Size scaled) {
  return whole.width >= 2 * int64_t{scaled.width} && whole.height >= 2 * int64_t{scaled.height};
}

Size largest_needed(const std::vector<Job>& jobs, Size stored) {
  Size most{1, 1};
  for (const Job& job : jobs) {
    const Size needs = looked_at(job, stored);
    most.width = std::max(most.width, needs.width);
    most.height = std::max(most.height, needs.height);
  }
  return most;
}

// The stored image as it is shown: the shorter side of its pixels stretched.
Size shown_size(const Rendition& rendition, const Picture& picture) {
  Size size = picture.size;
  if (rendition.pixels == PixelShape::as_stored && !picture.always_square) return size;
  const auto stretched = [](int px, double by) {
    return static_cast<int>(std::min<int64_t>(std::lround(px * by), INT32_MAX));
  };
  if (picture.tallness > 1) size.height = stretched(size.height, picture.tallness);
  if (picture.tallness < 1) size.width = stretched(size.width, 1 / picture.tallness);
  return size;
}

Failure make_job(const Rendition& rendition, const Picture& picture, int max_side_px, Job* job) {
  const int orientation = picture.exif.orientation;
  job->rendition = &rendition;
  const Size upright = upright_size(shown_size(rendition, picture), orientation);
  if (Failure fault = place(rendition, upright, max_side_px, &job->placement)) return fault;
  job->scaled = upright_size(job->placement.scaled, orientation);  // its own inverse
  job->part = as_stored(job->placement.part, job->scaled, orientation);
  return {};
}

// What an encoder holds beside the pixels that it is given, as measured with the libraries of
// Debian 12 and 13 and a fifth more.
int64_t encoder_bytes(const Rendition& rendition, int64_t samples, Format format,
                      const SourceFacts& source) {
  constexpr double kAvifFixed = 10.0 * 1024 * 1024, kLosslessWebp = 13.5;
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
      bytes = count * 2.8;
      break;
  }
  return static_cast<int64_t>(bytes);
}

Axis axis(double stored_px, double scaled_px, int from_px, int count, double reduced) {
  const double step = stored_px / scaled_px / reduced;
  return {from_px * step, step, count};
}

}  // namespace

Failure make_plan(const Request& request, const Picture& picture, int max_side_px, Plan* out) {
  bool smart = false;
  for (const Rendition& rendition : request.renditions) {
    Job job;
    if (Failure fault = make_job(rendition, picture, max_side_px, &job)) return fault;
    smart |= job.placement.smart;
    out->jobs.push_back(job);
  }
  const auto shares = [](const Rendition& r) {  // of the reduction in sRGB's values
    return r.light == Light::as_stored && r.colours == Colours::srgb;
  };
  const Size largest = largest_needed(out->jobs, picture.size);
  out->purpose.least = largest;
  if (out->jobs.size() == 1 && !smart) return {};
  out->whole = largest;
  for (Job& job : out->jobs) {
    const Size needs = job.placement.smart ? looked_at(job, picture.size) : job.scaled;
    const bool derived =
        shares(*job.rendition) && (needs == largest || twice_as_large(largest, needs));
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

Window part_window(Size stored, Size scaled, const Rect& part, const Decoder::Output& rows) {
  return {axis(stored.width, scaled.width, part.left, part.width, rows.reduced_x),
          axis(stored.height, scaled.height, part.top, part.height, rows.reduced_y)};
}

Window whole_window(Size stored, Size scaled, const Decoder::Output& rows) {
  return part_window(stored, scaled, {0, 0, scaled.width, scaled.height}, rows);
}

int64_t plan_bytes(const Plan& plan, const Picture& picture, Kind source) {
  const PixelKind kind = picture.kind;
  const SourceFacts facts{source, picture.palette, {}};
  int64_t bytes = 0, largest = 0;
  const Decoder::Output unreduced{picture.size, kind, 1, 1, false};
  if (plan.whole.width > 0) {
    bytes += resampler_bytes(picture.size, kind, whole_window(picture.size, plan.whole, unreduced));
  }
  for (const Job& job : plan.jobs) {
    const Size result = job.placement.result;
    const int64_t samples = int64_t{result.width} * result.height * kind.bands();
    const Format format = chosen_format(*job.rendition, facts, kind.alpha);
    const int64_t around = samples - int64_t{job.part.width} * job.part.height * kind.bands();
    largest = std::max(largest, around + encoder_bytes(*job.rendition, samples, format, facts));
    bytes += resampler_bytes(picture.size, kind,
                             part_window(picture.size, job.scaled, job.part, unreduced));
  }
  return bytes + largest;
}

}  // namespace imgq::image
