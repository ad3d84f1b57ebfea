#include "src/image/raw_preview.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "src/image/geometry.h"
#include "src/image/iso_boxes.h"
#include "src/image/jpeg_markers.h"
#include "src/image/tiff_reader.h"

namespace imgq::image {
namespace {

using namespace std::string_view_literals;

constexpr size_t kMostDirectories = 64, kMostPreviews = 64, kMostTracks = 8;
constexpr size_t kJpegHeadBytes = size_t{4} << 20;  // profiles and EXIF stand before the frame
constexpr int kLeastSidePx = 320;                   // a thumbnail has 160, or 256

namespace raw_tag {
constexpr uint32_t kWidth = 256, kHeight = 257, kPhotometric = 262, kStripOffsets = 273,
                   kStripBytes = 279, kSubDirectories = 330, kJpegOffset = 513, kJpegBytes = 514,
                   kExifDirectory = 34665, kMakerNote = 37500, kDngVersion = 50706;
}  // namespace raw_tag
constexpr uint32_t kPanasonicJpeg = 0x2e, kPanasonicLargerJpeg = 0x127;
constexpr uint32_t kOlympusSettings = 0x2020, kOlympusOffset = 0x101, kOlympusBytes = 0x102;

int64_t area(Size size) { return int64_t{size.width} * size.height; }

// Of a JPEG that is a picture for everybody; raw data can be one, too, but of another kind.
std::optional<Size> displayed_size(View jpeg) {
  if (!has(jpeg, 0, "\xff\xd8\xff"sv)) return std::nullopt;
  const View head = jpeg.first(std::min(jpeg.size(), kJpegHeadBytes));
  size_t at = 2;
  while (const uint8_t marker = next_marker(head, &at)) {
    if (stands_alone(marker)) continue;
    if (marker == 0xd9 || marker == 0xda || !holds(head, at, 8)) break;
    if (is_frame_header(marker)) {
      const Size size{static_cast<int>(be16(head, at + 5)), static_cast<int>(be16(head, at + 3))};
      const int bits = head[at + 2], components = head[at + 7];
      const bool shown = marker <= 0xc2 && bits == 8 && (components == 1 || components == 3);
      return shown && area(size) > 0 ? std::optional(size) : std::nullopt;
    }
    at += std::max<size_t>(be16(head, at), 2);
  }
  return std::nullopt;
}

// The previews that were found.
class Previews {
 public:
  // A place in `part`, which need not lie within it.
  void add(View part, uint64_t at, uint64_t bytes) {
    if (at == 0 || bytes == 0 || ++seen_ > kMostPreviews) return;
    if (at >= part.size()) {
      missing_ = true;
      return;
    }
    const View rest = part.subspan(at);
    const View jpeg = rest.first(std::min<uint64_t>(bytes, rest.size()));
    const auto size = displayed_size(jpeg);
    if (size && area(*size) > area(size_)) {
      jpeg_ = jpeg;
      size_ = *size;
      cut_ = jpeg.size() < bytes;
    }
  }

  View jpeg() const { return jpeg_; }
  Size size() const { return size_; }
  bool incomplete() const { return cut_ || missing_; }

 private:
  View jpeg_;
  Size size_{0, 0};
  bool cut_ = false;      // the largest is
  bool missing_ = false;  // nothing at all is left of another
  size_t seen_ = 0;
};

// Walks the directories of a raw that is made like a TIFF, or of a part of one.
class RawWalk {
 public:
  explicit RawWalk(View file)
      : file_(file),
        tiff_(file),
        panasonic_(has(file, 0, "IIU\0"sv)),
        olympus_(has(file, 0, "IIRO") || has(file, 0, "IIRS") || has(file, 0, "MMOR")) {
    visit_from(tiff_.first());
    for (size_t i = 0; i < directories_.size(); ++i) read(directories_[i]);
  }

  const Previews& previews() const { return previews_; }
  Size largest() const { return largest_; }  // that a directory speaks of
  bool is_raw() const {
    return raw_ || tiff_.values(tiff_.first(), raw_tag::kDngVersion).count > 0;
  }

 private:
  void visit_from(size_t directory) {
    while (directory != 0 && directories_.size() < kMostDirectories &&
           std::find(directories_.begin(), directories_.end(), directory) == directories_.end()) {
      directories_.push_back(directory);
      directory = tiff_.after(directory);
    }
  }

  void read(size_t directory) {
    const uint64_t photometric = tiff_.first_value(directory, raw_tag::kPhotometric);
    const bool raw = photometric == 32803 || photometric == 34892;
    raw_ |= raw;
    read_size(directory);
    previews_.add(file_, tiff_.first_value(directory, raw_tag::kJpegOffset),
                  tiff_.first_value(directory, raw_tag::kJpegBytes));
    if (!raw) add_strip(directory);
    if (panasonic_) {
      add_value(directory, kPanasonicJpeg);
      add_value(directory, kPanasonicLargerJpeg);
    }
    if (olympus_) read_maker_note(tiff_.first_value(directory, raw_tag::kExifDirectory));
    const auto further = tiff_.values(directory, raw_tag::kSubDirectories);
    for (size_t i = 0; i < std::min(further.count, kMostDirectories); ++i) {
      visit_from(tiff_.value(further, i));
    }
  }

  void read_size(size_t directory) {
    constexpr uint64_t kMostPx = 1 << 20;
    const uint64_t width = tiff_.first_value(directory, raw_tag::kWidth),
                   height = tiff_.first_value(directory, raw_tag::kHeight);
    if (width > kMostPx || height > kMostPx) return;
    const Size size{static_cast<int>(width), static_cast<int>(height)};
    if (area(size) > area(largest_)) largest_ = size;
  }

  void add_strip(size_t directory) {
    const auto at = tiff_.values(directory, raw_tag::kStripOffsets),
               bytes = tiff_.values(directory, raw_tag::kStripBytes);
    if (at.count == 1) previews_.add(file_, tiff_.value(at, 0), tiff_.value(bytes, 0));
  }

  void add_value(size_t directory, uint32_t tag) {
    const auto value = tiff_.values(directory, tag);
    if (value.width == 1) previews_.add(file_, value.at, value.count);
  }

  // Its offsets are counted from its start.
  void read_maker_note(size_t directory) {
    const auto value = tiff_.values(directory, raw_tag::kMakerNote);
    if (value.count == 0 || value.at >= file_.size()) return;
    const View note = file_.subspan(value.at);
    const bool newer = has(note, 0, "OM SYSTEM\0\0\0"sv);
    if (!newer && !has(note, 0, "OLYMPUS\0"sv)) return;
    const size_t head = newer ? 16 : 12;
    const TiffReader reader(note, has(note, head - 4, "MM"));
    const size_t settings = reader.first_value(head, kOlympusSettings);
    if (settings == 0) return;
    previews_.add(note, reader.first_value(settings, kOlympusOffset),
                  reader.first_value(settings, kOlympusBytes));
  }

  View file_;
  TiffReader tiff_;
  bool panasonic_, olympus_;
  std::vector<size_t> directories_;
  Previews previews_;
  Size largest_{0, 0};
  bool raw_ = false;
};

// --- Fuji: what is wanted stands at a fixed place.

void search_raf(View file, Previews* out) {
  if (holds(file, 84, 8)) out->add(file, be32(file, 84), be32(file, 88));
}

// --- Canon's CR3: boxes. Each track of the film has one sample, one of them the JPEG.

View uuid_box(View part, std::string_view uuid) {
  for (size_t at = 0; const auto box = next_box(part, &at);) {
    if (box->type == "uuid" && has(box->body, 0, uuid)) return box->body.subspan(uuid.size());
  }
  return {};
}

void add_sample(View file, View samples, Previews* out) {
  Numbers sizes(find_box(samples, "stsz"));
  (void)sizes.next(kFullBoxHead);
  uint32_t bytes = sizes.next(4);
  (void)sizes.next(4);
  if (bytes == 0) bytes = sizes.next(4);
  Numbers offsets(find_box(samples, "co64"));
  (void)offsets.next(kFullBoxHead + 4);
  const uint64_t high = offsets.next(4), low = offsets.next(4);
  if (sizes.good() && offsets.good()) out->add(file, high << 32 | low, bytes);
}

void search_cr3(View file, View movie, Previews* out) {
  size_t tracks = 0;
  for (size_t at = 0; const auto box = next_box(movie, &at);) {
    if (box->type != "trak" || ++tracks > kMostTracks) continue;
    add_sample(file, find_box(find_box(find_box(box->body, "mdia"), "minf"), "stbl"), out);
  }
  const View previews =
      uuid_box(file, "\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16"sv);
  if (previews.size() < 8) return;
  const View preview = find_box(previews.subspan(8), "PRVW");
  if (holds(preview, 0, 16)) out->add(preview, 16, be32(preview, 12));
}

// --- All of them

struct Found {
  Previews previews;
  Size largest{0, 0};
  Exif exif;
};

Found search(View file) {
  Found found;
  View tiff = file;
  if (has(file, 0, "FUJIFILMCCD-RAW")) {
    search_raf(file, &found.previews);
    return found;
  }
  if (has(file, 4, "ftyp")) {
    const View movie = find_box(file, "moov");
    search_cr3(file, movie, &found.previews);
    tiff = find_box(
        uuid_box(movie, "\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48"sv),
        "CMT1");
    found.largest = RawWalk(tiff).largest();
  } else {
    const RawWalk walk(tiff);
    found.previews = walk.previews();
    found.largest = walk.largest();
  }
  found.exif = read_exif(tiff);
  return found;
}

// A camera that was turned stores its pictures as the sensor lies, and says how to turn them. Some
// (Coolpix 5700) turn the preview themselves and say so none the less.
bool stands_upright(Size preview, Size raw) {
  return preview.height > preview.width && raw.width > raw.height;
}

}  // namespace

bool is_camera_raw(View tiff) { return RawWalk(tiff).is_raw(); }

Failure find_preview(View file, Truncated truncated, RawPreview* out) {
  const Found found = search(file);
  const Size size = found.previews.size();
  if (found.previews.incomplete() && truncated == Truncated::refuse) {
    return Fault{Code::truncated, "the file ends before its preview does"};
  }
  if (area(size) == 0) {
    return Fault{Code::unsupported_format, "a camera raw without a preview in it"};
  }
  if (std::max(size.width, size.height) < kLeastSidePx) {
    return Fault{Code::unsupported_format,
                 fmt::format("a camera raw that has but a thumbnail of {}x{} in it", size.width,
                             size.height)};
  }
  out->jpeg = found.previews.jpeg();
  out->cut = found.previews.incomplete();
  out->exif = found.exif;
  if (out->exif.orientation >= 5 && stands_upright(size, found.largest)) out->exif.orientation = 1;
  return {};
}

}  // namespace imgq::image
