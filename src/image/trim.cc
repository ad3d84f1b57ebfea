#include "src/image/trim.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace imgq::image {
namespace {

// Of 255, in each band: what vipsthumbnail and sharp take for the same colour, too, when not told.
constexpr int kNearly = 10;

using Samples = std::vector<uint8_t>;

// The least and the greatest sample of each band along a line.
struct Spread {
  Samples least, most;
  explicit Spread(size_t samples) : least(samples, 255), most(samples, 0) {}
  void add(size_t at, uint8_t sample) {
    least[at] = std::min(least[at], sample);
    most[at] = std::max(most[at], sample);
  }
};

// What cannot be seen has no colour: colour counts as much as it covers.
void cover(std::span<uint8_t> row, size_t bands) {
  for (size_t at = 0; at < row.size(); at += bands) {
    const int alpha = row[at + bands - 1];
    for (size_t band = 0; band + 1 < bands; ++band) {
      row[at + band] = static_cast<uint8_t>((row[at + band] * alpha + 127) / 255);
    }
  }
}

// The spreads of all rows and all columns, which tell of any colour afterwards where it ends: of a
// picture that is turned the corner may be in the last row.
class Edges {
 public:
  Edges(Size size, PixelKind kind)
      : size_(size),
        bands_(static_cast<size_t>(kind.bands())),
        alpha_(kind.alpha),
        rows_(samples_of(size.height, kind.bands())),
        columns_(samples_of(size.width, kind.bands())) {}

  void add(int y, const uint8_t* row) {
    current_.assign(row, row + columns_.least.size());
    if (alpha_) cover(current_, bands_);
    const size_t line = static_cast<size_t>(y) * bands_;
    for (size_t at = 0; at < current_.size(); ++at) columns_.add(at, current_[at]);
    for (size_t at = 0; at < current_.size(); at += bands_) {
      for (size_t band = 0; band < bands_; ++band) rows_.add(line + band, current_[at + band]);
    }
    if (y == 0) first_ = current_;
  }

  // After the last row.
  Rect inner(int orientation) const {
    const Rect corner = as_stored({0, 0, 1, 1}, size_, orientation);
    const Samples& row = corner.top == 0 ? first_ : current_;
    const std::span<const uint8_t> colour{row.data() + samples_of(corner.left, int(bands_)),
                                          bands_};
    const auto [top, bottom] = between(rows_, size_.height, colour);
    const auto [left, right] = between(columns_, size_.width, colour);
    if (top == bottom) return all_of(size_);
    return {left, top, right - left, bottom - top};
  }

 private:
  bool is_border(const Spread& lines, int line, std::span<const uint8_t> colour) const {
    const size_t at = static_cast<size_t>(line) * bands_;
    for (size_t band = 0; band < bands_; ++band) {
      if (colour[band] - lines.least[at + band] > kNearly) return false;
      if (lines.most[at + band] - colour[band] > kNearly) return false;
    }
    return true;
  }

  struct Range {
    int from, to;
  };
  Range between(const Spread& lines, int count, std::span<const uint8_t> colour) const {
    int from = 0, to = count;
    while (from < to && is_border(lines, from, colour)) ++from;
    while (to > from && is_border(lines, to - 1, colour)) --to;
    return {from, to};
  }

  Size size_;
  size_t bands_;
  bool alpha_;
  Spread rows_, columns_;
  Samples first_, current_;
};

}  // namespace

Failure find_inner(Decoder* decoder, Rect* inner) {
  const Picture& picture = decoder->picture();
  Decoder::Output rows;
  if (Failure fault = decoder->begin({picture.size, false}, &rows)) return fault;
  Edges edges(rows.size, rows.kind);
  for (int y = 0; y < rows.size.height; ++y) {
    const uint8_t* row = nullptr;
    if (Failure fault = decoder->next(&row)) return fault;
    edges.add(y, row);
  }
  *inner = edges.inner(picture.exif.orientation);
  return {};
}

}  // namespace imgq::image
