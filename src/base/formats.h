#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What is an image: the one table of formats, and what a file is by its first bytes.
namespace imgq {

// What a file is. Names and extensions say nothing.
enum class Kind {
  jpeg,
  png,
  webp,
  gif,
  bmp,
  heic,
  avif,
  jxl,
  tiff,
  raw,          // a camera's; its JPEG preview is read
  unsupported,  // known, and never read
  unknown,      // no image that we know of
};

enum class Format {  // of a result
  jpeg,
  png,
  webp,
  avif,
  automatic,  // "auto": keeps alpha (PNG for a palette or PNG source, else WebP), else JPEG
  keep,       // as the source (a BMP as PNG), or as `automatic` when its format cannot be written
};

// Formats that the configuration can switch off: their decoders are the ones that have needed care.
struct OptionalFormats {
  bool heic = true, avif = true, jxl = true, tiff = true, raw = true;
};

// A format that is read.
struct ImageFormat {
  Kind kind;
  std::string_view word;        // "jpeg": in records and JSON, for --format, under [formats]
  std::string_view name;        // for people: "JPEG"
  std::string_view type;        // "image/jpeg"
  std::string_view extensions;  // "jpg jpeg jpe": what files of it end in, results in the first
  bool (*begins)(std::string_view file);
  bool OptionalFormats::* allowed = nullptr;  // what switches it off; null: it is always read
  std::optional<Format> written = {};         // nothing: it is never written
  int quality = 0;                            // of results, where none is asked for; 0: lossless
};
extern const std::array<ImageFormat, 10> kFormats;

// Each null when there is none.
const ImageFormat* format_of(Kind kind);
const ImageFormat* format_of(Format written);
const ImageFormat* format_named(std::string_view word);
const ImageFormat* format_with_extension(std::string_view extension);  // in small letters

std::vector<std::string> written_formats();             // their words: "jpeg", ...
std::string_view extension_of(std::string_view word);   // "jpeg" -> "jpg"; else "bin"
std::string_view media_type_of(std::string_view word);  // "jpeg" -> "image/jpeg"

struct Signature {
  Kind kind = Kind::unknown;
  std::string_view name;  // for people: "PDF", "camera raw (CR2)"
};

// So many bytes tell every kind that is read, and fewer do when the file has no more. SVG is told
// surely from 16 KiB.
inline constexpr size_t kSignatureBytes = 256;

// A camera raw that begins as a TIFF does (DNG, NEF, ARW, PEF, SRW) is one by these bytes.
Signature sniff(std::string_view file);

bool is_read(Kind kind, const OptionalFormats& formats);

// "HEIC is switched off: ...", with the line of imgq.toml that does so.
std::string not_enabled_words(const Signature& signature);

std::string_view name_of(Kind kind);  // "jpeg", as SourceReport::format; empty when never read

}  // namespace imgq
