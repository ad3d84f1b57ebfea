#include "src/image/strip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "src/image/container.h"

namespace imgq::image {
namespace {

using std::string_view;

constexpr size_t kExifPrefixBytes = 6;  // "Exif\0\0": JPEG's own, others go without

bool is_one_of(View file, size_t at, std::initializer_list<string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](string_view name) { return has(file, at, name); });
}

void append(std::vector<uint8_t>* out, View bytes) {
  out->insert(out->end(), bytes.begin(), bytes.end());
}

void append(std::vector<uint8_t>* out, string_view text) {
  out->insert(out->end(), text.begin(), text.end());
}

View without_prefix(const std::vector<uint8_t>& exif) {
  return View(exif).subspan(kExifPrefixBytes);
}

// --- PNG

void put_be32(std::vector<uint8_t>* out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<uint8_t>(value >> shift));
}

void put_png_chunk(std::vector<uint8_t>* out, string_view name, View data) {
  put_be32(out, static_cast<uint32_t>(data.size()));
  const size_t named = out->size();
  append(out, name);
  append(out, data);
  const View sum = View(*out).subspan(named);
  put_be32(out, static_cast<uint32_t>(::crc32_z(0, sum.data(), sum.size())));
}

// A name, a zero, the method, and the profile compressed by it (PNG third edition, 11.3.2.3).
std::vector<uint8_t> iccp(View profile) {
  constexpr string_view kHead("icc\0\0", 5);
  std::vector<uint8_t> out(kHead.begin(), kHead.end());
  uLongf size = ::compressBound(profile.size());
  out.resize(kHead.size() + size);
  (void)::compress2(out.data() + kHead.size(), &size, profile.data(), profile.size(),
                    9);  // it fits
  out.resize(kHead.size() + size);
  return out;
}

void put_png_metadata(std::vector<uint8_t>* out, const std::vector<uint8_t>& exif, View profile) {
  if (!profile.empty()) put_png_chunk(out, "iCCP", iccp(profile));
  if (!exif.empty()) put_png_chunk(out, "eXIf", without_prefix(exif));
}

// --- WebP

void put_le32(std::vector<uint8_t>* out, size_t at, size_t value) {
  for (size_t i = 0; i < 4; ++i) (*out)[at + i] = static_cast<uint8_t>(value >> (8 * i));
}

void put_chunk(std::vector<uint8_t>* out, string_view name, View data) {
  append(out, name);
  const size_t size_at = out->size();
  out->resize(size_at + 4);
  put_le32(out, size_at, data.size());
  append(out, data);
  if (data.size() % 2 != 0) out->push_back(0);
}

constexpr uint8_t kHasAlpha = 0x10, kHasExif = 0x08, kHasProfile = 0x20, kIsAnimated = 0x02;

uint8_t kept_flags(View file) {
  const bool extended = has(file, 12, "VP8X") && file.size() > 20;
  const uint8_t alpha = extended ? file[20] & kHasAlpha : uint8_t{0};
  return alpha | (webp_chunk(file, "ANIM").empty() ? uint8_t{0} : kIsAnimated);
}

// Flags, three bytes of nothing, width - 1 and height - 1 in three bytes each.
void put_extended_header(std::vector<uint8_t>* out, View file, uint8_t flags) {
  std::vector<uint8_t> header(10);
  header[0] = flags;
  if (has(file, 12, "VP8X")) {
    std::copy_n(file.begin() + 24, 6, header.begin() + 4);
  } else {
    const bool lossless = has(file, 12, "VP8L");
    const uint32_t bits = lossless ? le32(file, 21) : 0;
    const uint32_t width = lossless ? bits & 0x3fff : (le16(file, 26) & 0x3fff) - 1;
    const uint32_t height = lossless ? bits >> 14 & 0x3fff : (le16(file, 28) & 0x3fff) - 1;
    for (size_t i = 0; i < 3; ++i) {
      header[4 + i] = static_cast<uint8_t>(width >> (8 * i));
      header[7 + i] = static_cast<uint8_t>(height >> (8 * i));
    }
  }
  put_chunk(out, "VP8X", header);
}

}  // namespace

std::vector<uint8_t> strip_png(View file, const std::vector<uint8_t>& exif, View profile) {
  constexpr size_t kSignature = 8, kFrame = 12;  // length, name, checksum
  std::vector<uint8_t> out;
  append(&out, file.first(std::min(file.size(), kSignature)));
  for (size_t at = kSignature; at + kFrame <= file.size();) {
    const size_t size = kFrame + be32(file, at);
    if (size > file.size() - at) break;
    if (is_one_of(file, at + 4, {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"})) {
      append(&out, file.subspan(at, size));
    }
    if (has(file, at + 4, "IHDR")) put_png_metadata(&out, exif, profile);
    if (has(file, at + 4, "IEND")) break;
    at += size;
  }
  return out;
}

std::vector<uint8_t> make_png(Size size, uint8_t colour_type, View deflated,
                              const std::vector<uint8_t>& exif, View profile) {
  constexpr string_view kSignature("\x89PNG\r\n\x1a\n");
  constexpr uint8_t kDepth = 8;
  constexpr size_t kFramesOfAll = 128;  // at most, with the header
  std::vector<uint8_t> out, header;
  put_be32(&header, static_cast<uint32_t>(size.width));
  put_be32(&header, static_cast<uint32_t>(size.height));
  append(&header, View(std::array<uint8_t, 5>{kDepth, colour_type, 0, 0, 0}));
  out.reserve(deflated.size() + profile.size() + exif.size() + kFramesOfAll);
  append(&out, kSignature);
  put_png_chunk(&out, "IHDR", header);
  put_png_metadata(&out, exif, profile);
  put_png_chunk(&out, "IDAT", deflated);
  put_png_chunk(&out, "IEND", {});
  return out;
}

std::vector<uint8_t> strip_webp(View file, const std::vector<uint8_t>& exif, View profile) {
  constexpr size_t kHeader = 12, kFrame = 8, kLeastBytes = 30;
  std::vector<uint8_t> out;
  if (file.size() < kLeastBytes) return out;
  append(&out, file.first(kHeader));
  const uint8_t flags = kept_flags(file) | (exif.empty() ? uint8_t{0} : kHasExif) |
                        (profile.empty() ? uint8_t{0} : kHasProfile);
  if (flags != 0) put_extended_header(&out, file, flags);
  if (!profile.empty()) put_chunk(&out, "ICCP", profile);
  for (size_t at = kHeader; at + kFrame <= file.size();) {
    const size_t data = le32(file, at + 4), size = kFrame + data + data % 2;
    if (size > file.size() - at) break;
    if (is_one_of(file, at, {"VP8 ", "VP8L", "ALPH", "ANIM", "ANMF"})) {
      append(&out, file.subspan(at, size));
    }
    at += size;
  }
  if (!exif.empty()) put_chunk(&out, "EXIF", without_prefix(exif));
  put_le32(&out, 4, out.size() - 8);
  return out;
}

}  // namespace imgq::image
