#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/image/bmp.h"

namespace imgq::image {

// The pixels of a BMP in RLE4 or RLE8. They are walked over once, and then decoded a row at a time
// in any order.
class BmpRuns {
 public:
  BmpRuns(View file, const Bmp& bmp);

  bool cut() const { return cut_; }    // the file ends before the picture does
  bool gaps() const { return gaps_; }  // the codes leave pixels out

  static constexpr int16_t kLeftOut = -1;
  // The indices of a row, counted as the file has them; kLeftOut where there is none.
  void row(int y, std::vector<int16_t>* out) const;

  size_t bytes() const { return rows_.size() * sizeof(Row); }

 private:
  struct Row {
    size_t at = 0;  // 0: left out
    int x = 0;
  };
  struct End {
    enum class By { line, bitmap, cut } by = By::cut;
    Row next;
    int rows_on = 1;
  };
  template <class Paint>
  struct Brush;
  template <class Paint>
  bool paint_literals(int count, size_t* at, Brush<Paint>* brush) const;
  std::optional<End> escape(int code, size_t* at, int* x) const;
  template <class Paint>
  End decode(Row row, Paint paint) const;

  View file_;
  int width_;
  bool nibbles_;
  std::vector<Row> rows_;
  bool cut_ = false, gaps_ = false;
};

}  // namespace imgq::image
