#include "src/image/exif.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace imgq::image {
namespace {

using namespace std::string_view_literals;

constexpr uint32_t kOrientation = 0x0112, kArtist = 0x013b, kCopyright = 0x8298;
constexpr uint32_t kExifDirectory = 0x8769, kColourSpace = 0xa001, kInteroperability = 0xa005;
constexpr uint32_t kInteroperabilityIndex = 1;
constexpr uint32_t kByte = 1, kAscii = 2, kShort = 3, kLong = 4, kSignedLong = 9;
constexpr auto kPrefix = "Exif\0\0"sv;
constexpr size_t kMaxTextBytes = 4096;

// A TIFF structure: every number is read with a bounds check, and is 0 outside.
class Tiff {
 public:
  explicit Tiff(View block) : block_(block), little_(has(block, 0, "II")) {}
  uint32_t one(size_t at) const { return at < block_.size() ? block_[at] : 0; }
  uint32_t two(size_t at) const {
    if (at + 2 > block_.size()) return 0;
    return little_ ? le16(block_, at) : be16(block_, at);
  }
  uint32_t four(size_t at) const {
    if (at + 4 > block_.size()) return 0;
    return little_ ? le32(block_, at) : be32(block_, at);
  }
  // The text of the entry at `at`, up to its first zero byte.
  std::string text(size_t at) const {
    const size_t count = std::min<size_t>(four(at + 4), kMaxTextBytes);
    const size_t from = four(at + 4) <= 4 ? at + 8 : four(at + 8);
    if (two(at + 2) != kAscii || from > block_.size() || block_.size() - from < count) return {};
    const View bytes = block_.subspan(from, count);
    return {bytes.begin(), std::find(bytes.begin(), bytes.end(), 0)};
  }

 private:
  View block_;
  bool little_;
};

// Of the entry at `at`: a SHORT by the standard, but some write another whole number.
int orientation_in(const Tiff& tiff, size_t at) {
  const uint32_t type = tiff.two(at + 2);
  uint32_t value = 0;
  if (type == kShort) value = tiff.two(at + 8);
  if (type == kByte) value = tiff.one(at + 8);
  if (type == kLong || type == kSignedLong) value = tiff.four(at + 8);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

// Where the entry of a tag is; 0 when the directory has none.
size_t entry_of(const Tiff& tiff, size_t directory, uint32_t tag) {
  const uint32_t entries = directory == 0 ? 0 : tiff.two(directory);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + size_t{12} * i;
    if (tiff.two(at) == tag) return at;
  }
  return 0;
}

void read_colour(const Tiff& tiff, size_t directory, Exif* out) {
  const size_t more = entry_of(tiff, directory, kExifDirectory);
  const size_t inner = more == 0 ? 0 : tiff.four(more + 8);
  const size_t space = entry_of(tiff, inner, kColourSpace);
  const uint32_t colour = space == 0 ? 0 : tiff.two(space + 8);
  const size_t further = entry_of(tiff, inner, kInteroperability);
  const size_t index =
      further == 0 ? 0 : entry_of(tiff, tiff.four(further + 8), kInteroperabilityIndex);
  const bool option = index != 0 && tiff.text(index) == "R03";
  out->has_colour = space != 0;
  out->adobe_rgb = colour == 2 || (colour == 65535 && option);
}

// By its own number or by that of a camera: Olympus' and Panasonic's.
bool is_made_like_tiff(View block) {
  constexpr std::array kMagics{"II*\0"sv, "MM\0*"sv, "IIRO"sv, "IIRS"sv, "MMOR"sv, "IIU\0"sv};
  return std::any_of(kMagics.begin(), kMagics.end(),
                     [block](std::string_view magic) { return has(block, 0, magic); });
}

void put(std::vector<uint8_t>& out, uint32_t value, int width) {
  for (int i = 0; i < width; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

struct Text {
  uint32_t tag;
  const std::string* value;
};

// Values of up to four bytes stand in the entry itself.
void put_entry(std::vector<uint8_t>& out, const Text& text, uint32_t* data_at) {
  const auto size = static_cast<uint32_t>(text.value->size() + 1);
  put(out, text.tag, 2);
  put(out, kAscii, 2);
  put(out, size, 4);
  if (size > 4) {
    put(out, *data_at, 4);
    *data_at += size;
    return;
  }
  for (uint32_t i = 0; i < 4; ++i) {
    out.push_back(i + 1 < size ? static_cast<uint8_t>((*text.value)[i]) : uint8_t{0});
  }
}

std::vector<uint8_t> block_of(const std::vector<Text>& texts) {
  std::vector<uint8_t> out{'E', 'x', 'i', 'f', 0, 0, 'I', 'I', '*', 0, 8, 0, 0, 0};
  put(out, static_cast<uint32_t>(texts.size()), 2);
  auto data_at = static_cast<uint32_t>(8 + 2 + 12 * texts.size() + 4);
  for (const Text& text : texts) put_entry(out, text, &data_at);
  put(out, 0, 4);
  for (const Text& text : texts) {
    if (text.value->size() + 1 <= 4) continue;
    out.insert(out.end(), text.value->begin(), text.value->end());
    out.push_back(0);
  }
  return out;
}

}  // namespace

Exif read_exif(View block) {
  if (has(block, 0, kPrefix)) block = block.subspan(kPrefix.size());
  Exif exif;
  if (!is_made_like_tiff(block)) return exif;
  const Tiff tiff(block);
  const size_t directory = tiff.four(4);
  read_colour(tiff, directory, &exif);
  const uint32_t entries = tiff.two(directory);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + size_t{12} * i;
    if (at + 12 > block.size()) break;
    if (tiff.two(at) == kArtist) exif.artist = tiff.text(at);
    if (tiff.two(at) == kCopyright) exif.copyright = tiff.text(at);
    if (tiff.two(at) != kOrientation) continue;
    exif.orientation = orientation_in(tiff, at);
    exif.has_orientation = true;
  }
  return exif;
}

std::vector<uint8_t> empty_exif() { return block_of({}); }

std::vector<uint8_t> write_exif(const Exif& exif) {
  std::vector<Text> texts;
  if (!exif.artist.empty()) texts.push_back({kArtist, &exif.artist});
  if (!exif.copyright.empty()) texts.push_back({kCopyright, &exif.copyright});
  return texts.empty() ? std::vector<uint8_t>() : block_of(texts);
}

}  // namespace imgq::image
