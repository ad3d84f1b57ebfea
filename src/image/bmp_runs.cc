#include "src/image/bmp_runs.h"

#include <algorithm>

namespace imgq::image {

// What would stand beside the picture is dropped.
template <class Paint>
struct BmpRuns::Brush {
  int x, width;
  bool nibbles;
  Paint paint;

  void put(uint8_t byte, int i) {
    if (x >= width) return;
    paint(x++, nibbles ? (i % 2 == 0 ? byte >> 4 : byte & 15) : byte);
  }
};

// Indices one by one, padded to 16 bits. False when the file ends before they do.
template <class Paint>
bool BmpRuns::paint_literals(int count, size_t* at, Brush<Paint>* brush) const {
  const auto bytes = static_cast<size_t>(nibbles_ ? (count + 1) / 2 : count);
  if (!holds(file_, *at, bytes)) return false;
  for (int i = 0; i < count; ++i) {
    brush->put(file_[*at + static_cast<size_t>(nibbles_ ? i / 2 : i)], i);
  }
  *at += bytes + bytes % 2;
  return true;
}

// The end of a row, 0; of the picture, 1; a way to the right and on, 2, which may stay in its row.
std::optional<BmpRuns::End> BmpRuns::escape(int code, size_t* at, int* x) const {
  if (code == 0) return End{End::By::line, {*at, 0}, 1};
  if (code == 1) return End{End::By::bitmap, {}, 0};
  if (!holds(file_, *at, 2)) return End{};
  *x = std::min(*x + file_[*at], width_);
  const int on = file_[*at + 1];
  *at += 2;
  if (on == 0) return std::nullopt;
  return End{End::By::line, {*at, *x}, on};
}

// Codes of two bytes: how often, and one index (two in turn, if they have four bits); or 0 and an
// escape, or the number of indices that follow.
template <class Paint>
BmpRuns::End BmpRuns::decode(Row row, Paint paint) const {
  size_t at = row.at;
  Brush<Paint> brush{row.x, width_, nibbles_, paint};
  while (holds(file_, at, 2)) {
    const int count = file_[at], code = file_[at + 1];
    at += 2;
    if (count > 0) {
      for (int i = 0; i < count; ++i) brush.put(static_cast<uint8_t>(code), i);
    } else if (code > 2) {
      if (!paint_literals(code, &at, &brush)) break;
    } else if (const auto end = escape(code, &at, &brush.x)) {
      return *end;
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
