#include "src/image/geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace imgq::image {
namespace {

constexpr double kFar = 1e9;  // px; keeps products inside an int

int rounded(double px) { return std::max(1, static_cast<int>(std::lround(std::min(px, kFar)))); }

double ratio(int wanted_px, int has_px) { return static_cast<double>(wanted_px) / has_px; }

Size scaled_by(double scale, Size size) {
  return {rounded(size.width * scale), rounded(size.height * scale)};
}

Size fit_within(const Rendition& r, Size image) {
  double scale = kFar;
  if (r.width_px > 0) scale = std::min(scale, ratio(r.width_px, image.width));
  if (r.height_px > 0) scale = std::min(scale, ratio(r.height_px, image.height));
  if (r.enlarge == Enlarge::never) scale = std::min(scale, 1.0);
  return scaled_by(scale, image);
}

// Where along one side the kept part begins: 0, the middle or the end.
int along(int room_px, int place) { return place < 0 ? 0 : place > 0 ? room_px : room_px / 2; }

int around(double focus, int whole_px, int part_px) {
  const auto start = static_cast<int>(std::lround(focus * whole_px - part_px / 2.0));
  return std::clamp(start, 0, whole_px - part_px);
}

struct Compass {
  int x, y;
};

Compass compass(Anchor anchor) {
  switch (anchor) {
    case Anchor::north:
      return {0, -1};
    case Anchor::north_east:
      return {1, -1};
    case Anchor::east:
      return {1, 0};
    case Anchor::south_east:
      return {1, 1};
    case Anchor::south:
      return {0, 1};
    case Anchor::south_west:
      return {-1, 1};
    case Anchor::west:
      return {-1, 0};
    case Anchor::north_west:
      return {-1, -1};
    case Anchor::centre:
    case Anchor::attention:
    case Anchor::entropy:
    case Anchor::focus:
      return {0, 0};
  }
  return {0, 0};
}

void anchor_part(const Rendition& r, Placement* p) {
  Rect& part = p->part;
  if (r.anchor == Anchor::focus) {
    part.left = around(r.focus_x, p->scaled.width, part.width);
    part.top = around(r.focus_y, p->scaled.height, part.height);
    return;
  }
  part = anchored(part.size(), p->scaled, r.anchor);
  const bool cuts = part.width < p->scaled.width || part.height < p->scaled.height;
  p->smart = cuts && (r.anchor == Anchor::attention || r.anchor == Anchor::entropy);
}

void cover(const Rendition& r, Size image, Placement* p) {
  Size box{r.width_px, r.height_px};
  double scale = std::max(ratio(box.width, image.width), ratio(box.height, image.height));
  if (r.enlarge == Enlarge::never && scale > 1) {
    box = scaled_by(1 / scale, box);
    scale = 1;
  }
  p->scaled = scaled_by(scale, image);
  p->scaled.width = std::max(p->scaled.width, box.width);
  p->scaled.height = std::max(p->scaled.height, box.height);
  p->part = {0, 0, box.width, box.height};
  anchor_part(r, p);
}

Size stretch(const Rendition& r, Size image) {
  if (r.enlarge == Enlarge::allow) return {r.width_px, r.height_px};
  return {std::min(r.width_px, image.width), std::min(r.height_px, image.height)};
}

Fit effective_fit(const Rendition& r) {
  return r.width_px == 0 || r.height_px == 0 ? Fit::fit : r.fit;
}

}  // namespace

Failure place(const Rendition& rendition, Size upright, int max_side_px, Placement* out) {
  *out = {};
  switch (effective_fit(rendition)) {
    case Fit::fit:
    case Fit::pad:
      out->scaled = fit_within(rendition, upright);
      out->part = {0, 0, out->scaled.width, out->scaled.height};
      break;
    case Fit::force:
      out->scaled = stretch(rendition, upright);
      out->part = {0, 0, out->scaled.width, out->scaled.height};
      break;
    case Fit::fill:
      cover(rendition, upright, out);
      break;
  }
  out->result = {out->part.width, out->part.height};
  if (rendition.fit == Fit::pad) out->result = {rendition.width_px, rendition.height_px};
  if (std::max(out->result.width, out->result.height) > max_side_px) {
    return Fault{Code::result_too_large,
                 fmt::format("'{}' would be {}x{}, limits.max_result_side_px is {}", rendition.name,
                             out->result.width, out->result.height, max_side_px)};
  }
  return {};
}

Rect anchored(Size part, Size whole, Anchor anchor) {
  const Compass to = compass(anchor);
  return {along(whole.width - part.width, to.x), along(whole.height - part.height, to.y),
          part.width, part.height};
}

bool swaps_sides(int orientation) { return orientation >= 5; }

Size upright_size(Size stored, int orientation) {
  return swaps_sides(orientation) ? Size{stored.height, stored.width} : stored;
}

Rect as_stored(const Rect& r, Size stored, int orientation) {
  const int from_right = stored.width, from_bottom = stored.height;
  switch (orientation) {
    case 2:
      return {from_right - r.left - r.width, r.top, r.width, r.height};
    case 3:
      return {from_right - r.left - r.width, from_bottom - r.top - r.height, r.width, r.height};
    case 4:
      return {r.left, from_bottom - r.top - r.height, r.width, r.height};
    case 5:
      return {r.top, r.left, r.height, r.width};
    case 6:
      return {r.top, from_bottom - r.left - r.width, r.height, r.width};
    case 7:
      return {from_right - r.top - r.height, from_bottom - r.left - r.width, r.height, r.width};
    case 8:
      return {from_right - r.top - r.height, r.left, r.height, r.width};
    default:
      return r;
  }
}

}  // namespace imgq::image
