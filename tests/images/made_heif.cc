#include <libheif/heif.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "tests/images/made.h"

namespace imgq::made {
namespace {

template <auto kRelease>
struct Release {
  template <class T>
  void operator()(T* held) const {
    kRelease(held);
  }
};

void demand(const heif_error& error) {
  if (error.code != heif_error_Ok) throw std::runtime_error(error.message);
}

heif_error append(heif_context* /*context*/, const void* data, size_t size, void* to) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  static_cast<Bytes*>(to)->insert(static_cast<Bytes*>(to)->end(), bytes, bytes + size);
  return {heif_error_Ok, heif_suberror_Unspecified, "Success"};
}

std::unique_ptr<heif_image, Release<heif_image_release>> image_of(const Pixels& pixels, int depth) {
  const bool deep = depth > 8, alpha = pixels.bands == 4;
  heif_image* image = nullptr;
  demand(heif_image_create(
      pixels.width, pixels.height, heif_colorspace_RGB,
      deep    ? (alpha ? heif_chroma_interleaved_RRGGBBAA_LE : heif_chroma_interleaved_RRGGBB_LE)
      : alpha ? heif_chroma_interleaved_RGBA
              : heif_chroma_interleaved_RGB,
      &image));
  std::unique_ptr<heif_image, Release<heif_image_release>> owner(image);
  demand(heif_image_add_plane(image, heif_channel_interleaved, pixels.width, pixels.height, depth));
  int stride = 0;
  uint8_t* plane = heif_image_get_plane(image, heif_channel_interleaved, &stride);
  for (int y = 0; y < pixels.height; ++y) {
    uint8_t* to = plane + static_cast<size_t>(y) * static_cast<size_t>(stride);
    for (int x = 0; x < pixels.width; ++x) {
      for (int b = 0; b < pixels.bands; ++b) {
        *to++ = static_cast<uint8_t>(pixels.at(x, y, b));
        if (deep) *to++ = static_cast<uint8_t>(pixels.at(x, y, b) >> 8);
      }
    }
  }
  return owner;
}

}  // namespace

Bytes avif(const Pixels& pixels, const HeifSpec& spec) {
  const std::unique_ptr<heif_context, Release<heif_context_free>> context(heif_context_alloc());
  heif_encoder* found = nullptr;
  demand(heif_context_get_encoder_for_format(context.get(), heif_compression_AV1, &found));
  const std::unique_ptr<heif_encoder, Release<heif_encoder_release>> encoder(found);
  demand(heif_encoder_set_lossy_quality(found, 95));
  // libheif 1.15 asks libaom for the one profile of 10 bits that has 4:2:2 alone.
  demand(heif_encoder_set_parameter_string(found, "chroma", spec.depth > 8 ? "422" : "444"));
  const auto image = image_of(pixels, spec.depth);
  heif_image_set_premultiplied_alpha(image.get(), spec.premultiplied ? 1 : 0);
  const std::unique_ptr<heif_color_profile_nclx, Release<heif_nclx_color_profile_free>> colour(
      heif_nclx_color_profile_alloc());
  demand(heif_nclx_color_profile_set_color_primaries(colour.get(), spec.primaries));
  demand(heif_nclx_color_profile_set_transfer_characteristics(colour.get(), spec.transfer));
  colour->matrix_coefficients = heif_matrix_coefficients_ITU_R_BT_601_6;
  colour->full_range_flag = 1;
  demand(heif_image_set_nclx_color_profile(image.get(), colour.get()));
  const std::unique_ptr<heif_encoding_options, Release<heif_encoding_options_free>> options(
      heif_encoding_options_alloc());
  options->macOS_compatibility_workaround_no_nclx_profile = 0;
  options->output_nclx_profile = colour.get();
  heif_image_handle* handle = nullptr;
  demand(heif_context_encode_image(context.get(), image.get(), found, options.get(), &handle));
  const std::unique_ptr<heif_image_handle, Release<heif_image_handle_release>> owner(handle);
  const auto size = [](const Bytes& bytes) { return static_cast<int>(bytes.size()); };
  if (!spec.exif.empty()) {
    demand(
        heif_context_add_exif_metadata(context.get(), handle, spec.exif.data(), size(spec.exif)));
  }
  if (!spec.xmp.empty()) {
    demand(heif_context_add_XMP_metadata(context.get(), handle, spec.xmp.data(), size(spec.xmp)));
  }
  Bytes file;
  heif_writer writer{1, append};
  demand(heif_context_write(context.get(), &writer, &file));
  return file;
}

}  // namespace imgq::made
