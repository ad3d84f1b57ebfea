#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/formats.h"
#include "src/util/error.h"
#include "src/util/json_fwd.h"

// What is asked of an image: values and their JSON, as it stands in a ticket's "request" and goes
// to the worker. No pixels here.
namespace imgq {

enum class Fit {
  fit,    // whole image inside width x height, ratio kept
  fill,   // covers width x height exactly, what is over is cut off by `anchor`
  force,  // width x height exactly, ratio not kept
  pad,    // as fit, then filled up to width x height exactly with `background`
};

enum class Anchor {  // which part `fill` keeps
  centre,
  north,
  north_east,
  east,
  south_east,
  south,
  south_west,
  west,
  north_west,
  attention,
  entropy,
  focus,
};

enum class Enlarge { never, allow };
// JPEG, AVIF: 4:2:0 or 4:4:4; automatic: 4:4:4 for flat art, else 4:2:0
enum class Chroma { automatic, subsampled, full };
enum class Scan { baseline, progressive };        // JPEG, PNG (interlaced)
enum class Metadata { strip, keep_copyright };    // keep_copyright: EXIF Artist and Copyright only
enum class Recompress { unless_larger, always };  // than the source, whose coding is kept instead
enum class PixelShape { as_stored, square };  // square: stretched where the file says they are not
enum class Light { as_stored, linear };       // what is averaged: sRGB's values, or the light
enum class Colours { srgb, keep };            // keep: as stored, with the profile beside

enum class Border { kept, trimmed };      // trimmed: edges of the upper left corner's colour go
enum class Shades { coloured, grey };     // grey: the light of each pixel alone
enum class Motion { first_frame, kept };  // of a GIF or WebP, in a WebP
enum class Loss { allowed, none };        // WebP; PNG never has any

struct Rgb {
  uint8_t red = 255, green = 255, blue = 255;
};

struct Rendition {
  std::string name = "thumb";  // [a-z0-9][a-z0-9_-]{0,31}; part of the result's file name
  int width_px = 500;  // 0: free, follows from the other (then fit is Fit::fit); never both 0
  int height_px = 500;
  Fit fit = Fit::fit;
  Anchor anchor = Anchor::centre;
  double focus_x = 0.5, focus_y = 0.5;  // 0..1 of the upright, trimmed image, for Anchor::focus
  Enlarge enlarge = Enlarge::never;
  Format format = Format::jpeg;
  int quality = 0;  // 1..100; 0: the format's default (src/base/formats.h)
  Chroma chroma = Chroma::automatic;
  Scan scan = Scan::baseline;
  int64_t max_bytes = 0;  // best quality that fits, by bisection; 0: no target
  Rgb background;      // under transparency, where the result has none; what Fit::pad fills up with
  double sharpen = 0;  // sigma in pixels of the result, 0..10; 0: none
  Border border = Border::kept;
  Shades shades = Shades::coloured;
  Loss loss = Loss::allowed;
  Motion motion = Motion::first_frame;
  Metadata metadata = Metadata::strip;
  Recompress recompress = Recompress::unless_larger;
  PixelShape pixels = PixelShape::as_stored;  // of JPEG and PNG; TIFF is always made square
  Light light = Light::as_stored;
  Colours colours = Colours::srgb;
  std::string watermark;  // a name, see src/base/watermark.h; empty: none
};

inline constexpr size_t kMaxRenditions = 16;
inline constexpr int kMaxResultSidePx = 8192;
inline constexpr int64_t kMaxTargetBytes = int64_t{1} << 40;
inline constexpr double kMaxSharpen = 10;

enum class Truncated { refuse, accept };  // --lenient accepts, and the report notes it

struct Request {
  std::vector<Rendition> renditions{Rendition{}};
  Truncated truncated = Truncated::refuse;
  std::string preset;  // where the renditions came from; for display only
};

size_t count_watermarked(const Request& request);  // its renditions that name one

std::string to_json(const Request& request);

//   errors  code 0: which field of which rendition is wrong and what would be right; unknown fields
//           are errors; two renditions of one name; none; more than kMaxRenditions
Result<Request> parse_request(std::string_view json, std::string_view path);
Result<Request> request_from(const Json& object);

// Checks bounds as parse_request does. For requests built from options or configuration.
Status check(const Request& request);

// A field of a rendition, the same for all who ask for one: records and imgq.toml, where values
// have JSON's types, and the command line, the query of HTTP and a form, where they are text.
struct RenditionField {
  std::string_view name;   // "max_bytes"
  std::string_view takes;  // "bytes, or a size as in \"200KiB\""; empty: its words
  std::string (*words)();  // all that it takes, where they are few; else null
  //   errors  code 0: what was given and what is allowed
  Status (*set)(Rendition& rendition, std::string_view text);
  bool (*read)(Rendition& rendition, const Json& value);   // null: a string, which is set
  void (*write)(const Rendition& rendition, Json& value);  // null: never; else left null at default
  // On the command line, where it is one: "-f,--format", what its value is called and what it does.
  std::string_view option, value, help;  // help_of() has the help as it is shown
};
extern const std::array<RenditionField, 25> kRenditionFields;

// What formats.h says put where the help says {formats} or {qualities}.
std::string help_of(const RenditionField& field);

const RenditionField* field_named(std::string_view name);  // null: there is none
std::vector<std::string> field_names();
Error unknown_field(std::string_view name, const std::vector<std::string>& known);

//   errors  code 0: unknown field, with the nearest; or what the field takes
Status set_field(Rendition& rendition, std::string_view field, const Json& value);

// What stands in the record: name, size, fit and format, and what is not at its default.
Json json_of(const Rendition& rendition);

bool is_name(std::string_view name);  // of a rendition or preset: [a-z0-9][a-z0-9_-]{0,31}

// Words as users write them: "fit", "north-east", "auto", "500x500", "800x", "x600", "#ffffff".
//   errors  code 0: what was given and what is allowed
std::string fit_words();  // "fit fill force pad"
std::string anchor_words();
std::string format_words();
Result<Fit> parse_fit(std::string_view text);
Result<Anchor> parse_anchor(std::string_view text);  // not for focus: that takes "0.3,0.5"
Result<Format> parse_format(std::string_view text);
Result<Rgb> parse_colour(std::string_view text);
struct Box {
  int width_px = 0, height_px = 0;
};
Result<Box> parse_box(std::string_view text);
struct Focus {
  double x = 0.5, y = 0.5;
};
Result<Focus> parse_focus(std::string_view text);

std::string_view name_of(Fit);
std::string_view name_of(Anchor);
std::string_view name_of(Format);

// "#rrggbb"
std::string hex_of(const Rgb& colour);

}  // namespace imgq
