#include "src/image/bmp_runs.h"

#include <algorithm>

namespace imgq::image {

// Codes of two bytes: a run of one index (of two in turn, if they have four bits); or 0 and the end
// of a row, 0; of the picture, 1; a way to the right and on, 2; else so many indices, padded to 16
// bits. What would stand beside the picture is dropped.
template <class Paint>
BmpRuns::End BmpRuns::decode(Row row, Paint paint) const {
  size_t at = row.at;
  int x = row.x;
  const auto put = [&](uint8_t byte, int i) {
    if (x >= width_) return;
    paint(x++, nibbles_ ? (i % 2 == 0 ? byte >> 4 : byte & 15) : byte);
  };
  while (holds(file_, at, 2)) {
    const int count = file_[at];
    const uint8_t code = file_[at + 1];
    at += 2;
    if (count > 0) {
      for (int i = 0; i < count; ++i) put(code, i);
    } else if (code == 0) {
      return {End::By::line, {at, 0}, 1};
    } else if (code == 1) {
      return {End::By::bitmap, {}, 0};
    } else if (code == 2) {
      if (!holds(file_, at, 2)) break;
      x = std::min(x + file_[at], width_);
      const int on = file_[at + 1];
      at += 2;
      if (on > 0) return {End::By::line, {at, x}, on};
    } else {
      const size_t bytes = nibbles_ ? (size_t{code} + 1) / 2 : size_t{code};
      if (!holds(file_, at, bytes)) break;
      for (int i = 0; i < code; ++i) put(file_[at + static_cast<size_t>(nibbles_ ? i / 2 : i)], i);
      at += bytes + bytes % 2;
    }
  }
  return {};
}

BmpRuns::BmpRuns(View file, const Bmp& bmp)
    : file_(file),
      width_(bmp.size.width),
      nibbles_(bmp.bits == 4),
      rows_(static_cast<size_t>(bmp.size.height)) {
  Row row{bmp.pixels_at, 0};
  int64_t painted = 0;
  bool ended = false;
  for (size_t y = 0; y < rows_.size() && !ended && !cut_;) {
    rows_[y] = row;
    const End end = decode(row, [&painted](int, int) { ++painted; });
    row = end.next;
    y += static_cast<size_t>(end.rows_on);
    ended = end.by == End::By::bitmap;
    cut_ = end.by == End::By::cut;
  }
  gaps_ = painted < int64_t{width_} * bmp.size.height;
  cut_ = cut_ && gaps_;
}

void BmpRuns::row(int y, std::vector<int16_t>* out) const {
  out->assign(static_cast<size_t>(width_), kLeftOut);
  const Row& row = rows_[static_cast<size_t>(y)];
  if (row.at == 0) return;
  (void)decode(row, [out](int x, int index) {
    (*out)[static_cast<size_t>(x)] = static_cast<int16_t>(index);
  });
}

}  // namespace imgq::image
