#include "src/image/source.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/image/geometry.h"
#include "src/image/icc.h"
#include "src/image/raw_preview.h"
#include "src/util/text.h"

namespace imgq::image {
namespace {

Failure check_kind(const Signature& signature, const OptionalFormats& formats) {
  if (signature.kind == Kind::unknown) {
    return Fault{Code::not_an_image, "no signature of an image format that is known"};
  }
  if (signature.kind == Kind::unsupported) {
    return Fault{Code::unsupported_format, fmt::format("{} is never read", signature.name)};
  }
  if (!is_read(signature.kind, formats)) {
    return Fault{Code::format_not_enabled, not_enabled_words(signature)};
  }
  return {};
}

Failure check_size(int64_t width, int64_t height, int frames, const Limits& limits) {
  if (frames > limits.max_frames) {
    return Fault{Code::too_many_frames,
                 fmt::format("more pages than limits.max_frames, {}", limits.max_frames)};
  }
  if (std::max(width, height) > limits.max_side_px) {
    return Fault{Code::side_too_long,
                 fmt::format("{}x{}, limits.max_side_px is {}", width, height, limits.max_side_px)};
  }
  if (width * height > limits.max_pixels) {
    return Fault{Code::too_many_pixels,
                 fmt::format("{}x{} is {}, limits.max_pixels is {}", width, height,
                             counted(width * height, "pixel"), limits.max_pixels)};
  }
  return {};
}

// Of an animation the first frame is the picture, however many follow.
int pages_of(Kind kind, int frames) {
  return kind == Kind::tiff || kind == Kind::heic || kind == Kind::avif ? frames : 1;
}

bool is_walked(Kind kind) {
  return kind == Kind::jpeg || kind == Kind::png || kind == Kind::webp || kind == Kind::gif;
}

Failure check_not_empty(int64_t width, int64_t height) {
  if (width > 0 && height > 0) return {};
  return Fault{Code::corrupt_image, fmt::format("{}x{} pixels", width, height)};
}

// Without a decoder: what is refused here costs nothing.
Failure check_container(const Source& source, const Limits& limits, SourceReport* report) {
  const Container& c = source.container;
  report->width_px = static_cast<int>(std::min<int64_t>(c.width, INT32_MAX));
  report->height_px = static_cast<int>(std::min<int64_t>(c.height, INT32_MAX));
  report->pages = c.frames;
  if (is_walked(source.signature.kind)) {
    if (Failure fault = check_not_empty(c.width, c.height)) return fault;
  }
  return check_size(c.width, c.height, pages_of(source.signature.kind, c.frames), limits);
}

void describe(const Picture& picture, SourceReport* report) {
  const Size upright = upright_size(picture.size, picture.exif.orientation);
  report->width_px = upright.width;
  report->height_px = upright.height;
  report->alpha = picture.kind.alpha;
  report->orientation = picture.exif.orientation;
  report->pages = picture.pages;
  if (!picture.profile.empty()) {
    report->profile = profile_name(picture.profile);
    if (report->profile.empty()) report->profile = "unnamed";
  }
}

Failure open_decoder(const Source& source, Truncated truncated, int max_frames, Opened* opened) {
  const View file = source.file.view();
  const Kind kind = source.signature.kind;
  switch (kind) {
    case Kind::jpeg:
      return open_jpeg(file, truncated, opened);
    case Kind::bmp:
      return open_bmp(file, truncated, opened);
    case Kind::raw:
      return open_raw(file, truncated, opened);
    case Kind::heic:
    case Kind::avif:
      return open_heif(kind, source.container, file, opened);
    case Kind::jxl:
      return open_jxl(file, truncated, max_frames, opened);
    default:
      return open_with_vips(kind, source.container, file, truncated, opened);
  }
}

}  // namespace

Failure open_source(int descriptor, const Limits& limits, Truncated truncated, Source* out,
                    SourceReport* report) {
  out->truncated = truncated;
  if (Failure fault = out->file.read(descriptor, limits.max_file_bytes)) return fault;
  const View file = out->file.view();
  report->size_bytes = static_cast<int64_t>(file.size());
  out->signature = sniff(as_text(file));
  if (out->signature.kind == Kind::tiff && is_camera_raw(file)) {
    out->signature = {Kind::raw, format_of(Kind::raw)->name};
  }
  if (Failure fault = check_kind(out->signature, limits.formats)) return fault;
  report->format = name_of(out->signature.kind);
  const int counted = std::max(limits.max_frames, limits.max_animation_frames);
  if (Failure fault = walk(out->signature.kind, file, counted, &out->container)) return fault;
  if (Failure fault = check_container(*out, limits, report)) return fault;
  if (Failure fault = reopen(limits, truncated, out)) return fault;
  const Picture& picture = out->decoder->picture();
  describe(picture, report);
  if (Failure fault = check_not_empty(picture.size.width, picture.size.height)) return fault;
  const int pages = pages_of(out->signature.kind, picture.pages);
  return check_size(picture.size.width, picture.size.height, pages, limits);
}

Failure reopen(const Limits& limits, Truncated truncated, Source* source) {
  Opened opened;
  Failure fault = open_decoder(*source, truncated, limits.max_frames, &opened);
  source->decoder = std::move(opened.decoder);
  return fault;
}

}  // namespace imgq::image
