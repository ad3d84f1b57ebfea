#include "src/image/colour.h"

#include <lcms2.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>

#include "src/base/notes.h"
#include "src/image/icc.h"

namespace imgq::image {
namespace {

struct Close {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, Close>;

cmsUInt32Number pixel_type(PixelKind kind, int sample_bytes) {
  const int colours = PixelKind{kind.space, false}.bands();
  const int space = kind.space == Space::grey   ? PT_GRAY
                    : kind.space == Space::cmyk ? PT_CMYK
                                                : PT_RGB;
  return static_cast<cmsUInt32Number>(COLORSPACE_SH(space) | CHANNELS_SH(colours) |
                                      EXTRA_SH(kind.alpha ? 1 : 0) | BYTES_SH(sample_bytes));
}

Profile srgb_for(Space space) {
  if (space != Space::grey) return Profile(cmsCreate_sRGBProfile());
  constexpr std::array<cmsFloat64Number, 5> kCurve{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92,
                                                   0.04045};
  cmsToneCurve* curve = cmsBuildParametricToneCurve(nullptr, 4, kCurve.data());
  Profile profile(cmsCreateGrayProfile(cmsD50_xyY(), curve));
  cmsFreeToneCurve(curve);
  return profile;
}

View general_ink() {
  static VipsBlob* const blob = [] {
    VipsBlob* loaded = nullptr;
    (void)vips_profile_load("cmyk", &loaded, nullptr);
    return loaded;
  }();
  if (blob == nullptr) return {};
  size_t size = 0;
  const void* data = vips_blob_get(blob, &size);
  return {static_cast<const uint8_t*>(data), size};
}

}  // namespace

bool needs_conversion(View profile, Space space) {
  if (space == Space::cmyk) return true;
  return profile_fits(profile, space) && !is_srgb(profile);
}

void ColourTransform::Delete::operator()(void* transform) const { cmsDeleteTransform(transform); }

std::optional<ColourTransform> ColourTransform::by(View profile, PixelKind kind, int sample_bytes) {
  if (!profile_fits(profile, kind.space)) return std::nullopt;
  const Profile from(
      cmsOpenProfileFromMem(profile.data(), static_cast<cmsUInt32Number>(profile.size())));
  const PixelKind light{kind.space == Space::grey ? Space::grey : Space::rgb, kind.alpha};
  const Profile to = srgb_for(light.space);
  if (!from || !to) return std::nullopt;
  void* transform = cmsCreateTransform(from.get(), pixel_type(kind, sample_bytes), to.get(),
                                       pixel_type(light, 1), INTENT_RELATIVE_COLORIMETRIC,
                                       cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_COPY_ALPHA);
  if (transform == nullptr) return std::nullopt;
  return ColourTransform(transform, light);
}

std::optional<ColourTransform> ColourTransform::of_ink(bool alpha, int sample_bytes) {
  return by(general_ink(), {Space::cmyk, alpha}, sample_bytes);
}

void ColourTransform::row(const void* from, uint8_t* to, int width) const {
  cmsDoTransform(transform_.get(), from, to, static_cast<cmsUInt32Number>(width));
}

SrgbRows::SrgbRows(int width, PixelKind kind, View profile, std::vector<std::string>* notes)
    : width_(width), kind_(kind) {
  if (!profile.empty() && !(kind.space == Space::rgb && is_srgb(profile))) {
    transform_ = ColourTransform::by(profile, kind, 1);
    if (!transform_) notes->emplace_back(note::kProfile);
  }
  if (!transform_ && kind.space == Space::cmyk) transform_ = ColourTransform::of_ink(kind.alpha, 1);
  blank_ = !transform_ && kind.space == Space::cmyk;
  if (blank_) notes->emplace_back(note::kInk);
  if (transform_) kind_ = transform_->kind();
  if (blank_) kind_ = {Space::rgb, false};
}

void SrgbRows::put(const uint8_t* row, uint8_t* to) const {
  if (transform_) return transform_->row(row, to, width_);
  if (blank_) {
    std::fill_n(to, samples_of(width_, kind_.bands()), uint8_t{255});
  } else {
    std::copy_n(row, samples_of(width_, kind_.bands()), to);
  }
}

const uint8_t* SrgbRows::of(const uint8_t* row) {
  if (as_they_are()) return row;
  row_.resize(samples_of(width_, kind_.bands()));
  put(row, row_.data());
  return row_.data();
}

Raster to_srgb(Raster from, View profile, std::vector<std::string>* notes) {
  const SrgbRows rows(from.size.width, from.kind, profile, notes);
  if (rows.as_they_are()) return from;
  Raster out(from.size, rows.kind());
  for (int y = 0; y < from.size.height; ++y) rows.put(from.row(y), out.row(y));
  return out;
}

}  // namespace imgq::image
