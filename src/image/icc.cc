#include "src/image/icc.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace imgq::image {
namespace {

using std::string_view;
using namespace std::string_view_literals;

constexpr size_t kHeaderBytes = 128, kTagBytes = 12, kMaxTags = 200, kMaxNameBytes = 200;
constexpr size_t kMaxBytes = size_t{255} * 65519;  // a JPEG's; tables of printers have 4 MiB

// What goes before primaries and curves.
constexpr std::array kTables{"A2B0"sv, "A2B1"sv, "A2B2"sv, "D2B0"sv, "D2B1"sv, "D2B2"sv, "D2B3"sv};

double fixed16(View v, size_t at) { return static_cast<int32_t>(be32(v, at)) / 65536.0; }

// The data of a tag; empty when it is not there or not inside the profile.
View tag(View profile, string_view name) {
  if (profile.size() < kHeaderBytes + 4) return {};
  const size_t count = std::min<size_t>(be32(profile, kHeaderBytes), kMaxTags);
  for (size_t i = 0; i < count; ++i) {
    const size_t at = kHeaderBytes + 4 + i * kTagBytes;
    if (at + kTagBytes > profile.size()) break;
    const size_t start = be32(profile, at + 4), size = be32(profile, at + 8);
    if (!has(profile, at, name)) continue;
    if (start > profile.size() || profile.size() - start < size) return {};
    return profile.subspan(start, size);
  }
  return {};
}

struct Xyz {
  double x, y, z;
};

// sRGB's primaries adapted to D50, as every sRGB profile has them to within rounding.
constexpr Xyz kRed{0.4361, 0.2225, 0.0139}, kGreen{0.3851, 0.7169, 0.0971},
    kBlue{0.1431, 0.0606, 0.7141};

bool is_primary(View data, const Xyz& wanted) {
  constexpr double kNear = 0.002;
  if (data.size() < 20 || !has(data, 0, "XYZ ")) return false;
  return std::abs(fixed16(data, 8) - wanted.x) < kNear &&
         std::abs(fixed16(data, 12) - wanted.y) < kNear &&
         std::abs(fixed16(data, 16) - wanted.z) < kNear;
}

// A parametric curve of type 3 (a power with a linear toe), or a table.
class Curve {
 public:
  explicit Curve(View data) : data_(data) {
    if (has(data, 0, "para") && data.size() >= 32) type_ = static_cast<int>(be16(data, 8));
    if (has(data, 0, "curv") && data.size() >= 12) points_ = be32(data, 8);
    if (points_ > (data.size() - std::min<size_t>(data.size(), 12)) / 2) points_ = 0;
  }
  bool usable() const { return type_ == 3 || points_ >= 16; }
  double at(double v) const { return points_ > 0 ? from_table(v) : from_parameters(v); }

 private:
  double from_table(double v) const {
    const double place = v * static_cast<double>(points_ - 1);
    const auto low = std::min(static_cast<size_t>(place), points_ - 2);
    const double a = be16(data_, 12 + 2 * low), b = be16(data_, 14 + 2 * low);
    return (a + (b - a) * (place - static_cast<double>(low))) / 65535;
  }
  double from_parameters(double v) const {
    const double g = fixed16(data_, 12), a = fixed16(data_, 16), b = fixed16(data_, 20),
                 c = fixed16(data_, 24), d = fixed16(data_, 28);
    return v >= d ? std::pow(std::max(0.0, a * v + b), g) : c * v;
  }

  View data_;
  int type_ = -1;
  size_t points_ = 0;
};

bool is_srgb_curve(View data) {
  const Curve curve(data);
  if (!curve.usable()) return false;
  for (int i = 0; i <= 64; ++i) {
    const double v = i / 64.0;
    if (std::abs(curve.at(v) - srgb_light(v)) > 0.003) return false;
  }
  return true;
}

// A pipeline of elements, each of which the colour engine sets up, may name the same one again and
// again: real ones have six.
bool is_short(View pipeline) {
  constexpr size_t kMaxElements = 32;
  return !has(pipeline, 0, "mpet") || (pipeline.size() >= 16 && be32(pipeline, 12) <= kMaxElements);
}

// The start of it: some calibration tools describe themselves at length.
std::string printable(View bytes) {
  std::string out;
  for (const uint8_t c : bytes) {
    if (out.size() == kMaxNameBytes) break;
    if (c >= 0x20 && c < 0x7f) out.push_back(static_cast<char>(c));
  }
  return out;
}

}  // namespace

double srgb_light(double value) {
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

double srgb_value(double light) {
  return light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
}

bool profile_fits(View profile, Space space) {
  if (profile.size() < kHeaderBytes + 4 || profile.size() > kMaxBytes) return false;
  if (!has(profile, 36, "acsp")) return false;
  const string_view name = space == Space::grey ? "GRAY" : space == Space::cmyk ? "CMYK" : "RGB ";
  if (!has(profile, 16, name)) return false;
  const std::array kClasses{"mntr"sv, "scnr"sv, "prtr"sv, "spac"sv};
  const auto stands = [profile](string_view one) { return has(profile, 12, one); };
  if (std::none_of(kClasses.begin(), kClasses.end(), stands)) return false;
  return std::all_of(kTables.begin(), kTables.end(),
                     [profile](string_view table) { return is_short(tag(profile, table)); });
}

bool is_srgb(View profile) {
  if (!profile_fits(profile, Space::rgb)) return false;
  const bool tables = std::any_of(kTables.begin(), kTables.end(), [profile](string_view table) {
    return !tag(profile, table).empty();
  });
  return !tables && is_primary(tag(profile, "rXYZ"), kRed) &&
         is_primary(tag(profile, "gXYZ"), kGreen) && is_primary(tag(profile, "bXYZ"), kBlue) &&
         is_srgb_curve(tag(profile, "rTRC")) && is_srgb_curve(tag(profile, "gTRC")) &&
         is_srgb_curve(tag(profile, "bTRC"));
}

View within_own_size(View profile) {
  const size_t size = be32(profile, 0);
  return size <= profile.size() ? profile.first(size) : View();
}

std::string profile_name(View profile) {
  const View text = tag(profile, "desc");
  if (has(text, 0, "desc") && text.size() > 12) {
    const size_t size = std::min<size_t>(be32(text, 8), text.size() - 12);
    return printable(text.subspan(12, size));
  }
  if (has(text, 0, "mluc") && text.size() >= 28) {
    const size_t size = be32(text, 20), start = be32(text, 24);
    if (start > text.size() || text.size() - start < size) return {};
    return printable(text.subspan(start, size));  // UTF-16: its zero bytes fall out
  }
  return {};
}

}  // namespace imgq::image
