#include "src/image/whole_decoder.h"

#include <algorithm>
#include <cstdint>

#include "src/base/notes.h"

namespace imgq::image {
namespace {

// Of row `y`, every sample over its range of 16 bits.
template <class Sample>
void widen_row(const void* from, int bits, std::vector<uint16_t>* to) {
  const uint32_t most = (1U << static_cast<unsigned>(bits)) - 1;
  const auto* sample = static_cast<const Sample*>(from);
  for (uint16_t& wide : *to) {
    wide = static_cast<uint16_t>((std::min<uint32_t>(*sample++, most) * 65535 + most / 2) / most);
  }
}

void divide_by_alpha(int bands, std::vector<uint16_t>* row) {
  const auto step = static_cast<size_t>(bands);
  for (size_t at = 0; at < row->size(); at += step) {
    uint16_t* pixel = row->data() + at;
    const uint32_t alpha = pixel[step - 1];
    if (alpha == 0) continue;
    for (size_t i = 0; i + 1 < step; ++i) {
      pixel[i] = static_cast<uint16_t>(std::min(65535U, (pixel[i] * 65535U + alpha / 2) / alpha));
    }
  }
}

}  // namespace

void WholeDecoder::take_exif(View block) {
  constexpr size_t kOffset = 4;
  if (block.size() < kOffset) return;
  const View rest = block.subspan(kOffset);
  picture_.exif = read_exif(rest.subspan(std::min<size_t>(be32(block, 0), rest.size())));
  picture_.exif.orientation = 1;
}

void WholeDecoder::widen(int y) {
  const void* from = pixels_.data + static_cast<size_t>(y) * pixels_.row_bytes;
  if (pixels_.bits > 8) {
    widen_row<uint16_t>(from, pixels_.bits, &wide_);
  } else {
    widen_row<uint8_t>(from, pixels_.bits, &wide_);
  }
  if (premultiplied_) divide_by_alpha(picture_.kind.bands(), &wide_);
}

Failure WholeDecoder::begin(const Purpose& /*purpose*/, Output* out) {
  if (Failure fault = decode(&pixels_)) return fault;
  const PixelKind kind = picture_.kind;
  const bool hdr = picture_.profile.empty() && is_hdr(colour_.points);
  deep_ = hdr || pixels_.bits > 8 || premultiplied_;
  out->size = picture_.size;
  out->kind = kind;
  if (!deep_) return {};
  out->in_srgb = true;
  wide_.resize(samples_of(picture_.size.width, kind.bands()));
  if (hdr) {
    tone_map_.emplace(colour_.points, kind);
    for (int y = 0; y < picture_.size.height; ++y) {
      widen(y);
      tone_map_->look_at(wide_.data(), picture_.size.width);
    }
    tone_map_->set_peak(colour_.peak);
    notes_.emplace_back(note::kHdr);
    out->kind = tone_map_->kind();
  } else if (!picture_.profile.empty()) {
    to_srgb_ = ColourTransform::by(picture_.profile, kind, 2);
    if (!to_srgb_) notes_.emplace_back(note::kProfile);
  }
  row_.resize(samples_of(picture_.size.width, out->kind.bands()));
  return {};
}

Failure WholeDecoder::next(const uint8_t** row) {
  const int y = y_++;
  if (!deep_) {
    *row = pixels_.data + static_cast<size_t>(y) * pixels_.row_bytes;
    return {};
  }
  widen(y);
  if (tone_map_) {
    tone_map_->row(wide_.data(), row_.data(), picture_.size.width);
  } else if (to_srgb_) {
    to_srgb_->row(wide_.data(), row_.data(), picture_.size.width);
  } else {
    std::transform(wide_.begin(), wide_.end(), row_.begin(),
                   [](uint32_t wide) { return static_cast<uint8_t>((wide + 128) / 257); });
  }
  *row = row_.data();
  return {};
}

}  // namespace imgq::image
