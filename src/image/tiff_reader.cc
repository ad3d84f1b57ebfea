#include "src/image/tiff_reader.h"

#include <algorithm>
#include <array>

namespace imgq::image {
namespace {

constexpr size_t kMostEntries = 4096;

// Of a value, by its type; 0: of none that is known.
size_t bytes_of(uint64_t type) {
  constexpr std::array<uint8_t, 19> kBytes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < kBytes.size() ? kBytes[static_cast<size_t>(type)] : 0;
}

// The same of whole numbers without a sign, and of bytes of any kind.
size_t width_of(uint64_t type) {
  constexpr std::array kWhole{1U, 2U, 7U, 3U, 4U, 13U, 16U, 18U};  // BYTE, ASCII, ... IFD8
  return std::find(kWhole.begin(), kWhole.end(), type) == kWhole.end() ? 0 : bytes_of(type);
}

}  // namespace

TiffReader::TiffReader(View file) : file_(file), big_endian_(has(file, 0, "M")) {
  wide_ = file.size() >= 4 && file[2] + file[3] == '+';
}

uint64_t TiffReader::number(size_t at, size_t width) const {
  uint64_t value = 0;
  for (size_t i = 0; i < width && holds(file_, at, width); ++i) {
    value = value << 8 | file_[big_endian_ ? at + i : at + width - 1 - i];
  }
  return value;
}

size_t TiffReader::entry_at(size_t directory, size_t index) const {
  return directory + count_bytes() + index * entry_bytes();
}

size_t TiffReader::entries(size_t directory) const {
  const size_t count = number(directory, count_bytes());
  return count > std::min(file_.size() / entry_bytes(), kMostEntries) ? 0 : count;
}

bool TiffReader::is_cut(size_t directory) const {
  const size_t count = number(directory, count_bytes());
  if (!holds(file_, directory, count_bytes())) return true;
  if (count > kMostEntries) return false;
  if (!holds(file_, entry_at(directory, count), 0)) return true;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = entry_at(directory, i), value_at = at + 4 + offset_bytes();
    const size_t values = std::min<size_t>(number(at + 4, offset_bytes()), file_.size());
    const size_t bytes = values * bytes_of(number(at + 2, 2));
    if (bytes > offset_bytes() && !holds(file_, number(value_at, offset_bytes()), bytes)) {
      return true;
    }
  }
  return false;
}

size_t TiffReader::after(size_t directory) const {
  const size_t count = entries(directory);
  return count == 0 ? 0 : number(entry_at(directory, count), offset_bytes());
}

TiffReader::Values TiffReader::values(size_t directory, uint32_t tag) const {
  for (size_t i = 0, count = entries(directory); i < count; ++i) {
    const size_t at = entry_at(directory, i);
    if (number(at, 2) != tag) continue;
    Values found{at + 4 + offset_bytes(), number(at + 4, offset_bytes()),
                 width_of(number(at + 2, 2))};
    if (found.count > file_.size()) return {};
    if (found.count * found.width > offset_bytes()) found.at = number(found.at, offset_bytes());
    return found;
  }
  return {};
}

uint64_t TiffReader::value(const Values& values, size_t index) const {
  return index < values.count ? number(values.at + index * values.width, values.width) : 0;
}

uint64_t TiffReader::first_value(size_t directory, uint32_t tag) const {
  return value(values(directory, tag), 0);
}

}  // namespace imgq::image
