#pragma once

#include "src/base/request.h"
#include "src/image/fault.h"

namespace imgq::image {

struct Size {
  int width = 0, height = 0;
  bool operator==(const Size&) const = default;
};

struct Rect {
  int left = 0, top = 0, width = 0, height = 0;
  Size size() const { return {width, height}; }
};

// How many steps of `by` pixels reach over `px`.
constexpr int divided_up(int px, int by) { return (px + by - 1) / by; }

inline Rect all_of(Size size) { return {0, 0, size.width, size.height}; }

// Where a rendition lies: what is shown of the upright image is scaled to `scaled`, of which `part`
// is kept.
struct Placement {
  Size scaled;
  Rect part;  // its size is the result's size, but of Fit::pad
  Size result;
  bool smart = false;  // part's place is to be found by looking at the picture
};

// Works out a rendition of an upright image of this size.
//   fit     inside the box
//   fill    the box, or, rather than enlarge, the largest of its shape that the image covers
//   pad     inside the box, which is the result
//   force   the box, each side no longer than the image's unless enlarging
//   errors  result_too_large
Failure place(const Rendition& rendition, Size upright, int max_side_px, Placement* out);

// A rectangle of the upright image, found again in the image as stored.
//   stored  the size of the stored image, in the same scale
Rect as_stored(const Rect& upright, Size stored, int orientation);

// Where a part lies in a whole that is no smaller, by one of the nine anchors that are places; for
// the others in the middle.
Rect anchored(Size part, Size whole, Anchor anchor);

bool swaps_sides(int orientation);
Size upright_size(Size stored, int orientation);

}  // namespace imgq::image
