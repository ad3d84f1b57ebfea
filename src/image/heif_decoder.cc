#include <libheif/heif.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "src/image/rights.h"
#include "src/image/told_colour.h"
#include "src/image/whole_decoder.h"

namespace imgq::image {
namespace {

template <auto kRelease>
struct Release {
  template <class T>
  void operator()(T* held) const {
    kRelease(held);
  }
};
using Context = std::unique_ptr<heif_context, Release<heif_context_free>>;
using Handle = std::unique_ptr<const heif_image_handle, Release<heif_image_handle_release>>;
using Image = std::unique_ptr<heif_image, Release<heif_image_release>>;
using Options = std::unique_ptr<heif_decoding_options, Release<heif_decoding_options_free>>;

// What libheif turns into RGB; it takes any other for one of these (H.273, table 4).
bool is_known_matrix(uint32_t matrix) {
  return matrix <= 10 && matrix != 3 ? true : matrix == 12 || matrix == 13;
}

Fault unknown_matrix() {
  return {Code::unsupported_format, "its colours are coded by a matrix that is not known"};
}

class HeifDecoder : public WholeDecoder {
 public:
  HeifDecoder(Kind kind, const Container& container, View file)
      : kind_(kind), container_(container), file_(file) {}

  Failure open();
  int64_t bytes_needed(const Purpose& purpose) const override;

 protected:
  Failure decode(Pixels* out) override;

 private:
  Failure failed(const heif_error& error) const;
  void read_profile();
  void read_rights();
  void read_metadata();

  Kind kind_;
  Container container_;
  View file_;
  Context context_;
  Handle handle_;
  Image image_;
  int bits_ = 8;
};

// Decoders are packages of their own in Debian 13.
Failure HeifDecoder::failed(const heif_error& error) const {
  if (error.code == heif_error_Memory_allocation_error) {
    // libheif has bounds of its own: another try would end alike.
    if (error.subcode == heif_suberror_Security_limit_exceeded) {
      return Fault{Code::too_large, "decoding needs more memory than libheif allows"};
    }
    return Fault{Code::out_of_memory, "out of memory"};
  }
  if (error.code == heif_error_Unsupported_feature ||
      error.code == heif_error_Unsupported_filetype) {
    const bool av1 = kind_ == Kind::avif;
    if (heif_have_decoder_for_format(av1 ? heif_compression_AV1 : heif_compression_HEVC) == 0) {
      return Fault{
          Code::format_not_enabled,
          av1 ? "libheif has no AV1 decoder: install the package libheif-plugin-dav1d"
              : "libheif has no HEVC decoder: install the package libheif-plugin-libde265"};
    }
    return Fault{Code::unsupported_format, "coded in a way that libheif does not know"};
  }
  return unreadable(is_cut_short(kind_, file_) ? Code::truncated : Code::corrupt_image);
}

void HeifDecoder::read_profile() {
  picture_.profile.resize(heif_image_handle_get_raw_color_profile_size(handle_.get()));
  if (picture_.profile.empty()) return;
  const heif_error error =
      heif_image_handle_get_raw_color_profile(handle_.get(), picture_.profile.data());
  if (error.code != heif_error_Ok) picture_.profile.clear();
}

void HeifDecoder::read_rights() {
  constexpr int kMost = 8;
  std::array<heif_item_id, kMost> ids{};
  const int count =
      heif_image_handle_get_list_of_metadata_block_IDs(handle_.get(), "mime", ids.data(), kMost);
  for (int i = 0; i < count; ++i) {
    const heif_item_id id = ids[static_cast<size_t>(i)];
    const std::string_view type = heif_image_handle_get_metadata_content_type(handle_.get(), id);
    if (type != "application/rdf+xml") continue;
    std::vector<uint8_t> packet(heif_image_handle_get_metadata_size(handle_.get(), id));
    if (heif_image_handle_get_metadata(handle_.get(), id, packet.data()).code == heif_error_Ok) {
      add_xmp_rights(packet, &picture_.exif);
    }
  }
}

void HeifDecoder::read_metadata() {
  heif_item_id id = 0;
  if (heif_image_handle_get_list_of_metadata_block_IDs(handle_.get(), "Exif", &id, 1) != 1) return;
  std::vector<uint8_t> block(heif_image_handle_get_metadata_size(handle_.get(), id));
  if (heif_image_handle_get_metadata(handle_.get(), id, block.data()).code == heif_error_Ok) {
    take_exif(block);
  }
}

Failure HeifDecoder::open() {
  context_.reset(heif_context_alloc());
  heif_context_set_max_decoding_threads(context_.get(), 0);
  heif_error error = heif_context_read_from_memory_without_copy(context_.get(), file_.data(),
                                                                file_.size(), nullptr);
  if (error.code != heif_error_Ok) return failed(error);
  heif_image_handle* handle = nullptr;
  error = heif_context_get_primary_image_handle(context_.get(), &handle);
  if (error.code != heif_error_Ok) return failed(error);
  handle_.reset(handle);
  if (!is_known_matrix(container_.matrix)) return unknown_matrix();
  bits_ = std::max(8, heif_image_handle_get_luma_bits_per_pixel(handle));
  picture_.size = {heif_image_handle_get_width(handle), heif_image_handle_get_height(handle)};
  picture_.kind = {Space::rgb, heif_image_handle_has_alpha_channel(handle) != 0};
  premultiplied_ = picture_.kind.alpha && heif_image_handle_is_premultiplied_alpha(handle) != 0;
  picture_.pages = std::max(1, heif_context_get_number_of_top_level_images(context_.get()));
  read_profile();
  read_metadata();
  read_rights();
  colour_ = container_.colour;
  if (picture_.profile.empty() && !is_hdr(colour_.points)) {
    picture_.profile = profile_of(colour_.points, Space::rgb);
  }
  return {};
}

// A pixel's, as measured with the libraries of Debian 12 and a seventh more.
int64_t HeifDecoder::bytes_needed(const Purpose& /*purpose*/) const {
  const double pixels = static_cast<double>(picture_.size.width) * picture_.size.height;
  const double colours =
      bits_ > 8 ? (container_.full_chroma ? 31 : 21) : (container_.full_chroma ? 16.5 : 9.5);
  const double alpha = picture_.kind.alpha ? colours / 3 : 0;
  return static_cast<int64_t>(pixels * (colours + alpha));
}

Failure HeifDecoder::decode(Pixels* out) {
  const Options options(heif_decoding_options_alloc());
  const bool alpha = picture_.kind.alpha;
  const auto deep =
      std::endian::native == std::endian::big
          ? (alpha ? heif_chroma_interleaved_RRGGBBAA_BE : heif_chroma_interleaved_RRGGBB_BE)
          : (alpha ? heif_chroma_interleaved_RRGGBBAA_LE : heif_chroma_interleaved_RRGGBB_LE);
  const auto plain = alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB;
  heif_image* image = nullptr;
  const heif_error error = heif_decode_image(handle_.get(), &image, heif_colorspace_RGB,
                                             bits_ > 8 ? deep : plain, options.get());
  if (error.code != heif_error_Ok) return failed(error);
  image_.reset(image);
  // The handle's size is the file's word; the pixels' own is what there is.
  const Size size{heif_image_get_width(image, heif_channel_interleaved),
                  heif_image_get_height(image, heif_channel_interleaved)};
  if (size != picture_.size) return unreadable(Code::corrupt_image);
  int row_bytes = 0;
  out->data = heif_image_get_plane_readonly(image, heif_channel_interleaved, &row_bytes);
  out->row_bytes = static_cast<size_t>(row_bytes);
  out->bits = heif_image_get_bits_per_pixel_range(image, heif_channel_interleaved);
  return out->data == nullptr ? unreadable(Code::corrupt_image) : Failure{};
}

}  // namespace

Failure open_heif(Kind kind, const Container& container, View file, Opened* out) {
  return open_as<HeifDecoder>(out, kind, container, file);
}

}  // namespace imgq::image
