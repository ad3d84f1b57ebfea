#include "src/image/render.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "src/image/animate.h"
#include "src/image/colour.h"
#include "src/image/icc.h"
#include "src/image/planes.h"
#include "src/image/smart_crop.h"
#include "src/image/thumbhash.h"
#include "src/image/write_result.h"
#include "src/util/base64.h"

namespace imgq::image {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kUpright = 1;      // EXIF
constexpr int kHashSidePx = 64;  // what the thumbhash is made from; it keeps 7 waves a side

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Size fit_into(Size size, int side_px) {
  const double scale =
      std::min(1.0, static_cast<double>(side_px) / std::max(size.width, size.height));
  return {std::max(1, static_cast<int>(std::lround(size.width * scale))),
          std::max(1, static_cast<int>(std::lround(size.height * scale)))};
}

// At least a pixel; no more than `seen_px` when the part is no more than the whole.
int scaled_down(int part_px, int seen_px, int whole_px) {
  return std::max(1, static_cast<int>(int64_t{part_px} * seen_px / whole_px));
}

Raster scaled_to(const Raster& from, Size size, Light light = Light::as_stored) {
  if (from.size == size) return from;
  const Decoder::Output all{from.size, from.kind, 1, 1, false};
  return resample(from, whole_window(all_of(from.size), size, all), light);
}

// A part of what `from` would be at the size `scaled`.
Raster part_of(const Raster& from, Size scaled, const Rect& part) {
  if (from.size == scaled) return cut_out(from, part);
  const Decoder::Output all{from.size, from.kind, 1, 1, false};
  return resample(from, part_window(all_of(from.size), scaled, part, all));
}

// One request on its way through: rows to rasters, rasters to files.
class Renderer {
 public:
  Renderer(const Plan& plan, Source* source, Verdict* verdict)
      : plan_(plan),
        source_(*source),
        picture_(source->decoder->picture()),
        facts_{source->signature.kind, picture_.palette, picture_.exif},
        verdict_(*verdict) {}

  Failure decode();
  Failure pixels_of(size_t index, Raster* out);
  Failure write_all_results(std::span<const int> results, std::span<const Overlay> overlays);

 private:
  bool is_plain_jpeg(const Job& job) const;
  bool only_jpeg() const;
  bool is_made_of_planes(const Job& job) const;
  bool decode_planes(const Purpose& purpose);
  void reduce_planes();
  const std::vector<Plane>& planes_for(Size scaled, const Rect& part, int orientation) const;
  Raster of_planes(Size scaled, const Rect& part);
  bool hash_needs_its_own() const;
  void set_up_resamplers();
  void push(int y, const uint8_t* row);
  std::optional<Window> window_for(const Job& job) const;
  Raster converted(Raster raster);
  bool is_linear(size_t index) const { return plan_.jobs[index].rendition->light == Light::linear; }
  bool may_keep_profile() const;
  bool writes_profile_of_grey(const Rendition& rendition) const;
  bool keeps_profile(size_t index) const;
  Raster taken(size_t index);
  void begin_light();
  void take_rasters();
  bool has_usual_coding() const;
  SourceFacts facts_for(size_t index) const;
  void note_once(std::vector<std::string> notes);
  Failure write_result(size_t index, const SourceFacts& facts, int descriptor, ResultReport* report,
                       std::vector<std::string>* notes);
  Failure find_and_cut(const Job& job, Raster looked_at, Raster* out);
  void hash(const Raster& raster);

  const Plan& plan_;
  Source& source_;
  const Picture& picture_;
  SourceFacts facts_;
  bool lasting_profile_ = false;  // may stay in results; these two after decode()
  bool usual_coding_ = false;
  Verdict& verdict_;
  Decoder::Output rows_;
  std::optional<Resampler> whole_resampler_, hash_resampler_;
  struct Fed {
    Rect within;  // what it gets of the decoder's pixels
    Resampler resampler;
  };
  std::vector<std::optional<Fed>> resamplers_;  // a job each
  std::optional<SrgbRows> light_rows_;          // for those in linear light
  std::vector<Plane> planes_;                   // none: it came by rows
  std::vector<Plane> reduced_;                  // the common reduction's; none: nobody needs them
  Raster whole_;
  std::vector<Raster>
      direct_;  // of planes only the first: the others are made when they are needed
};

// Whether all that is made of it is a smaller JPEG: nothing looks at its colours.
bool Renderer::is_plain_jpeg(const Job& job) const {
  const Rendition& r = *job.rendition;
  const bool looks = job.placement.smart || r.sharpen > 0 || r.light == Light::linear ||
                     r.fit == Fit::pad || r.shades == Shades::grey || !r.watermark.empty();
  return !looks && chosen_format(r, facts_, false) == Format::jpeg;
}

// JPEG to JPEG without a change of colours needs no RGB in between.
bool Renderer::only_jpeg() const {
  const bool conversion = needs_conversion(picture_.profile, picture_.kind.space);
  return std::all_of(plan_.jobs.begin(), plan_.jobs.end(), [&](const Job& job) {
    return is_plain_jpeg(job) && !(conversion && job.rendition->colours == Colours::srgb);
  });
}

std::optional<Window> Renderer::window_for(const Job& job) const {
  if (job.from == Job::From::whole) return {};
  if (!job.placement.smart) return part_window(job.shown, job.scaled, job.part, rows_);
  return whole_window(job.shown, looked_at(job), rows_);
}

// A part alone shows no whole picture to make the thumbhash from.
bool Renderer::hash_needs_its_own() const {
  const Job& job = plan_.jobs[0];
  return plan_.whole.width == 0 &&
         (job.part.size() != job.scaled || job.shown.size() != picture_.size);
}

void Renderer::set_up_resamplers() {
  if (plan_.whole.width > 0) {
    whole_resampler_.emplace(rows_.size, rows_.kind,
                             whole_window(all_of(picture_.size), plan_.whole, rows_));
  }
  if (hash_needs_its_own()) {
    const Size small = fit_into(picture_.size, kHashSidePx);
    hash_resampler_.emplace(rows_.size, rows_.kind,
                            whole_window(all_of(picture_.size), small, rows_));
  }
  for (size_t i = 0; i < plan_.jobs.size(); ++i) {
    const Job& job = plan_.jobs[i];
    std::optional<Fed>& fed = resamplers_.emplace_back();
    auto window = window_for(job);
    if (!window) continue;
    if (is_linear(i)) begin_light();
    const PixelKind kind = is_linear(i) ? light_rows_->kind() : rows_.kind;
    const Rect within = pixels_within(job.shown, picture_.size, rows_);
    window->x.start -= within.left;
    window->y.start -= within.top;
    fed = Fed{within, Resampler(within.size(), kind, *window, job.rendition->light)};
  }
}

// Light is known of sRGB only: each row is brought there before it is averaged.
void Renderer::begin_light() {
  if (light_rows_) return;
  const View profile = rows_.in_srgb ? View() : View(picture_.profile);
  light_rows_.emplace(rows_.size.width, rows_.kind, profile, &verdict_.notes);
}

void Renderer::push(int y, const uint8_t* row) {
  if (whole_resampler_) whole_resampler_->push(row);
  if (hash_resampler_) hash_resampler_->push(row);
  const uint8_t* light_row = light_rows_ ? light_rows_->of(row) : nullptr;
  for (size_t i = 0; i < resamplers_.size(); ++i) {
    if (!resamplers_[i]) continue;
    auto& [within, resampler] = *resamplers_[i];
    if (y < within.top || y >= within.top + within.height) continue;
    const PixelKind kind = is_linear(i) ? light_rows_->kind() : rows_.kind;
    resampler.push((is_linear(i) ? light_row : row) + samples_of(within.left, kind.bands()));
  }
}

// Whether it is made without pixels in between, but for a change of colours at the end.
bool Renderer::is_made_of_planes(const Job& job) const {
  const Rendition& rendition = *job.rendition;
  const bool kept = rendition.colours == Colours::keep && !picture_.profile.empty();
  return is_plain_jpeg(job) && !job.animated && !kept && job.shown.size() == picture_.size &&
         rendition.chroma != Chroma::full;
}

bool Renderer::decode_planes(const Purpose& purpose) {
  const bool all = std::all_of(plan_.jobs.begin(), plan_.jobs.end(),
                               [this](const Job& job) { return is_made_of_planes(job); });
  if (all) planes_ = source_.decoder->planes(purpose);
  if (planes_.empty()) return false;
  reduce_planes();
  const Job& job = plan_.jobs[0];
  direct_.push_back(of_planes(job.scaled, job.part));
  if (job.part.size() == job.scaled) {
    hash(direct_.front());
  } else {
    const Size small = fit_into(picture_.size, kHashSidePx);
    hash(of_planes(small, all_of(small)));
  }
  return true;
}

void Renderer::reduce_planes() {
  const bool serves = std::any_of(plan_.jobs.begin(), plan_.jobs.end(), [this](const Job& job) {
    return twice_as_large(plan_.whole, job.scaled);
  });
  if (!serves) return;
  const Size picture = picture_.size;
  Raster whole =
      resample_planes(planes_, all_of(picture), plan_.whole, all_of(plan_.whole), kUpright);
  reduced_ = as_planes(std::move(whole), picture);
}

// Nothing is filtered twice that is not made much smaller.
const std::vector<Plane>& Renderer::planes_for(Size scaled, const Rect& part,
                                               int orientation) const {
  const bool derived =
      !reduced_.empty() && (twice_as_large(plan_.whole, scaled) ||
                            are_cut(reduced_, all_of(picture_.size), scaled, part, orientation));
  return derived ? reduced_ : planes_;
}

Raster Renderer::of_planes(Size scaled, const Rect& part) {
  const bool changes = needs_conversion(picture_.profile, picture_.kind.space);
  const int turn = changes ? kUpright : picture_.exif.orientation;  // chroma grows before that
  Raster raster =
      resample_planes(planes_for(scaled, part, turn), all_of(picture_.size), scaled, part, turn);
  if (!changes) return raster;
  return converted(raster.chroma.empty() ? std::move(raster) : interleaved(raster, raster.size));
}

// Every row is decoded, also where a crop needs only some: a file that ends early must be noticed.
Failure Renderer::decode() {
  const Clock::time_point start = Clock::now();
  Purpose purpose = plan_.purpose;
  purpose.ycc_will_do = only_jpeg();
  if (decode_planes(purpose)) {
    note_once(source_.decoder->notes());
    verdict_.decode_ms = ms_since(start);
    return {};
  }
  if (Failure fault = source_.decoder->begin(purpose, &rows_)) return fault;
  lasting_profile_ = may_keep_profile();
  set_up_resamplers();
  for (int y = 0; y < rows_.size.height; ++y) {
    const uint8_t* row = nullptr;
    if (Failure fault = source_.decoder->next(&row)) return fault;
    push(y, row);
  }
  note_once(source_.decoder->notes());
  take_rasters();
  usual_coding_ = has_usual_coding();
  verdict_.decode_ms = ms_since(start);
  return {};
}

Raster Renderer::converted(Raster raster) {
  if (rows_.in_srgb) return raster;
  if (needs_conversion(picture_.profile, picture_.kind.space)) raster = to_rgb(std::move(raster));
  std::vector<std::string> notes;
  Raster out = to_srgb(std::move(raster), picture_.profile, &notes);
  note_once(std::move(notes));
  return out;
}

void Renderer::note_once(std::vector<std::string> notes) {
  for (std::string& note : notes) {
    const auto known = std::find(verdict_.notes.begin(), verdict_.notes.end(), note);
    if (known == verdict_.notes.end()) verdict_.notes.push_back(std::move(note));
  }
}

// Whether what the source is coded as is what results are: one picture, upright, in sRGB of 8 bits
// or fewer, and nothing wrong with it.
bool Renderer::has_usual_coding() const {
  const bool one = picture_.pages == 1 && source_.container.frames == 1;
  const bool as_shown = picture_.exif.orientation == kUpright && !rows_.in_srgb &&
                        !needs_conversion(picture_.profile, picture_.kind.space);
  return one && as_shown && verdict_.notes.empty() && source_.decoder->is_flawless();
}

SourceFacts Renderer::facts_for(size_t index) const {
  const Job& job = plan_.jobs[index];
  SourceFacts facts = facts_;
  if (keeps_profile(index)) facts.profile = within_own_size(picture_.profile);
  const bool whole = job.shown.size() == picture_.size && job.scaled == picture_.size &&
                     job.placement.result == picture_.size;
  if (usual_coding_ && whole && leaves_coding_open(*job.rendition)) {
    facts.coding = source_.file.view();
  }
  return facts;
}

void Renderer::take_rasters() {
  if (whole_resampler_) whole_ = converted(whole_resampler_->take());
  for (size_t i = 0; i < resamplers_.size(); ++i) direct_.push_back(taken(i));
  if (whole_resampler_) return hash(whole_);
  if (hash_resampler_) return hash(converted(hash_resampler_->take()));
  if (keeps_profile(0)) return hash(converted(direct_.front()));
  hash(direct_.front());
}

// Light was in sRGB before it was averaged.
Raster Renderer::taken(size_t index) {
  if (!resamplers_[index]) return {};
  Raster raster = resamplers_[index]->resampler.take();
  const bool as_it_is = is_linear(index) || keeps_profile(index);
  return as_it_is ? std::move(raster) : converted(std::move(raster));
}

// Ink and what the decoder has brought to sRGB already are not kept, nor is a profile of which the
// colour engine makes nothing.
bool Renderer::may_keep_profile() const {
  const bool asked = std::any_of(plan_.jobs.begin(), plan_.jobs.end(), [](const Job& job) {
    return job.rendition->colours == Colours::keep;
  });
  return asked && !rows_.in_srgb && picture_.kind.space != Space::cmyk &&
         ColourTransform::by(picture_.profile, picture_.kind, 1) &&
         !within_own_size(picture_.profile).empty();
}

// WebP and AVIF have no grey that it could be of.
bool Renderer::writes_profile_of_grey(const Rendition& rendition) const {
  const auto has_grey = [&](bool transparent) {
    const Format format = chosen_format(rendition, facts_, transparent);
    return format == Format::jpeg || format == Format::png;
  };
  return has_grey(false) && has_grey(true);
}

bool Renderer::keeps_profile(size_t index) const {
  const Rendition& rendition = *plan_.jobs[index].rendition;
  return lasting_profile_ && rendition.colours == Colours::keep &&
         (picture_.kind.space != Space::grey || writes_profile_of_grey(rendition));
}

void Renderer::hash(const Raster& raster) {
  const Size size = fit_into(raster.size, kHashSidePx);
  const bool planes = !raster.chroma.empty();
  const Raster small = to_rgb(planes ? interleaved(raster, size) : scaled_to(raster, size));
  const auto hash = thumbhash(turn_upright(small, picture_.exif.orientation));
  verdict_.source.thumbhash = base64_encoded(as_text(hash));
}

Failure Renderer::find_and_cut(const Job& job, Raster looked_at, Raster* out) {
  const Raster upright = turn_upright(std::move(looked_at), picture_.exif.orientation);
  Rect found;
  if (Failure fault = find_part(job, upright, &found)) return fault;
  *out = cut_to_part(job, upright, found);
  return {};
}

Failure Renderer::pixels_of(size_t index, Raster* out) {
  const Job& job = plan_.jobs[index];
  const bool direct = job.from == Job::From::rows || !planes_.empty();
  if (job.placement.smart) {
    return find_and_cut(job, direct ? std::move(direct_[index]) : scaled_to(whole_, looked_at(job)),
                        out);
  }
  Raster pixels = !planes_.empty() && index > 0 ? of_planes(job.scaled, job.part)
                  : direct                      ? std::move(direct_[index])
                                                : part_of(whole_, job.scaled, job.part);
  *out = turn_upright(std::move(pixels), picture_.exif.orientation);
  return {};
}

Failure Renderer::write_result(size_t index, const SourceFacts& facts, int descriptor,
                               ResultReport* report, std::vector<std::string>* notes) {
  const Job& job = plan_.jobs[index];
  if (job.animated) {
    direct_[index] = {};
    return animate(job, source_, facts, descriptor, report, notes);
  }
  Raster pixels;
  if (Failure fault = pixels_of(index, &pixels)) return fault;
  return finish(*job.rendition, job.placement.result, std::move(pixels), facts, descriptor, report,
                notes);
}

Failure Renderer::write_all_results(std::span<const int> results,
                                    std::span<const Overlay> overlays) {
  size_t next_overlay = 0;
  for (size_t i = 0; i < plan_.jobs.size(); ++i) {
    const Job& job = plan_.jobs[i];
    SourceFacts facts = facts_for(i);
    if (!job.rendition->watermark.empty()) facts.overlay = &overlays[next_overlay++];
    ResultReport report;
    std::vector<std::string> notes;
    if (Failure fault = write_result(i, facts, results[i], &report, &notes)) return fault;
    note_once(std::move(notes));
    verdict_.results.push_back(std::move(report));
  }
  return {};
}

}  // namespace

Failure find_part(const Job& job, const Raster& upright, Rect* found) {
  const Placement& to = job.placement;
  // The sides of what is looked at were each rounded, so each has its own scale.
  const Size seen{scaled_down(to.part.width, upright.size.width, to.scaled.width),
                  scaled_down(to.part.height, upright.size.height, to.scaled.height)};
  return smart_crop(upright, seen, job.rendition->anchor, found);
}

Raster cut_to_part(const Job& job, const Raster& upright, const Rect& found) {
  return scaled_to(cut_out(upright, found), job.placement.part.size(), job.rendition->light);
}

Failure render_plan(const Plan& plan, Source* source, std::span<const int> results,
                    std::span<const Overlay> overlays, Verdict* verdict) {
  Renderer renderer(plan, source, verdict);
  if (Failure fault = renderer.decode()) return fault;
  return renderer.write_all_results(results, overlays);
}

Failure render_raster(const Plan& plan, Source* source, Raster* out) {
  Verdict unused;
  Renderer renderer(plan, source, &unused);
  if (Failure fault = renderer.decode()) return fault;
  return renderer.pixels_of(0, out);
}

Failure hash_source(const Plan& plan, Source* source, Verdict* verdict) {
  return Renderer(plan, source, verdict).decode();
}

}  // namespace imgq::image
