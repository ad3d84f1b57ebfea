// PNG (third edition): each row by the filter that leaves the least (chapter 12.7), or none of them
// where that makes a smaller file, as it does of drawings.
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "src/image/encode.h"
#include "src/image/strip.h"

namespace imgq::image {
namespace {

// Of libdeflate's levels, 0 to 12: nearly what zlib's 6 makes, in a quarter of its time.
constexpr int kLevel = 5;
// What tells whether to filter: one strip of rows in so many.
constexpr int kTrialLevel = 1, kStripRows = 8, kOneStripIn = 8;

// The bytes of a row, and of the pixels around each.
struct Neighbours {
  const uint8_t* row;
  const uint8_t* left;
  const uint8_t* above;
  const uint8_t* above_left;
};

// Into `out`, by what is predicted from left, above and above left. Returns how much is left of it:
// the sum of all differences.
template <class Predict>
uint32_t filter(const Neighbours& at, size_t count, Predict predict, uint8_t* out) {
  uint32_t left = 0;
  for (size_t i = 0; i < count; ++i) {
    const int16_t predicted = predict(at.left[i], at.above[i], at.above_left[i]);
    const auto difference = static_cast<uint8_t>(at.row[i] - predicted);
    out[i] = difference;
    left += std::min<uint8_t>(difference, static_cast<uint8_t>(-difference));
  }
  return left;
}

// What each filter predicts.
constexpr auto kNothing = [](int16_t, int16_t, int16_t) -> int16_t { return 0; };
constexpr auto kLeft = [](int16_t left, int16_t, int16_t) { return left; };
constexpr auto kAbove = [](int16_t, int16_t above, int16_t) { return above; };
constexpr auto kAverage = [](int16_t left, int16_t above, int16_t) {
  return static_cast<int16_t>((left + above) >> 1);
};
constexpr auto kPaeth = [](int16_t left, int16_t above, int16_t above_left) {
  const auto by_left = static_cast<int16_t>(std::abs(above - above_left));
  const auto by_above = static_cast<int16_t>(std::abs(left - above_left));
  const auto by_both = static_cast<int16_t>(std::abs(left + above - 2 * above_left));
  const int16_t least = std::min({by_left, by_above, by_both});
  return least == by_left ? left : least == by_above ? above : above_left;
};

// A row by each of the five filters, in the order of their numbers; the one that leaves the least
// comes out behind its number.
class RowFilter {
 public:
  explicit RowFilter(size_t row_bytes) : bytes_(row_bytes) {
    for (Buffer& one : filtered_) one.resize(row_bytes);
  }

  void put(const Neighbours& at, uint8_t* out) {
    const std::array<uint32_t, 5> left = {filter(at, bytes_, kNothing, filtered_[0].data()),
                                          filter(at, bytes_, kLeft, filtered_[1].data()),
                                          filter(at, bytes_, kAbove, filtered_[2].data()),
                                          filter(at, bytes_, kAverage, filtered_[3].data()),
                                          filter(at, bytes_, kPaeth, filtered_[4].data())};
    const auto best = std::min_element(left.begin(), left.end()) - left.begin();
    *out = static_cast<uint8_t>(best);
    std::copy(filtered_[static_cast<size_t>(best)].begin(),
              filtered_[static_cast<size_t>(best)].end(), out + 1);
  }

 private:
  size_t bytes_;
  std::array<Buffer, 5> filtered_;
};

Buffer filtered(const Raster& raster) {
  const size_t bytes = raster.row_bytes(), pixel = static_cast<size_t>(raster.kind.bands());
  Buffer out((bytes + 1) * static_cast<size_t>(raster.size.height));
  RowFilter rows(bytes);
  Buffer above(pixel + bytes), row(pixel + bytes);  // behind a pixel of zeros
  for (int y = 0; y < raster.size.height; ++y) {
    std::copy_n(raster.row(y), bytes, row.begin() + static_cast<ptrdiff_t>(pixel));
    rows.put({&row[pixel], row.data(), &above[pixel], above.data()},
             &out[static_cast<size_t>(y) * (bytes + 1)]);
    std::swap(above, row);
  }
  return out;
}

Buffer not_filtered(const Raster& raster) {
  const size_t bytes = raster.row_bytes();
  Buffer out((bytes + 1) * static_cast<size_t>(raster.size.height));  // behind a zero each
  for (int y = 0; y < raster.size.height; ++y)
    std::copy_n(raster.row(y), bytes, &out[static_cast<size_t>(y) * (bytes + 1) + 1]);
  return out;
}

Raster strips_of(const Raster& raster) {
  Raster out({raster.size.width, 0}, raster.kind);
  for (int y = 0; y < raster.size.height; ++y) {
    if (y / kStripRows % kOneStripIn != 0) continue;
    out.data.insert(out.data.end(), raster.row(y), raster.row(y) + raster.row_bytes());
    ++out.size.height;
  }
  return out;
}

struct Free {
  void operator()(libdeflate_compressor* one) const { libdeflate_free_compressor(one); }
};

// Nothing where there is no memory for it.
struct Deflated {
  std::unique_ptr<uint8_t[]> bytes;  // pages of it that are not needed are never touched
  size_t size = 0;
};

Deflated deflate(const Buffer& rows, int level) {
  const std::unique_ptr<libdeflate_compressor, Free> by(libdeflate_alloc_compressor(level));
  if (!by) return {};
  const size_t most = libdeflate_zlib_compress_bound(by.get(), rows.size());
  Deflated out{std::make_unique_for_overwrite<uint8_t[]>(most)};
  out.size = libdeflate_zlib_compress(by.get(), rows.data(), rows.size(), out.bytes.get(), most);
  return out;
}

// A filter makes more of what has few values, as drawings do.
bool wants_filter(const Raster& raster) {
  const Raster strips = strips_of(raster);
  return deflate(filtered(strips), kTrialLevel).size <
         deflate(not_filtered(strips), kTrialLevel).size;
}

// ITU-T and ISO/IEC 15948 number colour types by bits: 2 colour, 4 alpha.
uint8_t colour_type(PixelKind kind) {
  return static_cast<uint8_t>((kind.space == Space::grey ? 0 : 2) | (kind.alpha ? 4 : 0));
}

}  // namespace

Failure encode_png(const Raster& raster, const EncodeOptions& options, Buffer* out) {
  const Deflated made =
      deflate(wants_filter(raster) ? filtered(raster) : not_filtered(raster), kLevel);
  if (made.size == 0) return Fault{Code::out_of_memory, "out of memory"};
  *out = make_png(raster.size, colour_type(raster.kind), {made.bytes.get(), made.size},
                  write_exif(options.copyright), options.profile);
  return {};
}

}  // namespace imgq::image
