#include "src/util/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>

#include "src/util/text.h"

namespace imgq {
namespace {

struct Unit {
  std::string_view word;
  int64_t factor;
};

constexpr int64_t kKibi = 1024;
constexpr std::array<Unit, 14> kSizeUnits = {{
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"MB", 1000LL * 1000},
    {"GB", 1000LL * 1000 * 1000},
    {"TB", 1000LL * 1000 * 1000 * 1000},
    {"KiB", kKibi},
    {"MiB", kKibi* kKibi},
    {"GiB", kKibi* kKibi* kKibi},
    {"TiB", kKibi* kKibi* kKibi* kKibi},
    {"K", kKibi},
    {"M", kKibi* kKibi},
    {"G", kKibi* kKibi* kKibi},
    {"T", kKibi* kKibi* kKibi* kKibi},
}};
constexpr std::array<Unit, 7> kTimeUnits = {{
    {"", 1},
    {"s", 1},
    {"min", 60},
    {"m", 60},
    {"h", 3600},
    {"d", 86400},
    {"w", 7LL * 86400},
}};

// Digits and then one of the units, nothing else; nothing when it is not that or does not fit.
template <size_t N>
std::optional<int64_t> read_quantity(std::string_view text, const std::array<Unit, N>& units) {
  int64_t value = 0;
  size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    if (__builtin_mul_overflow(value, 10, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, text[digits] - '0', &value)) return std::nullopt;
  }
  const std::string_view word = text.substr(digits);
  const auto* unit = std::find_if(units.begin(), units.end(),
                                  [word](const Unit& known) { return known.word == word; });
  if (digits == 0 || unit == units.end()) return std::nullopt;
  if (__builtin_mul_overflow(value, unit->factor, &value)) return std::nullopt;
  return value;
}

// Levenshtein's distance, a swap of neighbours counting as one.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t swap = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, swap});
      const bool crossed = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (crossed) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

}  // namespace

Error is_not(std::string_view text, std::string_view wanted) {
  return bad_data(fmt::format("'{}' is not {}", printable(shortened(text, 80)), wanted), "");
}

Result<int64_t> parse_size(std::string_view text) {
  if (const auto value = read_quantity(text, kSizeUnits)) return *value;
  return is_not(text,
                "a size: a whole number, or one with kB, MB, GB (1000) or KiB, MiB, GiB (1024)");
}

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  const auto value = read_quantity(text, kTimeUnits);
  constexpr int64_t kCentury = 100LL * 366 * 86400;
  if (value && *value <= kCentury) return std::chrono::seconds(*value);
  return is_not(text, "a duration: a whole number with s, min, h, d or w");
}

Result<int64_t> parse_count(std::string_view text, int64_t low, int64_t high) {
  constexpr std::array<Unit, 1> kNone = {{{"", 1}}};
  const auto value = read_quantity(text, kNone);
  if (value && *value >= low && *value <= high) return *value;
  const bool open = high == std::numeric_limits<int64_t>::max();
  return is_not(text, fmt::format("a whole number from {}{}", low,
                                  open ? " or more" : fmt::format(" to {}", high)));
}

std::string did_you_mean(std::string_view text, const std::vector<std::string>& words) {
  std::string best;
  size_t nearest = std::max<size_t>(1, std::min<size_t>(text.size() / 3, 3)) + 1;
  for (const std::string& word : words) {
    const size_t far = distance(shortened(text, 64), word);
    if (far < nearest && far < word.size()) {
      nearest = far;
      best = word;
    }
  }
  return best;
}

std::string hint_for(std::string_view text, const std::vector<std::string>& words) {
  const std::string near = did_you_mean(text, words);
  return near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
}

}  // namespace imgq
