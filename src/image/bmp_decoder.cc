#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/notes.h"
#include "src/image/bmp.h"
#include "src/image/bmp_runs.h"
#include "src/image/decoder.h"

namespace imgq::image {
namespace {

// One sample of a pixel, as its mask has it, to 8 bits.
uint8_t sample(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  const uint64_t most = mask >> shift, value = (pixel & mask) >> shift;
  return static_cast<uint8_t>((value * 255 + most / 2) / most);
}

class BmpDecoder : public Decoder {
 public:
  BmpDecoder(View file, Truncated truncated) : file_(file), truncated_(truncated) {}

  Failure open();
  const Picture& picture() const override { return picture_; }
  int64_t bytes_needed(const Purpose& purpose) const override;
  Failure begin(const Purpose& purpose, Output* out) override;
  Failure next(const uint8_t** row) override;
  std::vector<std::string> notes() const override;

 private:
  View stored_row(int y) const;
  bool is_cut() const;
  bool shows_alpha() const;
  bool is_grey() const;
  void put(const std::array<uint8_t, 3>& colour, uint8_t alpha);
  void put_index(int index);
  void put_indices(View stored);
  void put_runs(int y);
  void put_masked(View stored);
  void put_colours(View stored);

  View file_;
  Truncated truncated_;
  Bmp bmp_;
  std::optional<BmpRuns> runs_;
  Picture picture_;
  std::vector<uint8_t> row_;
  std::vector<int16_t> indices_;  // of a row in runs
  uint8_t* to_ = nullptr;         // the next pixel in row_
  int y_ = 0;
};

// What there is of a row, counted as the file has them.
View BmpDecoder::stored_row(int y) const {
  const size_t at = bmp_.pixels_at + static_cast<size_t>(y) * bmp_.row_bytes();
  if (at >= file_.size()) return {};
  return file_.subspan(at, std::min(file_.size() - at, bmp_.least_row_bytes()));
}

bool BmpDecoder::is_cut() const {
  if (runs_) return runs_->cut();
  return stored_row(picture_.size.height - 1).size() < bmp_.least_row_bytes();
}

// Alpha that is 0 all over was not meant: programs that know of none leave it so.
bool BmpDecoder::shows_alpha() const {
  const uint32_t mask = bmp_.masks[3];
  if (mask == 0) return false;
  const size_t bytes = static_cast<size_t>(bmp_.bits) / 8;
  for (int y = 0; y < picture_.size.height; ++y) {
    const View row = stored_row(y);
    for (size_t at = 0; holds(row, at, bytes); at += bytes) {
      if (((bytes == 2 ? le16(row, at) : le32(row, at)) & mask) != 0) return true;
    }
  }
  return false;
}

bool BmpDecoder::is_grey() const {
  return !bmp_.palette.empty() &&
         std::all_of(bmp_.palette.begin(), bmp_.palette.end(),
                     [](const auto& c) { return c[0] == c[1] && c[1] == c[2]; });
}

Failure BmpDecoder::open() {
  if (Failure fault = read_bmp(file_, &bmp_)) return fault;
  picture_.size = bmp_.size;
  if (bmp_.run_lengths) runs_.emplace(file_, bmp_);
  if (is_cut() && truncated_ == Truncated::refuse) return unreadable(Code::truncated);
  const bool alpha = runs_ ? runs_->gaps() : shows_alpha();
  picture_.kind = {is_grey() && bmp_.profile.empty() ? Space::grey : Space::rgb, alpha};
  picture_.palette = bmp_.bits <= 8;
  picture_.profile.assign(bmp_.profile.begin(), bmp_.profile.end());
  return {};
}

int64_t BmpDecoder::bytes_needed(const Purpose& /*purpose*/) const {
  return runs_ ? static_cast<int64_t>(runs_->bytes()) : 0;
}

Failure BmpDecoder::begin(const Purpose& /*purpose*/, Output* out) {
  out->size = picture_.size;
  out->kind = picture_.kind;
  row_.resize(samples_of(picture_.size.width, picture_.kind.bands()));
  return {};
}

void BmpDecoder::put(const std::array<uint8_t, 3>& colour, uint8_t alpha) {
  const size_t colours = picture_.kind.space == Space::grey ? 1 : 3;
  to_ = std::copy_n(colour.begin(), colours, to_);
  if (picture_.kind.alpha) *to_++ = alpha;
}

// Beside the palette there is black.
void BmpDecoder::put_index(int index) {
  if (index == BmpRuns::kLeftOut) return put({0, 0, 0}, 0);
  const auto at = static_cast<size_t>(index);
  put(at < bmp_.palette.size() ? bmp_.palette[at] : std::array<uint8_t, 3>{}, 255);
}

void BmpDecoder::put_indices(View stored) {
  const auto bits = static_cast<size_t>(bmp_.bits);
  for (size_t i = 0; i < static_cast<size_t>(picture_.size.width); ++i) {
    const size_t at = i * bits / 8;
    if (at >= stored.size()) return;
    put_index(stored[at] >> (8 - bits - i * bits % 8) & ((1 << bits) - 1));
  }
}

void BmpDecoder::put_runs(int y) {
  runs_->row(y, &indices_);
  for (const int16_t index : indices_) put_index(index);
}

void BmpDecoder::put_masked(View stored) {
  const size_t bytes = static_cast<size_t>(bmp_.bits) / 8;
  for (size_t at = 0; holds(stored, at, bytes); at += bytes) {
    const uint32_t pixel = bytes == 2 ? le16(stored, at) : le32(stored, at);
    const auto& masks = bmp_.masks;
    put({sample(pixel, masks[0]), sample(pixel, masks[1]), sample(pixel, masks[2])},
        sample(pixel, masks[3]));
  }
}

void BmpDecoder::put_colours(View stored) {
  for (size_t at = 0; holds(stored, at, 3); at += 3) {
    put({stored[at + 2], stored[at + 1], stored[at]}, 255);
  }
}

// What a file that was cut has no longer is black, or see-through where it can be.
Failure BmpDecoder::next(const uint8_t** row) {
  const int y = bmp_.top_down ? y_ : picture_.size.height - 1 - y_;
  ++y_;
  std::fill(row_.begin(), row_.end(), uint8_t{0});
  to_ = row_.data();
  if (runs_) {
    put_runs(y);
  } else if (bmp_.bits <= 8) {
    put_indices(stored_row(y));
  } else if (bmp_.bits == 24) {
    put_colours(stored_row(y));
  } else {
    put_masked(stored_row(y));
  }
  *row = row_.data();
  return {};
}

std::vector<std::string> BmpDecoder::notes() const {
  if (is_cut()) return {std::string(note::kTruncated)};
  return {};
}

}  // namespace

Failure open_bmp(View file, Truncated truncated, Opened* out) {
  return open_as<BmpDecoder>(out, file, truncated);
}

}  // namespace imgq::image
