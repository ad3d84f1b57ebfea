#include "src/image/container.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "src/image/bmp.h"
#include "src/image/gif_blocks.h"
#include "src/image/heif.h"
#include "src/image/jpeg_markers.h"
#include "src/image/tiff_reader.h"

namespace imgq::image {
namespace {

using namespace std::string_view_literals;

Fault cut() { return {Code::truncated, "the file ends within its header"}; }
Fault broken(const char* what) { return {Code::corrupt_image, what}; }

// --- JPEG: markers, then entropy-coded data up to the next marker.

Failure walk_jpeg(View file, Container* out) {
  size_t at = 2;
  while (const uint8_t marker = next_marker(file, &at)) {
    if (stands_alone(marker)) continue;
    if (marker == 0xd9 || marker == 0xda) return broken("no frame header before the image data");
    if (!holds(file, at, 2)) return cut();
    if (is_frame_header(marker)) {
      if (!holds(file, at, 8)) return cut();
      if (is_rare_process(marker, file[at + 2])) {
        return Fault{Code::unsupported_format, "a lossless, hierarchical, 12-bit or 16-bit JPEG"};
      }
      out->height = be16(file, at + 3);
      if (out->height == 0) {  // ITU T.81, B.2.5
        return Fault{Code::unsupported_format, "a JPEG that tells its height behind its image"};
      }
      out->width = be16(file, at + 5);
      return {};
    }
    at += std::max<size_t>(be16(file, at), 2);
  }
  return cut();
}

bool jpeg_is_cut(View file) {
  size_t at = 2;
  while (const uint8_t marker = next_marker(file, &at)) {
    if (marker == 0xd9) return false;
    if (stands_alone(marker)) continue;
    if (!holds(file, at, 2)) return true;
    at += std::max<size_t>(be16(file, at), 2);
  }
  return true;
}

// --- PNG: length, type, data, checksum.

Failure walk_png(View file, int max_frames, Container* out) {
  if (!holds(file, 8, 21)) return cut();
  if (!has(file, 12, "IHDR")) return broken("no IHDR chunk");
  out->width = be32(file, 16);
  out->height = be32(file, 20);
  const int depth = file[24], colour = file[25];
  out->palette = colour == 3;
  out->interlaced = file[28] != 0;
  const int channels = colour == 0 ? 1 : colour == 4 ? 2 : colour == 6 ? 4 : 3;
  out->bytes_per_pixel = (channels + 1) * (depth == 16 ? 2 : 1);  // 1: tRNS becomes alpha
  for (size_t at = 33; holds(file, at, 12) && !has(file, at + 4, "IDAT");) {
    if (has(file, at + 4, "acTL")) {
      const int64_t most = std::min<int64_t>(int64_t{max_frames} + 1, INT32_MAX);
      out->frames = static_cast<int>(std::clamp<int64_t>(be32(file, at + 8), 1, most));
    }
    at += size_t{12} + be32(file, at);
  }
  return {};
}

bool png_is_cut(View file) {
  size_t at = 8;
  while (holds(file, at, 12)) {
    if (has(file, at + 4, "IEND")) return false;
    at += size_t{12} + be32(file, at);
  }
  return true;
}

// --- GIF: its blocks.

// Behind the block at `at`; kGifEnd when the file ends within it, or what is there is no block.
size_t skip_gif_block(View file, size_t at) {
  if (file[at] == kGifExtension) return skip_sub_blocks(file, at + 2);
  if (file[at] != kGifImage || !holds(file, at, 11)) return kGifEnd;
  return skip_sub_blocks(file, at + 11 + colour_table_bytes(file[at + 9]));
}

struct GifWalk {
  int frames = 0;
  bool ended = false;
  size_t first = 0;  // where the first frame's place stands: left, top, width, height
};

GifWalk walk_gif_blocks(View file, int max_frames) {
  GifWalk seen;
  if (!holds(file, 0, kGifHeader)) return seen;
  size_t at = kGifHeader + colour_table_bytes(file[10]);
  while (at < file.size() && seen.frames <= max_frames) {
    if (file[at] == kGifTrailer) seen.ended = true;
    if (seen.ended) break;
    if (file[at] == kGifImage && ++seen.frames == 1 && holds(file, at, 9)) seen.first = at + 1;
    at = skip_gif_block(file, at);
  }
  return seen;
}

Failure walk_gif(View file, int max_frames, Container* out) {
  if (!holds(file, 0, kGifHeader)) return cut();
  out->width = le16(file, 6);
  out->height = le16(file, 8);
  out->palette = true;
  const GifWalk seen = walk_gif_blocks(file, max_frames);
  if (seen.frames == 0 && seen.ended) return broken("a GIF without an image");
  if (seen.first != 0) {
    const auto number = [&](size_t index) {
      return static_cast<int>(le16(file, seen.first + 2 * index));
    };
    out->first_frame = {number(0), number(1), number(2), number(3)};
    if (out->width == 0 || out->height == 0) {
      out->width = out->first_frame.width;
      out->height = out->first_frame.height;
    }
  }
  out->frames = std::max(seen.frames, 1);
  return {};
}

// --- BMP: headers, which say it all.

Failure walk_bmp(View file, Container* out) {
  Bmp bmp;
  if (Failure fault = read_bmp(file, &bmp)) return fault;
  out->width = bmp.size.width;
  out->height = bmp.size.height;
  out->palette = bmp.bits <= 8;
  return {};
}

// --- WebP: RIFF chunks, padded to even.

// Behind the chunk at `at`.
size_t next_chunk(View file, size_t at) {
  const size_t size = le32(file, at + 4);
  return at + 8 + size + size % 2;
}

// The image of a frame stands behind the 16 bytes that place it.
void walk_webp_chunks(View file, int max_frames, Container* out) {
  int frames = 0;
  for (size_t at = 12; holds(file, at, 8) && frames <= max_frames; at = next_chunk(file, at)) {
    const bool frame = has(file, at, "ANMF");
    frames += frame ? 1 : 0;
    const size_t image = frame ? at + 8 + 16 : at;
    out->lossless |= has(file, image, "VP8L");
    out->alpha_beside |= has(file, image, "ALPH");
  }
  out->frames = std::max(frames, 1);
}

Failure walk_webp(View file, int max_frames, Container* out) {
  if (!holds(file, 0, 30)) return cut();
  if (has(file, 12, "VP8X")) {
    out->width = int64_t{le24(file, 24)} + 1;
    out->height = int64_t{le24(file, 27)} + 1;
    walk_webp_chunks(file, max_frames, out);
  } else if (has(file, 12, "VP8L")) {
    out->lossless = true;
    const uint32_t bits = le32(file, 21);
    out->width = int64_t{bits & 0x3fff} + 1;
    out->height = int64_t{bits >> 14 & 0x3fff} + 1;
  } else if (has(file, 12, "VP8 ")) {
    out->width = le16(file, 26) & 0x3fff;
    out->height = le16(file, 28) & 0x3fff;
  } else {
    return broken("no image chunk at the start");
  }
  return {};
}

bool webp_is_cut(View file) {
  return !holds(file, 0, 30) || size_t{8} + le32(file, 4) > file.size();
}

// --- TIFF: a chain of directories, each a page. They are counted, each being work for the decoder;
// of one it is read whether it can be decoded at all.

constexpr uint32_t kSubfileType = 254, kBitsPerSample = 258, kCompression = 259, kPhotometric = 262,
                   kStripOffsets = 273, kStripBytes = 279, kPlanes = 284, kTileWidth = 322,
                   kTileOffsets = 324, kTileBytes = 325, kExtraSamples = 338, kSampleFormat = 339;

// What libvips' loader cannot read, or reads as garbage; nothing when it can.
const char* rare_tiff(const TiffReader& tiff, size_t page) {
  const auto is = [&](uint32_t tag, uint64_t value) {
    return tiff.first_value(page, tag) == value;
  };
  const bool floating = is(kSampleFormat, 3);
  if (is(kPhotometric, 9)) return "a TIFF in ICCLab";
  if (is(kPhotometric, 8) && is(kBitsPerSample, 8)) return "a TIFF in CIELab of 8 bits";
  if (is(kSampleFormat, 5) || is(kSampleFormat, 6)) return "a TIFF of complex numbers";
  if (is(kBitsPerSample, 12)) return "a TIFF of 12 bits a sample";
  if (is(kBitsPerSample, 16) && floating) return "a TIFF of half floats";
  if (is(kBitsPerSample, 32) && !floating) return "a TIFF of 32-bit integers";
  if (is(kCompression, 6)) return "a TIFF with old-style JPEG";
  if (is(kPlanes, 2) && tiff.values(page, kTileWidth).count > 0) return "a TIFF of tiled planes";
  if (is(kPhotometric, 6) && !is(kCompression, 7)) return "a TIFF in YCbCr without JPEG";
  return nullptr;
}

// A page that is a smaller copy of another is none, if there is that other.
Failure walk_tiff(View file, int max_frames, Container* out) {
  if (!holds(file, 0, 16)) return cut();
  const TiffReader tiff(file);
  int pages = 0;
  size_t picture = 0;
  for (size_t at = tiff.first(); at != 0 && at < file.size() && pages <= max_frames; ++pages) {
    if (pages == 0 && tiff.is_cut(at)) return cut();
    if (tiff.entries(at) == 0) return broken("an empty or impossible directory");
    if (picture == 0 && (tiff.first_value(at, kSubfileType) & 1) == 0) {
      picture = at;
      out->page = pages;
    }
    at = tiff.after(at);
  }
  if (pages == 0) return tiff.first() == 0 ? broken("no directory") : cut();
  if (picture == 0) {
    return Fault{Code::unsupported_format, "a TIFF of smaller copies alone"};
  }
  if (const char* rare = rare_tiff(tiff, picture)) return Fault{Code::unsupported_format, rare};
  const auto extra = tiff.values(picture, kExtraSamples);
  out->unspecified_extra = extra.count > 0 && tiff.value(extra, 0) == 0;
  out->frames = pages;
  return {};
}

bool is_outside(View file, const TiffReader& tiff, size_t page, uint32_t offsets, uint32_t sizes) {
  const auto at = tiff.values(page, offsets), size = tiff.values(page, sizes);
  for (size_t i = 0; i < std::min(at.count, size.count); ++i) {
    if (!holds(file, tiff.value(at, i), tiff.value(size, i))) return true;
  }
  return false;
}

bool tiff_is_cut(View file) {
  if (!holds(file, 0, 16)) return true;
  const TiffReader tiff(file);
  const size_t page = tiff.first();
  return tiff.is_cut(page) || is_outside(file, tiff, page, kStripOffsets, kStripBytes) ||
         is_outside(file, tiff, page, kTileOffsets, kTileBytes);
}

// --- ISO boxes (HEIC, AVIF, JXL in a container): each top-level box must fit.

bool boxes_are_cut(View file) {
  size_t at = 0;
  while (holds(file, at, 8)) {
    const size_t size = be32(file, at);
    if (size == 0) return false;  // to the end of the file, wherever that is
    if (size == 1 || size < 8) return size == 1 && !holds(file, at, 16);
    at += size;
  }
  return at != file.size();
}

}  // namespace

Failure walk(Kind kind, View file, int max_frames, Container* out) {
  switch (kind) {
    case Kind::jpeg:
      return walk_jpeg(file, out);
    case Kind::png:
      return walk_png(file, max_frames, out);
    case Kind::gif:
      return walk_gif(file, max_frames, out);
    case Kind::bmp:
      return walk_bmp(file, out);
    case Kind::webp:
      return walk_webp(file, max_frames, out);
    case Kind::tiff:
      return walk_tiff(file, max_frames, out);
    case Kind::heic:
    case Kind::avif:
      read_heif_properties(file, out);
      return {};
    case Kind::jxl:
    case Kind::raw:
    case Kind::unsupported:
    case Kind::unknown:
      return {};
  }
  return {};
}

View png_chunk(View file, std::string_view name, std::string_view before) {
  for (size_t at = 8; holds(file, at, 12) && !has(file, at + 4, before);) {
    const size_t size = be32(file, at);
    if (size > file.size() - at - 12) break;
    if (has(file, at + 4, name)) return file.subspan(at + 8, size);
    at += size_t{12} + size;
  }
  return {};
}

View webp_chunk(View file, std::string_view name) {
  for (size_t at = 12; holds(file, at, 8); at = next_chunk(file, at)) {
    if (!has(file, at, name)) continue;
    return file.subspan(at + 8, std::min<size_t>(le32(file, at + 4), file.size() - at - 8));
  }
  return {};
}

bool is_cut_short(Kind kind, View file) {
  switch (kind) {
    case Kind::jpeg:
      return jpeg_is_cut(file);
    case Kind::png:
      return png_is_cut(file);
    case Kind::gif:
      return !walk_gif_blocks(file, INT32_MAX - 1).ended;
    case Kind::webp:
      return webp_is_cut(file);
    case Kind::tiff:
      return tiff_is_cut(file);
    case Kind::heic:
    case Kind::avif:
      return boxes_are_cut(file);
    case Kind::jxl:
      return !has(file, 0, "\xff\x0a"sv) && boxes_are_cut(file);
    case Kind::bmp:
    case Kind::raw:
    case Kind::unsupported:
    case Kind::unknown:
      return false;
  }
  return false;
}

}  // namespace imgq::image
