#include "src/image/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "src/image/convolve.h"
#include "src/image/icc.h"
#include "src/image/kernel.h"

namespace imgq::image {
namespace {

constexpr double kLeastReduction = 4;  // what is left to the filter after averaging squares

int squares_for(double step) { return std::max(1, static_cast<int>(step / kLeastReduction)); }

Axis in_squares(Axis axis, int squares) {
  return {axis.start / squares, axis.step / squares, axis.count};
}

// The input positions that any result position looks at.
struct Reach {
  int first = 0, count = 0;
};

Reach reach_of(const std::vector<Taps>& taps) {
  int first = taps.front().first, last = 0;
  for (const Taps& t : taps) {
    first = std::min(first, t.first);
    last = std::max(last, t.first + static_cast<int>(t.weights.size()));
  }
  return {first, last - first};
}

// Rows that must be kept at once: from the first that a result row still needs to the last that
// had come when the result row before it could be made.
size_t rows_kept(const std::vector<Taps>& taps) {
  int most = 0, come = 0;
  for (const Taps& t : taps) {
    come = std::max(come, t.first + static_cast<int>(t.weights.size()));
    most = std::max(most, come - t.first);
  }
  return static_cast<size_t>(most);
}

// Samples of sRGB and middle samples, as they stand or of their light (IEC 61966-2-1): black is 0
// and white kMost either way.
class MiddleScale {
 public:
  static constexpr int kMost = 255 << kMiddleBits;

  explicit MiddleScale(Light light) : linear_(light == Light::linear) {
    for (int i = 0; i < 256; ++i) {
      const double value = linear_ ? srgb_light(i / 255.0) : i / 255.0;
      to_middle_[static_cast<size_t>(i)] = static_cast<int16_t>(std::lround(value * kMost));
    }
    for (int i = 0; linear_ && i <= kMost; ++i) {
      const double value = srgb_value(static_cast<double>(i) / kMost);
      from_light_.push_back(static_cast<uint8_t>(std::lround(255 * value)));
    }
  }
  // Each is made when it is first needed.
  static const MiddleScale& of(Light light) {
    if (light == Light::linear) {
      static const MiddleScale linear(Light::linear);
      return linear;
    }
    static const MiddleScale stored(Light::as_stored);
    return stored;
  }

  int16_t middle(uint8_t sample) const { return to_middle_[sample]; }
  uint8_t sample_of_light(int64_t middle) const {
    return from_light_[static_cast<size_t>(std::clamp<int64_t>(middle, 0, kMost))];
  }

  // Of a part of white.
  uint8_t sample_of(double part) const {
    if (linear_) return sample_of_light(std::llround(part * kMost));
    return static_cast<uint8_t>(std::clamp(std::lround(part * 255), 0L, 255L));
  }

 private:
  bool linear_;
  std::array<int16_t, 256> to_middle_{};
  std::vector<uint8_t> from_light_;
};

// As middle samples, colours times alpha where there is one.
void widen(const uint8_t* from, size_t pixels, PixelKind kind, const MiddleScale& scale,
           int16_t* to) {
  const int bands = kind.bands(), colours = bands - (kind.alpha ? 1 : 0);
  for (size_t i = 0; i < pixels; ++i, from += bands, to += bands) {
    for (int b = 0; b < colours; ++b) to[b] = scale.middle(from[b]);
    if (!kind.alpha) continue;
    const int alpha = from[colours];
    for (int b = 0; b < colours; ++b) to[b] = static_cast<int16_t>((to[b] * alpha + 127) / 255);
    to[colours] = static_cast<int16_t>(alpha << kMiddleBits);
  }
}

constexpr int kSumBits = kWeightBits + kMiddleBits;

uint8_t byte_of(int32_t sum) {
  return static_cast<uint8_t>(std::clamp((sum + (1 << (kSumBits - 1))) >> kSumBits, 0, 255));
}

void plain_pixels(const int32_t* sums, size_t samples, uint8_t* out) {
  for (size_t i = 0; i < samples; ++i) out[i] = byte_of(sums[i]);
}

void light_pixels(const int32_t* sums, size_t samples, const MiddleScale& scale, uint8_t* out) {
  constexpr int32_t kHalf = 1 << (kWeightBits - 1);
  for (size_t i = 0; i < samples; ++i)
    out[i] = scale.sample_of_light((sums[i] + kHalf) >> kWeightBits);
}

void unpremultiplied_pixels(const int32_t* sums, int pixels, int bands, const MiddleScale& scale,
                            uint8_t* out) {
  for (int i = 0; i < pixels; ++i, sums += bands, out += bands) {
    const uint8_t alpha = byte_of(sums[bands - 1]);
    out[bands - 1] = alpha;
    for (int b = 0; b + 1 < bands; ++b) {
      out[b] = alpha == 0 ? 0 : scale.sample_of(static_cast<double>(sums[b]) / sums[bands - 1]);
    }
  }
}

}  // namespace

class Resampler::State {
 public:
  State(Size input, PixelKind kind, const Window& window, Light light);
  void push(const uint8_t* row);
  Raster take();

 private:
  template <class Sample>
  void keep(const Sample* row);
  void keep_squares(const uint8_t* row);
  void end_squares();
  template <class Sample>
  void emit(const std::vector<Sample>& ring);
  void emit_ready();
  void finish_row(int y);

  int bands_;
  Light light_;
  const MiddleScale& scale_;
  bool widened_;  // rows become middle samples as they come: alpha or light
  bool wide_;     // rows are kept as middle samples, not bytes: those, or squares
  Size input_;
  int squares_x_, squares_y_;
  TapsOfAxis taps_y_;
  ColumnTaps taps_x_;
  Reach reach_;         // columns, in squares
  size_t row_samples_;  // of the reach
  size_t ring_rows_;
  std::vector<uint8_t> ring8_;
  std::vector<int16_t> ring16_, wide_row_, middle_;
  std::vector<int32_t> square_sums_;  // of the pixels under the reach
  std::vector<int32_t> sums_;
  int pushed_ = 0;  // rows of squares
  int in_square_ = 0, seen_ = 0;
  int next_ = 0;  // result row
  Raster out_;
};

Resampler::State::State(Size input, PixelKind kind, const Window& window, Light light)
    : bands_(kind.bands()),
      light_(light),
      scale_(MiddleScale::of(light)),
      widened_(kind.alpha || light == Light::linear),
      input_(input),
      squares_x_(squares_for(window.x.step)),
      squares_y_(squares_for(window.y.step)),
      out_({window.x.count, window.y.count}, kind) {
  const Size grid{divided_up(input.width, squares_x_), divided_up(input.height, squares_y_)};
  const TapsOfAxis taps_x = lanczos_taps(in_squares(window.x, squares_x_), grid.width);
  reach_ = reach_of(*taps_x);
  taps_x_ = ColumnTaps(*taps_x, reach_.first, bands_);
  taps_y_ = lanczos_taps(in_squares(window.y, squares_y_), grid.height);
  row_samples_ = samples_of(reach_.count, bands_);
  ring_rows_ = rows_kept(*taps_y_);
  wide_ = widened_ || squares_x_ > 1 || squares_y_ > 1;
  (wide_ ? ring16_.resize(ring_rows_ * row_samples_) : ring8_.resize(ring_rows_ * row_samples_));
  if (widened_) wide_row_.resize(samples_of(input.width, bands_));
  if (squares_x_ > 1 || squares_y_ > 1) {
    const int last = std::min((reach_.first + reach_.count) * squares_x_, input.width);
    square_sums_.resize(samples_of(last - reach_.first * squares_x_, bands_));
  }
  middle_.resize(taps_x_.row_samples(bands_));
  sums_.resize(out_.row_bytes());
}

template <class Sample>
void Resampler::State::keep(const Sample* row) {
  const size_t slot = static_cast<size_t>(pushed_) % ring_rows_ * row_samples_;
  const Sample* from = row + static_cast<ptrdiff_t>(reach_.first) * bands_;
  if constexpr (sizeof(Sample) == 1) {
    std::memcpy(ring8_.data() + slot, from, row_samples_);
  } else {
    std::memcpy(ring16_.data() + slot, from, row_samples_ * sizeof(Sample));
  }
  ++pushed_;
}

template <class Sample>
void add_row(const Sample* row, size_t count, int32_t* sums) {
  for (size_t i = 0; i < count; ++i) sums[i] += row[i];
}

// Rows are summed as they come; with the last of a row of squares its columns are. The last
// squares of either side may be narrower.
void Resampler::State::keep_squares(const uint8_t* row) {
  const size_t from = samples_of(reach_.first * squares_x_, bands_);
  if (widened_) {
    widen(row, static_cast<size_t>(input_.width), out_.kind, scale_, wide_row_.data());
    add_row(wide_row_.data() + from, square_sums_.size(), square_sums_.data());
  } else {
    add_row(row + from, square_sums_.size(), square_sums_.data());
  }
  ++in_square_;
  ++seen_;
  if (in_square_ == squares_y_ || seen_ == input_.height) end_squares();
}

void Resampler::State::end_squares() {
  int16_t* to = ring16_.data() + static_cast<size_t>(pushed_) % ring_rows_ * row_samples_;
  const int fraction = widened_ ? 0 : kMiddleBits;
  const int pixels = static_cast<int>(square_sums_.size()) / bands_;
  for (int first = 0; first < pixels; first += squares_x_) {
    const int across = std::min(squares_x_, pixels - first), area = across * in_square_;
    for (int b = 0; b < bands_; ++b, ++to) {
      int64_t sum = area / 2;
      for (int i = 0; i < across; ++i) {
        sum += int64_t{square_sums_[samples_of(first + i, bands_) + static_cast<size_t>(b)]}
               << fraction;
      }
      *to = static_cast<int16_t>(sum / area);
    }
  }
  std::fill(square_sums_.begin(), square_sums_.end(), 0);
  in_square_ = 0;
  ++pushed_;
}

void Resampler::State::push(const uint8_t* row) {
  if (next_ == out_.size.height) return;
  if (!square_sums_.empty()) {
    keep_squares(row);
  } else if (wide_) {
    widen(row, static_cast<size_t>(input_.width), out_.kind, scale_, wide_row_.data());
    keep(wide_row_.data());
  } else {
    keep(row);
  }
  emit_ready();
}

void Resampler::State::emit_ready() {
  while (next_ < out_.size.height) {
    const Taps& taps = (*taps_y_)[static_cast<size_t>(next_)];
    if (taps.first + static_cast<int>(taps.weights.size()) > pushed_) return;
    wide_ ? emit(ring16_) : emit(ring8_);
    finish_row(next_++);
  }
}

template <class Sample>
void Resampler::State::emit(const std::vector<Sample>& ring) {
  const Taps& taps = (*taps_y_)[static_cast<size_t>(next_)];
  std::vector<const Sample*> rows(taps.weights.size());
  for (size_t k = 0; k < rows.size(); ++k) {
    rows[k] = ring.data() + (static_cast<size_t>(taps.first) + k) % ring_rows_ * row_samples_;
  }
  convolve_rows(rows.data(), taps.weights.data(), rows.size(), middle_.data(), row_samples_);
}

void Resampler::State::finish_row(int y) {
  convolve_columns(middle_.data(), taps_x_, bands_, sums_.data());
  if (out_.kind.alpha) {
    unpremultiplied_pixels(sums_.data(), out_.size.width, bands_, scale_, out_.row(y));
  } else if (light_ == Light::linear) {
    light_pixels(sums_.data(), out_.row_bytes(), scale_, out_.row(y));
  } else {
    plain_pixels(sums_.data(), out_.row_bytes(), out_.row(y));
  }
}

Raster Resampler::State::take() { return std::move(out_); }

Resampler::Resampler(Size input, PixelKind kind, const Window& window, Light light)
    : state_(std::make_unique<State>(input, kind, window, light)) {}
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;
Resampler::~Resampler() = default;

void Resampler::push(const uint8_t* row) { state_->push(row); }
Raster Resampler::take() { return state_->take(); }

Raster resample(const Raster& from, const Window& window, Light light) {
  Resampler resampler(from.size, from.kind, window, light);
  for (int y = 0; y < from.size.height; ++y) resampler.push(from.row(y));
  return resampler.take();
}

int64_t resampler_bytes(Size input, PixelKind kind, const Window& window) {
  const int64_t row = int64_t{divided_up(input.width, squares_for(window.x.step))} * kind.bands();
  const double step = std::max(1.0, window.y.step / squares_for(window.y.step));
  const auto ring = static_cast<int64_t>(std::ceil(6 * step) + 2);
  const int64_t rows = row * (2 * ring + 6) + int64_t{input.width} * kind.bands() * 2;
  return rows + int64_t{window.x.count} * window.y.count * kind.bands();
}

}  // namespace imgq::image
