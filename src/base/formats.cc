#include "src/base/formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "src/util/text.h"

namespace imgq {
namespace {

using std::string_view;
using namespace std::string_view_literals;

bool has(string_view file, size_t at, string_view bytes) {
  return at <= file.size() && file.substr(at, bytes.size()) == bytes;
}

bool begins_with_one_of(string_view file, std::initializer_list<string_view> magics) {
  return std::any_of(magics.begin(), magics.end(),
                     [file](string_view magic) { return file.starts_with(magic); });
}

uint32_t byte(string_view file, size_t at) { return static_cast<unsigned char>(file[at]); }

uint32_t be32(string_view file, size_t at) {
  return byte(file, at) << 24U | byte(file, at + 1) << 16U | byte(file, at + 2) << 8U |
         byte(file, at + 3);
}

bool is_iso_media(string_view file) { return has(file, 4, "ftyp") && file.size() >= 16; }

// The ISO base media family (ISO/IEC 14496-12) tells its members apart by the brands in its first
// box: size, "ftyp", major brand, minor version, compatible brands.
bool has_brand(string_view file, std::initializer_list<string_view> brands) {
  if (!is_iso_media(file)) return false;
  const size_t end = std::min<size_t>({file.size(), be32(file, 0), kSignatureBytes});
  for (size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
    if (std::find(brands.begin(), brands.end(), file.substr(at, 4)) != brands.end()) return true;
  }
  return false;
}

bool is_avif(string_view file) { return has_brand(file, {"avif", "avis"}); }

bool is_heic(string_view file) {
  if (has_brand(file, {"avif", "avis", "crx "})) return false;
  return has_brand(file, {"heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"});
}

// Those that begin otherwise than a TIFF does.
bool is_raw(string_view file) {
  return has(file, 8, "CR\x02") || has_brand(file, {"crx "}) ||
         begins_with_one_of(file, {"FUJIFILMCCD-RAW"sv, "IIU\0"sv, "IIRO"sv, "IIRS"sv, "MMOR"sv});
}

bool is_tiff(string_view file) {
  return begins_with_one_of(file, {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv}) &&
         !has(file, 8, "CR\x02");
}

// A format that is known and never read.
struct Magic {
  size_t at;
  string_view bytes;
  string_view name;
};

constexpr std::array kNeverRead{
    Magic{0, "FOVb"sv, "camera raw (X3F)"},
    Magic{0, "\0MRM"sv, "camera raw (MRW)"},
    Magic{0, "II\xbc"sv, "JPEG XR"},
    Magic{0, "%PDF-"sv, "PDF"},
    Magic{0, "%!PS"sv, "PostScript"},
    Magic{0, "\xc5\xd0\xd3\xc6"sv, "PostScript (EPS)"},
    Magic{0, "8BPS"sv, "Photoshop"},
    Magic{0, "gimp xcf"sv, "GIMP"},
    Magic{0, "\0\0\x01\0"sv, "icon"},
    Magic{0, "\0\0\x02\0"sv, "cursor"},
    Magic{0, "DDS "sv, "DDS"},
    Magic{0, "\x76\x2f\x31\x01"sv, "OpenEXR"},
    Magic{0, "#?RADIANCE"sv, "Radiance HDR"},
    Magic{0, "#?RGBE"sv, "Radiance HDR"},
    Magic{0, "\0\0\0\x0cjP  "sv, "JPEG 2000"},
    Magic{0, "\xff\x4f\xff\x51"sv, "JPEG 2000"},
    Magic{0, "\x8aMNG"sv, "MNG"},
    Magic{0, "\x8bJNG"sv, "JNG"},
    Magic{0, "qoif"sv, "QOI"},
    Magic{0, "FLIF"sv, "FLIF"},
    Magic{0, "BPG\xfb"sv, "BPG"},
    Magic{0, "AT&TFORM"sv, "DjVu"},
    Magic{0, "SIMPLE  ="sv, "FITS"},
    Magic{0, "\xd7\xcd\xc6\x9a"sv, "WMF"},
    Magic{40, " EMF"sv, "EMF"},
    Magic{128, "DICM"sv, "DICOM"},
};

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

// Only the last bytes of a newer one name it (Truevision TGA 2.0): a header that adds up will do.
bool is_tga(string_view file) {
  constexpr size_t kMapped = 1, kType = 2, kMap = 3, kWidth = 12, kHeight = 14, kDepth = 16,
                   kHeader = 18;
  if (file.size() < kHeader) return false;
  const bool mapped = file[kMapped] == 1;
  const auto type = byte(file, kType) & ~8U, depth = byte(file, kDepth);  // 8: in run lengths
  if (byte(file, kType) > 11 || type < 1 || type > 3 || mapped != (type == 1)) return false;
  if (!mapped && (file[kMapped] != 0 || !has(file, kMap, "\0\0\0\0\0"sv))) return false;
  if (has(file, kWidth, "\0\0"sv) || has(file, kHeight, "\0\0"sv)) return false;
  return depth == 8 || (type == 2 && (depth == 15 || depth == 16 || depth == 24 || depth == 32));
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

template <class Is>
const ImageFormat* first_that(Is is) {
  const auto* found = std::find_if(kFormats.begin(), kFormats.end(), is);
  return found == kFormats.end() ? nullptr : found;
}

}  // namespace

constexpr std::array<ImageFormat, 10> kFormats = {{
    {Kind::jpeg, "jpeg", "JPEG", "image/jpeg", "jpg jpeg jpe",
     [](string_view file) { return file.starts_with("\xff\xd8\xff"); }, nullptr, Format::jpeg, 80},
    {Kind::png, "png", "PNG", "image/png", "png",
     [](string_view file) { return file.starts_with("\x89PNG\r\n\x1a\n"); }, nullptr, Format::png},
    {Kind::webp, "webp", "WebP", "image/webp", "webp",
     [](string_view file) { return file.starts_with("RIFF") && has(file, 8, "WEBP"); }, nullptr,
     Format::webp, 75},
    {Kind::gif, "gif", "GIF", "image/gif", "gif",
     [](string_view file) { return begins_with_one_of(file, {"GIF87a", "GIF89a"}); }},
    {Kind::bmp, "bmp", "BMP", "image/bmp", "bmp dib", is_bmp},
    {Kind::heic, "heic", "HEIC", "image/heic", "heic heif", is_heic, &OptionalFormats::heic},
    {Kind::avif, "avif", "AVIF", "image/avif", "avif", is_avif, &OptionalFormats::avif,
     Format::avif, 50},
    {Kind::jxl, "jxl", "JPEG XL", "image/jxl", "jxl",
     [](string_view file) {
       return begins_with_one_of(file, {"\xff\x0a"sv, "\0\0\0\x0cJXL \r\n\x87\n"sv});
     },
     &OptionalFormats::jxl},
    {Kind::tiff, "tiff", "TIFF", "image/tiff", "tif tiff", is_tiff, &OptionalFormats::tiff},
    {Kind::raw, "raw", "camera raw", "image/x-raw", "dng nef arw cr2 cr3 rw2 orf raf pef srw",
     is_raw, &OptionalFormats::raw},
}};

const ImageFormat* format_of(Kind kind) {
  return first_that([kind](const ImageFormat& format) { return format.kind == kind; });
}

const ImageFormat* format_of(Format written) {
  return first_that([written](const ImageFormat& format) { return format.written == written; });
}

const ImageFormat* format_named(string_view word) {
  return first_that([word](const ImageFormat& format) { return format.word == word; });
}

const ImageFormat* format_with_extension(string_view extension) {
  return first_that([extension](const ImageFormat& format) {
    const auto known = split(format.extensions, ' ');
    return std::find(known.begin(), known.end(), extension) != known.end();
  });
}

std::vector<std::string> written_formats() {
  std::vector<std::string> words;
  for (const ImageFormat& format : kFormats) {
    if (format.written) words.emplace_back(format.word);
  }
  return words;
}

string_view extension_of(string_view word) {
  const ImageFormat* format = format_named(word);
  return format == nullptr ? "bin" : format->extensions.substr(0, format->extensions.find(' '));
}

string_view media_type_of(string_view word) {
  const ImageFormat* format = format_named(word);
  return format == nullptr ? "application/octet-stream" : format->type;
}

Signature sniff(string_view file) {
  for (const ImageFormat& format : kFormats) {
    if (format.begins(file)) return {format.kind, format.name};
  }
  if (is_tga(file)) return {Kind::unsupported, "TGA"};  // before the icons, as it may begin alike
  for (const Magic& magic : kNeverRead) {
    if (has(file, magic.at, magic.bytes)) return {Kind::unsupported, magic.name};
  }
  if (is_pnm(file)) return {Kind::unsupported, "PNM"};
  if (is_svg(file)) return {Kind::unsupported, "SVG"};
  if (is_iso_media(file)) return {Kind::unsupported, "ISO media (a film?)"};
  return {};
}

bool is_read(Kind kind, const OptionalFormats& formats) {
  const ImageFormat* format = format_of(kind);
  return format != nullptr && (format->allowed == nullptr || formats.*format->allowed);
}

std::string not_enabled_words(const Signature& signature) {
  return fmt::format("{} is switched off: the configuration has '{} = false' below '[formats]'",
                     signature.name, name_of(signature.kind));
}

string_view name_of(Kind kind) {
  const ImageFormat* format = format_of(kind);
  return format == nullptr ? "" : format->word;
}

}  // namespace imgq
