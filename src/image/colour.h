#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/image/bytes.h"
#include "src/image/raster.h"

namespace imgq::image {

// Whether pixels of this kind, with this profile, must be changed to become sRGB.
bool needs_conversion(View profile, Space space);

// From a profile's colours to 8-bit sRGB (grey to grey, of the same curve): relative colorimetric
// with black point compensation, as picture editors do; a profile without the tables of that intent
// is used by those it has (ICC.1, "AToB0Tag"), never for absolute colours. Alpha is carried beside.
class ColourTransform {
 public:
  // Of pixels with `sample_bytes` 1 or 2 in native order. Nothing when the profile does not fit
  // them, or the colour engine refuses it.
  static std::optional<ColourTransform> by(View profile, PixelKind kind, int sample_bytes);
  // Of ink without a profile of its own: libvips' general one.
  static std::optional<ColourTransform> of_ink(bool alpha, int sample_bytes);

  PixelKind kind() const { return kind_; }  // of what comes out
  void row(const void* from, uint8_t* to, int width) const;

 private:
  struct Delete {
    void operator()(void* transform) const;
  };
  ColourTransform(void* transform, PixelKind kind) : transform_(transform), kind_(kind) {}
  std::unique_ptr<void, Delete> transform_;
  PixelKind kind_;
};

// A decoded image's rows in sRGB, one at a time. A profile that cannot be used is left out with a
// note, and ink that nothing turns into light is blank, with another.
class SrgbRows {
 public:
  SrgbRows(int width, PixelKind kind, View profile, std::vector<std::string>* notes);
  PixelKind kind() const { return kind_; }
  bool as_they_are() const { return !transform_ && !blank_; }
  void put(const uint8_t* row, uint8_t* to) const;
  const uint8_t* of(const uint8_t* row);  // valid until the next call

 private:
  int width_;
  PixelKind kind_;
  bool blank_ = false;
  std::optional<ColourTransform> transform_;
  std::vector<uint8_t> row_;
};

// The same of a whole image.
Raster to_srgb(Raster from, View profile, std::vector<std::string>* notes);

}  // namespace imgq::image
