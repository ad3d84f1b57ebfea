#include "src/base/signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>

namespace imgq {
namespace {

using std::string_view;
using namespace std::string_view_literals;

struct Magic {
  size_t at;
  string_view bytes;
  Signature means;
};

// In this order: raw formats that begin like TIFF come before it.
constexpr std::array kMagics{
    Magic{0, "\xff\xd8\xff"sv, {Kind::jpeg, "JPEG"}},
    Magic{0, "\x89PNG\r\n\x1a\n"sv, {Kind::png, "PNG"}},
    Magic{0, "GIF87a"sv, {Kind::gif, "GIF"}},
    Magic{0, "GIF89a"sv, {Kind::gif, "GIF"}},
    Magic{0, "\xff\x0a"sv, {Kind::jxl, "JPEG XL"}},
    Magic{0, "\0\0\0\x0cJXL \r\n\x87\n"sv, {Kind::jxl, "JPEG XL"}},
    Magic{8, "CR\x02"sv, {Kind::unsupported, "camera raw (CR2)"}},
    Magic{0, "FUJIFILMCCD-RAW"sv, {Kind::unsupported, "camera raw (RAF)"}},
    Magic{0, "IIU\0"sv, {Kind::unsupported, "camera raw (RW2)"}},
    Magic{0, "IIRO"sv, {Kind::unsupported, "camera raw (ORF)"}},
    Magic{0, "IIRS"sv, {Kind::unsupported, "camera raw (ORF)"}},
    Magic{0, "FOVb"sv, {Kind::unsupported, "camera raw (X3F)"}},
    Magic{0, "\0MRM"sv, {Kind::unsupported, "camera raw (MRW)"}},
    Magic{0, "II\xbc"sv, {Kind::unsupported, "JPEG XR"}},
    Magic{0, "II*\0"sv, {Kind::tiff, "TIFF"}},
    Magic{0, "MM\0*"sv, {Kind::tiff, "TIFF"}},
    Magic{0, "II+\0"sv, {Kind::tiff, "TIFF"}},
    Magic{0, "MM\0+"sv, {Kind::tiff, "TIFF"}},
    Magic{0, "%PDF-"sv, {Kind::unsupported, "PDF"}},
    Magic{0, "%!PS"sv, {Kind::unsupported, "PostScript"}},
    Magic{0, "\xc5\xd0\xd3\xc6"sv, {Kind::unsupported, "PostScript (EPS)"}},
    Magic{0, "8BPS"sv, {Kind::unsupported, "Photoshop"}},
    Magic{0, "gimp xcf"sv, {Kind::unsupported, "GIMP"}},
    Magic{0, "\0\0\x01\0"sv, {Kind::unsupported, "icon"}},
    Magic{0, "\0\0\x02\0"sv, {Kind::unsupported, "cursor"}},
    Magic{0, "DDS "sv, {Kind::unsupported, "DDS"}},
    Magic{0, "\x76\x2f\x31\x01"sv, {Kind::unsupported, "OpenEXR"}},
    Magic{0, "#?RADIANCE"sv, {Kind::unsupported, "Radiance HDR"}},
    Magic{0, "#?RGBE"sv, {Kind::unsupported, "Radiance HDR"}},
    Magic{0, "\0\0\0\x0cjP  "sv, {Kind::unsupported, "JPEG 2000"}},
    Magic{0, "\xff\x4f\xff\x51"sv, {Kind::unsupported, "JPEG 2000"}},
    Magic{0, "\x8aMNG"sv, {Kind::unsupported, "MNG"}},
    Magic{0, "\x8bJNG"sv, {Kind::unsupported, "JNG"}},
    Magic{0, "qoif"sv, {Kind::unsupported, "QOI"}},
    Magic{0, "FLIF"sv, {Kind::unsupported, "FLIF"}},
    Magic{0, "BPG\xfb"sv, {Kind::unsupported, "BPG"}},
    Magic{0, "AT&TFORM"sv, {Kind::unsupported, "DjVu"}},
    Magic{0, "SIMPLE  ="sv, {Kind::unsupported, "FITS"}},
    Magic{0, "\xd7\xcd\xc6\x9a"sv, {Kind::unsupported, "WMF"}},
    Magic{40, " EMF"sv, {Kind::unsupported, "EMF"}},
    Magic{128, "DICM"sv, {Kind::unsupported, "DICOM"}},
};

bool has(string_view file, size_t at, string_view bytes) {
  return at <= file.size() && file.substr(at, bytes.size()) == bytes;
}

uint32_t byte(string_view file, size_t at) { return static_cast<unsigned char>(file[at]); }

uint32_t be32(string_view file, size_t at) {
  return byte(file, at) << 24U | byte(file, at + 1) << 16U | byte(file, at + 2) << 8U |
         byte(file, at + 3);
}

// BM alone is two letters: the reserved bytes must be zero and the header size be one in use.
bool is_bmp(string_view file) {
  if (!has(file, 0, "BM") || !has(file, 6, "\0\0\0\0"sv) || !has(file, 15, "\0\0\0"sv))
    return false;
  constexpr std::array<uint32_t, 8> kHeaders{12, 16, 40, 52, 56, 64, 108, 124};
  return std::find(kHeaders.begin(), kHeaders.end(), byte(file, 14)) != kHeaders.end();
}

bool is_pnm(string_view file) {
  if (file.size() < 3 || file[0] != 'P' || file[1] < '1' || file[1] > '7') return false;
  return file[2] == '\n' || file[2] == ' ' || file[2] == '\r' || file[2] == '\t';
}

// XML or a comment first, and an svg element near the start; text in UTF-8 or UTF-16.
bool is_svg(string_view file) {
  std::string text;
  const string_view head = file.substr(0, 16384);
  std::copy_if(head.begin(), head.end(), std::back_inserter(text),
               [](char c) { return c != 0 && static_cast<unsigned char>(c) < 0x80; });
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '<') return false;
  if (text.find("<html") != std::string::npos || text.find("<HTML") != std::string::npos) {
    return false;
  }
  return text.find("<svg") != std::string::npos || text.find(":svg") != std::string::npos;
}

// The ISO base media family (ISO/IEC 14496-12) tells its members apart by the brands in its first
// box: size, "ftyp", major brand, minor version, compatible brands.
Signature iso_media(string_view file) {
  if (!has(file, 4, "ftyp") || file.size() < 16) return {};
  const size_t end = std::min<size_t>({file.size(), be32(file, 0), kSignatureBytes});
  bool heic = false;
  for (size_t at = 8; at + 4 <= end; at += 4) {
    if (at == 12) continue;  // minor version
    if (has(file, at, "avif") || has(file, at, "avis")) return {Kind::avif, "AVIF"};
    if (has(file, at, "crx ")) return {Kind::unsupported, "camera raw (CR3)"};
    for (string_view brand :
         {"heic"sv, "heix"sv, "hevc"sv, "hevx"sv, "heim"sv, "heis"sv, "mif1"sv, "msf1"sv}) {
      heic |= has(file, at, brand);
    }
  }
  if (heic) return {Kind::heic, "HEIC"};
  return {Kind::unsupported, "ISO media (a film?)"};
}

}  // namespace

Signature sniff(string_view file) {
  for (const Magic& magic : kMagics) {
    if (has(file, magic.at, magic.bytes)) return magic.means;
  }
  if (has(file, 0, "RIFF") && has(file, 8, "WEBP")) return {Kind::webp, "WebP"};
  if (is_bmp(file)) return {Kind::unsupported, "BMP"};
  if (is_pnm(file)) return {Kind::unsupported, "PNM"};
  if (is_svg(file)) return {Kind::unsupported, "SVG"};
  return iso_media(file);
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
    case Kind::unsupported:
    case Kind::unknown:
      return false;
  }
  return false;
}

std::string not_enabled_words(const Signature& signature) {
  return fmt::format(
      "{} is not enabled: add the two lines '[formats]' and '{} = true' to imgq.toml",
      signature.name, name_of(signature.kind));
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
    case Kind::unsupported:
    case Kind::unknown:
      return "";
  }
  return "";
}

}  // namespace imgq
