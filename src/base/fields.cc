// The fields of a rendition: the one table that command line, HTTP, configuration and record share.
#include <fmt/format.h>
#include <fmt/ranges.h>  // join

#include <algorithm>
#include <charconv>
#include <limits>

#include "src/base/request.h"
#include "src/util/json.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq {
namespace {

using std::string_view;

// Of a member that is a word: what is read by one of the parsers of words.
template <auto kMember, auto kParse>
Status set_word(Rendition& rendition, string_view text) {
  const auto parsed = kParse(text);
  if (!parsed) return parsed.error();
  rendition.*kMember = *parsed;
  return Ok{};
}

// Of a number from 1 to kMost; a record may say 0, which asks for nothing.
template <auto kMember, int64_t kMost>
Status set_count(Rendition& rendition, string_view text) {
  const auto count = parse_count(text, 1, kMost);
  if (!count) return count.error();
  rendition.*kMember = static_cast<std::remove_cvref_t<decltype(rendition.*kMember)>>(*count);
  return Ok{};
}

template <auto kMember, int64_t kMost>
bool read_count(Rendition& rendition, const Json& value) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() &&
      value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    return false;
  }
  const auto count = value.get<int64_t>();
  if (count < 0 || count > kMost) return false;
  rendition.*kMember = static_cast<std::remove_cvref_t<decltype(rendition.*kMember)>>(count);
  return true;
}

template <auto kMember>
void write_number(const Rendition& rendition, Json& value) {
  if (rendition.*kMember != 0) value = rendition.*kMember;
}

// Of an enum of two, the first of them the default.
template <auto kMember>
Status set_switch(Rendition& rendition, string_view text) {
  if (text != "true" && text != "false") return is_not(text, "true or false");
  rendition.*kMember =
      static_cast<std::remove_cvref_t<decltype(rendition.*kMember)>>(text == "true");
  return Ok{};
}

template <auto kMember>
bool read_switch(Rendition& rendition, const Json& value) {
  return value.is_boolean() && set_switch<kMember>(rendition, value.get<bool>() ? "true" : "false");
}

template <auto kMember>
void write_switch(const Rendition& rendition, Json& value) {
  if (static_cast<bool>(rendition.*kMember)) value = true;
}

constexpr string_view kName = "a name of a-z, 0-9, _ and -, at most 32 characters";

Status set_name(Rendition& rendition, string_view text) {
  if (!is_name(text)) return is_not(text, kName);
  rendition.name = text;
  return Ok{};
}

Status set_watermark(Rendition& rendition, string_view text) {
  if (!is_name(text)) return is_not(text, kName);
  rendition.watermark = text;
  return Ok{};
}

Status set_size(Rendition& rendition, string_view text) {
  const auto box = parse_box(text);
  if (!box) return box.error();
  rendition.width_px = box->width_px;
  rendition.height_px = box->height_px;
  return Ok{};
}

Status set_focus(Rendition& rendition, string_view text) {
  const auto focus = parse_focus(text);
  if (!focus) return focus.error();
  rendition.anchor = Anchor::focus;
  rendition.focus_x = focus->x;
  rendition.focus_y = focus->y;
  return Ok{};
}

std::string chroma_words() { return "420 444"; }

Status set_chroma(Rendition& rendition, string_view text) {
  const bool full = text == "444" || text == "4:4:4";
  if (!full && text != "420" && text != "4:2:0") return is_not(text, "420 or 444");
  rendition.chroma = full ? Chroma::full : Chroma::subsampled;
  return Ok{};
}

std::string colours_words() { return "srgb keep"; }

Status set_colours(Rendition& rendition, string_view text) {
  if (text != "srgb" && text != "keep") return is_not(text, "srgb or keep");
  rendition.colours = text == "keep" ? Colours::keep : Colours::srgb;
  return Ok{};
}

Status set_max_bytes(Rendition& rendition, string_view text) {
  const auto bytes = parse_size(text);
  if (!bytes) return bytes.error();
  if (*bytes == 0) return bad_data("0 bytes hold no image", "");
  rendition.max_bytes = *bytes;
  return Ok{};
}

// A text is a size, too, and 0 as good there as the number is.
bool read_max_bytes(Rendition& rendition, const Json& value) {
  if (!value.is_string())
    return read_count<&Rendition::max_bytes, kMaxTargetBytes>(rendition, value);
  return bool(
      set_word<&Rendition::max_bytes, parse_size>(rendition, value.get_ref<const std::string&>()));
}

Status set_sharpen(Rendition& rendition, string_view text) {
  double sigma = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, sigma, std::chars_format::fixed);
  const bool number = read.ec == std::errc() && read.ptr == end;
  if (!number || !(sigma >= 0 && sigma <= kMaxSharpen))
    return is_not(text, "a number from 0 to 10");
  rendition.sharpen = sigma;
  return Ok{};
}

bool read_sharpen(Rendition& rendition, const Json& value) {
  if (!value.is_number()) return false;
  const auto sigma = value.get<double>();
  if (!(sigma >= 0 && sigma <= kMaxSharpen)) return false;
  rendition.sharpen = sigma;
  return true;
}

}  // namespace

constexpr std::array<RenditionField, 25> kRenditionFields = {{
    {"name", kName, nullptr, set_name, nullptr, [](const Rendition& r, Json& v) { v = r.name; }, "",
     "", ""},
    {"width", "pixels from 0 to 8192", nullptr, set_count<&Rendition::width_px, kMaxResultSidePx>,
     read_count<&Rendition::width_px, kMaxResultSidePx>,
     [](const Rendition& r, Json& v) { v = r.width_px; }, "", "", ""},
    {"height", "pixels from 0 to 8192", nullptr, set_count<&Rendition::height_px, kMaxResultSidePx>,
     read_count<&Rendition::height_px, kMaxResultSidePx>,
     [](const Rendition& r, Json& v) { v = r.height_px; }, "", "", ""},
    {"size", "WIDTHxHEIGHT, WIDTHx or xHEIGHT", nullptr, set_size, nullptr, nullptr, "", "", ""},
    {"fit", "", fit_words, set_word<&Rendition::fit, parse_fit>, nullptr,
     [](const Rendition& r, Json& v) { v = name_of(r.fit); }, "--mode", "MODE",
     "fit, fill, force or pad, by word"},
    {"anchor", "centre, north, north-east, ..., attention or entropy", anchor_words,
     set_word<&Rendition::anchor, parse_anchor>, nullptr,
     [](const Rendition& r, Json& v) {
       if (r.anchor != Anchor::centre && r.anchor != Anchor::focus) v = name_of(r.anchor);
     },
     "--anchor", "WHERE",
     "what fill keeps: centre, north, north-east, ..., attention (where people look) or entropy"},
    {"focus", "X,Y, each from 0 to 1", nullptr, set_focus, nullptr,
     [](const Rendition& r, Json& v) {
       if (r.anchor == Anchor::focus) v = fmt::format("{},{}", r.focus_x, r.focus_y);
     },
     "--focus", "X,Y", "the point that fill keeps, each from 0 to 1"},
    {"enlarge", "true or false", nullptr, set_switch<&Rendition::enlarge>,
     read_switch<&Rendition::enlarge>, write_switch<&Rendition::enlarge>, "--enlarge", "",
     "make small images larger, too"},
    {"format", "", format_words, set_word<&Rendition::format, parse_format>, nullptr,
     [](const Rendition& r, Json& v) { v = name_of(r.format); }, "-f,--format", "FORMAT",
     "{formats}, auto (keeps transparency) or keep (as the source) [jpeg]"},
    {"quality", "1 to 100, or 0 for the format's default", nullptr,
     set_count<&Rendition::quality, 100>, read_count<&Rendition::quality, 100>,
     write_number<&Rendition::quality>, "--quality", "N", "1 to 100 [{qualities}]"},
    {"progressive", "true or false", nullptr, set_switch<&Rendition::scan>,
     read_switch<&Rendition::scan>, write_switch<&Rendition::scan>, "--progressive", "",
     "progressive JPEG, interlaced PNG"},
    {"chroma", "420 or 444, in quotes", chroma_words, set_chroma, nullptr,
     [](const Rendition& r, Json& v) {
       if (r.chroma != Chroma::automatic) v = r.chroma == Chroma::full ? "444" : "420";
     },
     "--chroma", "420|444", "colour detail of JPEG and AVIF [420; 444 for flat art]"},
    {"max_bytes", "bytes, or a size as in \"200KiB\"", nullptr, set_max_bytes, read_max_bytes,
     write_number<&Rendition::max_bytes>, "--max-bytes", "SIZE",
     "the best quality whose file is no larger, as in 200KiB"},
    {"background", "a colour as in \"#ffffff\"", nullptr,
     set_word<&Rendition::background, parse_colour>, nullptr,
     [](const Rendition& r, Json& v) {
       if (hex_of(r.background) != hex_of(Rgb{})) v = hex_of(r.background);
     },
     "--background", "COLOUR",
     "under transparency and around --pad, as in ffffff or white [white]"},
    {"sharpen", "a number from 0 to 10", nullptr, set_sharpen, read_sharpen,
     write_number<&Rendition::sharpen>, "--sharpen", "SIGMA", "sharpen, 0 to 10; try 0.5"},
    {"trim", "true or false", nullptr, set_switch<&Rendition::border>,
     read_switch<&Rendition::border>, write_switch<&Rendition::border>, "--trim", "",
     "cut off a border of one colour, the upper left corner's, first"},
    {"grey", "true or false", nullptr, set_switch<&Rendition::shades>,
     read_switch<&Rendition::shades>, write_switch<&Rendition::shades>, "--grey", "",
     "without colours"},
    {"lossless", "true or false", nullptr, set_switch<&Rendition::loss>,
     read_switch<&Rendition::loss>, write_switch<&Rendition::loss>, "--lossless", "",
     "WebP without loss; PNG is always so"},
    {"animated", "true or false", nullptr, set_switch<&Rendition::motion>,
     read_switch<&Rendition::motion>, write_switch<&Rendition::motion>, "--animated", "",
     "an animated GIF or WebP stays one, as WebP: with --format webp, auto or keep"},
    {"keep_copyright", "true or false", nullptr, set_switch<&Rendition::metadata>,
     read_switch<&Rendition::metadata>, write_switch<&Rendition::metadata>, "--keep-copyright", "",
     "keep author and copyright; all other metadata goes always"},
    {"recompress", "true or false", nullptr, set_switch<&Rendition::recompress>,
     read_switch<&Rendition::recompress>, write_switch<&Rendition::recompress>, "--recompress", "",
     "also where the result becomes larger than the source"},
    {"square_pixels", "true or false", nullptr, set_switch<&Rendition::pixels>,
     read_switch<&Rendition::pixels>, write_switch<&Rendition::pixels>, "--square-pixels", "",
     "stretch a JPEG or PNG that says its pixels are not square; TIFF always is"},
    {"linear", "true or false", nullptr, set_switch<&Rendition::light>,
     read_switch<&Rendition::light>, write_switch<&Rendition::light>, "--linear", "",
     "average light, not sRGB's values: stars and points of light stay as bright; slower"},
    {"colours", "", colours_words, set_colours, nullptr,
     [](const Rendition& r, Json& v) {
       if (r.colours == Colours::keep) v = "keep";
     },
     "--colours", "srgb|keep", "keep: not brought to sRGB, the profile stays in [srgb]"},
    {"watermark", kName, nullptr, set_watermark, nullptr,
     [](const Rendition& r, Json& v) {
       if (!r.watermark.empty()) v = r.watermark;
     },
     "--watermark", "NAME", "a picture laid over, [watermark.NAME] of the daemon's configuration"},
}};

std::string help_of(const RenditionField& field) {
  std::vector<std::string> qualities;
  for (const ImageFormat& format : kFormats) {
    if (format.quality > 0) qualities.push_back(fmt::format("{} {}", format.word, format.quality));
  }
  return fmt::format(fmt::runtime(field.help),
                     fmt::arg("formats", fmt::join(written_formats(), ", ")),
                     fmt::arg("qualities", fmt::join(qualities, ", ")));
}

const RenditionField* field_named(string_view name) {
  const auto* field = std::find_if(kRenditionFields.begin(), kRenditionFields.end(),
                                   [name](const RenditionField& one) { return one.name == name; });
  return field == kRenditionFields.end() ? nullptr : field;
}

std::vector<std::string> field_names() {
  std::vector<std::string> names;
  names.reserve(kRenditionFields.size());
  for (const RenditionField& field : kRenditionFields) names.emplace_back(field.name);
  return names;
}

Status set_field(Rendition& rendition, string_view name, const Json& value) {
  const RenditionField* field = field_named(name);
  if (field == nullptr) return unknown_field(name, field_names());
  const bool done =
      field->read != nullptr
          ? field->read(rendition, value)
          : value.is_string() && field->set(rendition, value.get_ref<const std::string&>());
  if (done) return Ok{};
  return bad_data(
      fmt::format("'{}' takes {}", name,
                  field->takes.empty() ? one_of(split(field->words(), ' ')) : field->takes),
      "");
}

Json json_of(const Rendition& rendition) {
  Json out = Json::object();
  for (const RenditionField& field : kRenditionFields) {
    Json value;
    if (field.write != nullptr) field.write(rendition, value);
    if (!value.is_null()) out[std::string(field.name)] = value;
  }
  return out;
}

}  // namespace imgq
