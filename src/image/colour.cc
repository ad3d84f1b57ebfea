#include "src/image/colour.h"

#include <vips/vips.h>

#include <utility>

#include "src/image/icc.h"

namespace imgq::image {
namespace {

constexpr const char* kIgnored = "unusable colour profile ignored";

VipsRef bands_of(const VipsRef& in, int first, int count) {
  VipsImage* out = nullptr;
  (void)vips_extract_band(in.get(), &out, first, "n", count, nullptr);  // empty when it failed
  return VipsRef(out);
}

// The depth is said: without it libvips 8.16 gives 16 bits for 16, where 8.14 gave 8.
VipsRef transformed(const VipsRef& in, const char* input_profile) {
  VipsImage* out = nullptr;
  if (input_profile != nullptr) {
    (void)vips_icc_transform(in.get(), &out, "srgb", "input_profile", input_profile, "embedded",
                             FALSE, "intent", VIPS_INTENT_RELATIVE, "black_point_compensation",
                             TRUE, "depth", 8, nullptr);
  } else {
    (void)vips_icc_transform(in.get(), &out, "srgb", "embedded", TRUE, "intent",
                             VIPS_INTENT_RELATIVE, "black_point_compensation", TRUE, "depth", 8,
                             nullptr);
  }
  return VipsRef(out);
}

VipsRef join(const VipsRef& colours, const VipsRef& alpha) {
  VipsImage* out = nullptr;
  (void)vips_bandjoin2(colours.get(), alpha.get(), &out, nullptr);
  return VipsRef(out);
}

VipsRef as_bytes(const VipsRef& in) {
  VipsImage* out = nullptr;
  (void)vips_cast(in.get(), &out, VIPS_FORMAT_UCHAR, "shift", TRUE, nullptr);
  return VipsRef(out);
}

// Runs the colour engine on the colours alone and puts the alpha beside the result.
VipsRef around_alpha(const VipsRef& in, int colour_bands, const char* input_profile) {
  const VipsRef colours = bands_of(in, 0, colour_bands);
  if (!colours) return VipsRef();
  VipsRef out = transformed(colours, input_profile);
  if (out && colour_bands == 1) out = bands_of(out, 0, 1);
  if (!out || in.get()->Bands == colour_bands) return out;
  const VipsRef alpha = bands_of(in, colour_bands, 1);
  if (!alpha) return VipsRef();
  const VipsRef alpha8 = as_bytes(alpha);
  return alpha8 ? join(out, alpha8) : VipsRef();
}

PixelKind converted_kind(PixelKind kind) {
  return {kind.space == Space::grey ? Space::grey : Space::rgb, kind.alpha};
}

// Through a profile of libvips by its name; nullptr: through `profile`. libvips itself would go on
// with a general profile where that one is unusable, and not say so.
Failure convert(const Raster& from, View profile, const char* input_profile, Raster* out) {
  const VipsRef in = wrap(from);
  if (!in) return Fault{Code::internal_error, take_vips_error()};
  if (input_profile == nullptr) {
    if (vips_icc_is_compatible_profile(in.get(), profile.data(), profile.size()) == FALSE) {
      return Fault{Code::corrupt_image, "the colour engine refuses the profile"};
    }
    vips_image_set_blob_copy(in.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
  }
  const PixelKind colours{from.kind.space, false};
  const VipsRef made = around_alpha(in, colours.bands(), input_profile);
  if (!made) return Fault{Code::internal_error, take_vips_error()};
  return unwrap(made, converted_kind(from.kind), out);
}

}  // namespace

bool needs_conversion(View profile, Space space) {
  if (space == Space::cmyk) return true;
  return profile_fits(profile, space) && !is_srgb(profile);
}

Raster to_srgb(Raster from, View profile, std::vector<std::string>* notes) {
  const bool fits = profile_fits(profile, from.kind.space);
  Raster out;
  if (fits && !is_srgb(profile)) {
    if (!convert(from, profile, nullptr, &out)) return out;
  }
  const bool unusable = !profile.empty() && !(fits && is_srgb(profile));
  if (unusable) notes->emplace_back(kIgnored);
  if (from.kind.space != Space::cmyk) return from;
  if (!convert(from, {}, "cmyk", &out)) return out;
  notes->emplace_back("no conversion of ink to light was possible");
  return flatten(Raster(from.size, {Space::rgb, false}), {});
}

VipsRef transformed_by_embedded(const VipsRef& in, int colour_bands) {
  return around_alpha(in, colour_bands, nullptr);
}

}  // namespace imgq::image
