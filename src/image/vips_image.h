#pragma once

#include <string>
#include <utility>

#include "src/image/bytes.h"
#include "src/image/raster.h"

extern "C" {
struct _VipsImage;  // NOLINT(bugprone-reserved-identifier): libvips' own name
void g_object_unref(void* object);
}

namespace imgq::image {

// Owns one reference to an image of libvips.
class VipsRef {
 public:
  explicit VipsRef(_VipsImage* image = nullptr) : image_(image) {}
  VipsRef(VipsRef&& other) noexcept : image_(std::exchange(other.image_, nullptr)) {}
  VipsRef& operator=(VipsRef&& other) noexcept {
    std::swap(image_, other.image_);
    return *this;
  }
  VipsRef(const VipsRef&) = delete;
  VipsRef& operator=(const VipsRef&) = delete;
  ~VipsRef() {
    if (image_ != nullptr) g_object_unref(image_);
  }
  _VipsImage* get() const { return image_; }
  explicit operator bool() const { return image_ != nullptr; }

 private:
  _VipsImage* image_;
};

// Takes what libvips has to say about its last failures, as one line, and clears it.
std::string take_vips_error();

// A raster as an image of libvips, and back. The raster must outlive what is made from it.
VipsRef wrap(const Raster& raster);
Failure unwrap(const VipsRef& image, PixelKind kind, Raster* out);

}  // namespace imgq::image
