#include "src/image/thumbhash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace imgq::image {
namespace {

// Planes of one picture, each value at y * width + x.
struct Planes {
  int width, height;
  bool has_alpha;
  std::vector<double> light, yellow_blue, red_green, alpha;
};

// A plane's lowest frequencies: the mean, the rest scaled to 0..1, and that scale.
struct Channel {
  double dc = 0, scale = 0;
  std::vector<double> ac;
};

struct Pixel {
  double red, green, blue, alpha;  // 0..1
};

constexpr std::array<double, 256> shares_of_255() {
  std::array<double, 256> out{};
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(i) / 255;
  return out;
}
constexpr std::array<double, 256> kShares = shares_of_255();

Pixel pixel_at(const Raster& raster, size_t index) {
  const bool grey = raster.kind.space == Space::grey;
  const uint8_t* p = raster.data.data() + index * static_cast<size_t>(raster.kind.bands());
  const double alpha = raster.kind.alpha ? kShares[p[grey ? 1 : 3]] : 1;
  return {kShares[p[0]], kShares[p[grey ? 0 : 1]], kShares[p[grey ? 0 : 2]], alpha};
}

Pixel mean_colour(const Raster& raster, size_t count) {
  Pixel sum{};
  for (size_t i = 0; i < count; ++i) {
    const Pixel p = pixel_at(raster, i);
    sum.red += p.alpha * p.red;
    sum.green += p.alpha * p.green;
    sum.blue += p.alpha * p.blue;
    sum.alpha += p.alpha;
  }
  if (sum.alpha > 0) {
    sum.red /= sum.alpha;
    sum.green /= sum.alpha;
    sum.blue /= sum.alpha;
  }
  return sum;
}

// What is transparent shows the mean colour.
Planes planes_of(const Raster& raster) {
  const auto count =
      static_cast<size_t>(raster.size.width) * static_cast<size_t>(raster.size.height);
  const Pixel mean =
      raster.kind.alpha ? mean_colour(raster, count) : Pixel{0, 0, 0, static_cast<double>(count)};
  Planes out{raster.size.width,
             raster.size.height,
             mean.alpha < static_cast<double>(count),
             std::vector<double>(count),
             std::vector<double>(count),
             std::vector<double>(count),
             std::vector<double>(count)};
  for (size_t i = 0; i < count; ++i) {
    const Pixel p = pixel_at(raster, i);
    const double under = 1 - p.alpha;
    const double r = mean.red * under + p.alpha * p.red;
    const double g = mean.green * under + p.alpha * p.green;
    const double b = mean.blue * under + p.alpha * p.blue;
    out.light[i] = (r + g + b) / 3;
    out.yellow_blue[i] = (r + g) / 2 - b;
    out.red_green[i] = r - g;
    out.alpha[i] = p.alpha;
  }
  return out;
}

std::vector<double> cosines(int frequency, int count) {
  std::vector<double> out(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    out[static_cast<size_t>(i)] = std::cos(std::numbers::pi / count * frequency * (i + 0.5));
  }
  return out;
}

constexpr size_t kMostWaves = 8;  // of a side: one more than are used, for whole vectors

// The plane's rows, each reduced to its share of each horizontal frequency.
std::vector<std::vector<double>> across(const std::vector<double>& plane, int width, int height,
                                        int frequencies) {
  std::vector<std::array<double, kMostWaves>> waves(static_cast<size_t>(width));
  for (int f = 0; f < frequencies; ++f) {
    const std::vector<double> wave = cosines(f, width);
    for (size_t x = 0; x < wave.size(); ++x) waves[x][static_cast<size_t>(f)] = wave[x];
  }
  std::vector<std::vector<double>> out(static_cast<size_t>(frequencies));
  const double* value = plane.data();
  for (int y = 0; y < height; ++y) {
    std::array<double, kMostWaves> sums{};
    for (const auto& wave : waves) {
      const double v = *value++;
      for (size_t f = 0; f < kMostWaves; ++f) sums[f] += v * wave[f];
    }
    for (size_t f = 0; f < out.size(); ++f) out[f].push_back(sums[f]);
  }
  return out;
}

double down(const std::vector<double>& rows, int frequency) {
  const std::vector<double> wave = cosines(frequency, static_cast<int>(rows.size()));
  double sum = 0;
  for (size_t y = 0; y < rows.size(); ++y) sum += rows[y] * wave[y];
  return sum;
}

// The frequencies of the triangle cx / nx + cy / ny < 1, row by row.
Channel encode_channel(const Planes& size, const std::vector<double>& plane, int nx, int ny) {
  const auto columns = across(plane, size.width, size.height, nx);
  Channel out;
  for (int cy = 0; cy < ny; ++cy) {
    for (int cx = 0; cx * ny < nx * (ny - cy); ++cx) {
      const double f = down(columns[static_cast<size_t>(cx)], cy) / (size.width * size.height);
      if (cx == 0 && cy == 0) {
        out.dc = f;
        continue;
      }
      out.ac.push_back(f);
      out.scale = std::max(out.scale, std::abs(f));
    }
  }
  constexpr double kNothing = 1e-9;  // what rounding leaves of a flat plane
  for (double& f : out.ac) f = out.scale > kNothing ? 0.5 + 0.5 / out.scale * f : 0;
  return out;
}

uint32_t rounded(double value) { return static_cast<uint32_t>(std::floor(value + 0.5)); }

// Numbers of four bits, two a byte, the low half first.
void put_nibbles(const Channel& channel, size_t* count, std::vector<uint8_t>* hash) {
  for (const double f : channel.ac) {
    const uint32_t value = rounded(15 * f);
    if (*count % 2 == 0) {
      hash->push_back(static_cast<uint8_t>(value));
    } else {
      hash->back() = static_cast<uint8_t>(hash->back() | value << 4);
    }
    ++*count;
  }
}

void put_bytes(uint32_t value, int bytes, std::vector<uint8_t>* hash) {
  for (int i = 0; i < bytes; ++i) hash->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

int share_of(int limit, int side, int longest) {
  return std::max(1, static_cast<int>(rounded(static_cast<double>(limit) * side / longest)));
}

}  // namespace

std::vector<uint8_t> thumbhash(const Raster& raster) {
  const Planes p = planes_of(raster);
  const int longest = std::max(p.width, p.height), limit = p.has_alpha ? 5 : 7;
  const int lx = share_of(limit, p.width, longest), ly = share_of(limit, p.height, longest);
  const Channel l = encode_channel(p, p.light, std::max(3, lx), std::max(3, ly));
  const Channel yb = encode_channel(p, p.yellow_blue, 3, 3),
                rg = encode_channel(p, p.red_green, 3, 3);
  const bool landscape = p.width > p.height;
  std::vector<uint8_t> hash;
  put_bytes(rounded(63 * l.dc) | rounded(31.5 + 31.5 * yb.dc) << 6 |
                rounded(31.5 + 31.5 * rg.dc) << 12 | rounded(31 * l.scale) << 18 |
                (p.has_alpha ? 1U << 23 : 0),
            3, &hash);
  put_bytes(static_cast<uint32_t>(landscape ? ly : lx) | rounded(63 * yb.scale) << 3 |
                rounded(63 * rg.scale) << 9 | (landscape ? 1U << 15 : 0),
            2, &hash);
  size_t nibbles = 0;
  if (!p.has_alpha) {
    for (const Channel* c : {&l, &yb, &rg}) put_nibbles(*c, &nibbles, &hash);
    return hash;
  }
  const Channel a = encode_channel(p, p.alpha, 5, 5);
  put_bytes(rounded(15 * a.dc) | rounded(15 * a.scale) << 4, 1, &hash);
  for (const Channel* c : {&l, &yb, &rg, &a}) put_nibbles(*c, &nibbles, &hash);
  return hash;
}

}  // namespace imgq::image
