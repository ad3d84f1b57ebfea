// The words of a request, as users write them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <span>

#include "src/base/request.h"
#include "src/util/hex.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq {
namespace {

template <class T>
struct Word {
  std::string_view word;
  T value;
};

constexpr std::array<Word<Fit>, 4> kFits = {{
    {"fit", Fit::fit},
    {"fill", Fit::fill},
    {"force", Fit::force},
    {"pad", Fit::pad},
}};
constexpr std::array<Word<Anchor>, 13> kAnchors = {{
    {"centre", Anchor::centre},
    {"north", Anchor::north},
    {"north-east", Anchor::north_east},
    {"east", Anchor::east},
    {"south-east", Anchor::south_east},
    {"south", Anchor::south},
    {"south-west", Anchor::south_west},
    {"west", Anchor::west},
    {"north-west", Anchor::north_west},
    {"attention", Anchor::attention},
    {"entropy", Anchor::entropy},
    {"center", Anchor::centre},
    {"focus", Anchor::focus},  // in records; asked for by the point
}};
constexpr auto kPlainAnchors = std::span(kAnchors).first<kAnchors.size() - 1>();
// The word of each format that is written, then "auto" and "keep", then further spellings.
const std::vector<Word<Format>>& all_formats() {
  static const std::vector<Word<Format>> all = [] {
    std::vector<Word<Format>> words, further;
    for (const ImageFormat& format : kFormats) {
      if (!format.written) continue;
      words.push_back({format.word, *format.written});
      further.push_back({extension_of(format.word), *format.written});
    }
    words.insert(words.end(), {{"auto", Format::automatic}, {"keep", Format::keep}});
    words.insert(words.end(), further.begin(), further.end());
    return words;
  }();
  return all;
}

// "fit fill force pad": without second spellings.
template <class T>
std::string first_words(std::span<const Word<T>> words) {
  std::string known;
  std::set<T> told;
  for (const Word<T>& word : words) {
    if (!told.insert(word.value).second) continue;
    if (!known.empty()) known += ' ';
    known += word.word;
  }
  return known;
}

template <class T>
Result<T> look_up(std::string_view what, std::string_view text, std::span<const Word<T>> words) {
  for (const Word<T>& word : words) {
    if (word.word == text) return word.value;
  }
  return is_not(text, fmt::format("{}: use {}", what, one_of(split(first_words<T>(words), ' '))));
}

template <class T>
std::string_view word_for(T value, std::span<const Word<T>> words) {
  for (const Word<T>& word : words) {
    if (word.value == value) return word.word;
  }
  return "";
}

constexpr std::string_view kColour = "a colour: use #rrggbb, #rgb, white or black";

// 0..1 with at most a handful of digits; no sign, no exponent.
std::optional<double> read_share(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (read.ec != std::errc() || read.ptr != end || text[0] == '-') return std::nullopt;
  if (!(value >= 0 && value <= 1)) return std::nullopt;
  return value;
}

std::optional<int> read_side(std::string_view text) {
  if (text.empty()) return 0;
  const auto value = parse_count(text, 1, kMaxResultSidePx);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

}  // namespace

Result<Fit> parse_fit(std::string_view text) { return look_up<Fit>("a mode", text, kFits); }
Result<Format> parse_format(std::string_view text) {
  return look_up<Format>("a format", text, all_formats());
}

Result<Anchor> parse_anchor(std::string_view text) {
  if (text == "focus") return is_not(text, "an anchor by itself: give the point, as in 0.3,0.5");
  return look_up<Anchor>("an anchor", text, kPlainAnchors);
}

Result<Anchor> parse_watermark_place(std::string_view text) {
  const auto anchor = parse_anchor(text);
  if (anchor && *anchor != Anchor::attention && *anchor != Anchor::entropy) return *anchor;
  return is_not(text, "centre, north, north-east, east, ... or north-west");
}

Result<int> parse_opacity(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  const auto percent = parse_count(text, 1, 100);
  return percent ? Result<int>(static_cast<int>(*percent))
                 : is_not(text, "a percentage from 1 to 100");
}

std::string fit_words() { return first_words<Fit>(kFits); }
std::string anchor_words() { return first_words<Anchor>(kPlainAnchors); }
std::string format_words() { return first_words<Format>(all_formats()); }

std::string_view name_of(Fit fit) { return word_for<Fit>(fit, kFits); }
std::string_view name_of(Anchor anchor) { return word_for<Anchor>(anchor, kAnchors); }
std::string_view name_of(Format format) { return word_for<Format>(format, all_formats()); }

Result<Rgb> parse_colour(std::string_view text) {
  if (text == "white") return Rgb{255, 255, 255};
  if (text == "black") return Rgb{0, 0, 0};
  std::string_view digits = text;
  if (!digits.empty() && digits[0] == '#') digits.remove_prefix(1);
  const bool brief = digits.size() == 3;
  if (!brief && digits.size() != 6) return is_not(text, kColour);
  std::array<uint8_t, 3> parts{};
  for (size_t i = 0; i < 3; ++i) {
    const int high = hex_digit(digits[brief ? i : 2 * i]);
    const int low = hex_digit(digits[brief ? i : 2 * i + 1]);
    if (high < 0 || low < 0) return is_not(text, kColour);
    parts[i] = static_cast<uint8_t>(16 * high + low);
  }
  return Rgb{parts[0], parts[1], parts[2]};
}

std::string hex_of(const Rgb& colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

Result<Box> parse_box(std::string_view text) {
  const std::string wanted = fmt::format(
      "a size: use WIDTHxHEIGHT, WIDTHx or xHEIGHT in pixels, up to {}", kMaxResultSidePx);
  const size_t cross = text.find('x');
  if (cross == std::string_view::npos || text.size() == 1) return is_not(text, wanted);
  const auto width = read_side(text.substr(0, cross));
  const auto height = read_side(text.substr(cross + 1));
  if (!width || !height) return is_not(text, wanted);
  return Box{*width, *height};
}

Result<Focus> parse_focus(std::string_view text) {
  constexpr std::string_view kWanted = "a point: use X,Y, each from 0 to 1, as in 0.3,0.5";
  const size_t comma = text.find(',');
  if (comma == std::string_view::npos || comma == 0) return is_not(text, kWanted);
  const auto x = read_share(text.substr(0, comma));
  const std::string_view rest = text.substr(comma + 1);
  const auto y = rest.empty() ? std::nullopt : read_share(rest);
  if (!x || !y) return is_not(text, kWanted);
  return Focus{*x, *y};
}

}  // namespace imgq
