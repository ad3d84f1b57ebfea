#include "src/base/sniff.h"

#include <algorithm>

namespace imgq {
namespace {

using namespace std::string_view_literals;

bool is_one_of(std::string_view brand, std::initializer_list<std::string_view> brands) {
  return std::find(brands.begin(), brands.end(), brand) != brands.end();
}

bool has_avif_brand(std::string_view brands) {
  for (; brands.size() >= 4; brands.remove_prefix(4)) {
    if (is_one_of(brands.substr(0, 4), {"avif", "avis"})) return true;
  }
  return false;
}

// ISO/IEC 23008-12 and its like: size, "ftyp", major brand, version, compatible brands.
Kind sniff_box(std::string_view bytes) {
  const std::string_view major = bytes.substr(8, 4);
  if (is_one_of(major, {"avif", "avis"})) return Kind::avif;
  if (is_one_of(major, {"heic", "heix", "heim", "heis", "hevc", "hevx"})) return Kind::heic;
  if (!is_one_of(major, {"mif1", "msf1"})) return Kind::unknown;
  const size_t size =
      (static_cast<unsigned char>(bytes[2]) << 8U) | static_cast<unsigned char>(bytes[3]);
  const std::string_view box = bytes.substr(0, std::max<size_t>(size, 16));
  return has_avif_brand(box.substr(std::min<size_t>(16, box.size()))) ? Kind::avif : Kind::heic;
}

}  // namespace

Kind sniff(std::string_view bytes) {
  if (bytes.starts_with("\xff\xd8\xff"sv)) return Kind::jpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return Kind::png;
  if (bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv)) return Kind::gif;
  if (bytes.starts_with("RIFF"sv) && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP"sv)
    return Kind::webp;
  if (bytes.starts_with("\xff\x0a"sv)) return Kind::jxl;
  if (bytes.starts_with("\0\0\0\x0cJXL \r\n\x87\n"sv)) return Kind::jxl;
  if (bytes.starts_with("II*\0"sv) || bytes.starts_with("MM\0*"sv)) return Kind::tiff;
  if (bytes.starts_with("II+\0"sv) || bytes.starts_with("MM\0+"sv)) return Kind::tiff;
  if (bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp") return sniff_box(bytes);
  return Kind::unknown;
}

bool is_read(Kind kind, const OptionalFormats& formats) {
  switch (kind) {
    case Kind::jpeg:
    case Kind::png:
    case Kind::webp:
    case Kind::gif:
      return true;
    case Kind::heic:
      return formats.heic;
    case Kind::avif:
      return formats.avif;
    case Kind::jxl:
      return formats.jxl;
    case Kind::tiff:
      return formats.tiff;
    case Kind::unknown:
      return false;
  }
  return false;
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::jpeg:
      return "jpeg";
    case Kind::png:
      return "png";
    case Kind::webp:
      return "webp";
    case Kind::gif:
      return "gif";
    case Kind::heic:
      return "heic";
    case Kind::avif:
      return "avif";
    case Kind::jxl:
      return "jxl";
    case Kind::tiff:
      return "tiff";
    case Kind::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace imgq
