#include "src/base/limits.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "src/util/json.h"

namespace imgq {
namespace {

struct Number {
  std::string_view key;
  int Limits::* small = nullptr;
  int64_t Limits::* large = nullptr;
};

constexpr std::array<Number, 14> kNumbers = {{
    {"max_pixels", nullptr, &Limits::max_pixels},
    {"max_side_px", &Limits::max_side_px, nullptr},
    {"max_file_bytes", nullptr, &Limits::max_file_bytes},
    {"max_frames", &Limits::max_frames, nullptr},
    {"max_animation_frames", &Limits::max_animation_frames, nullptr},
    {"max_animation_pixels", nullptr, &Limits::max_animation_pixels},
    {"max_result_side_px", &Limits::max_result_side_px, nullptr},
    {"memory_bytes", nullptr, &Limits::memory_bytes},
    {"heavy_bytes", nullptr, &Limits::heavy_bytes},
    {"alone_bytes", nullptr, &Limits::alone_bytes},
    {"wall_seconds", &Limits::wall_seconds, nullptr},
    {"cpu_seconds", &Limits::cpu_seconds, nullptr},
    {"recycle_jobs", &Limits::recycle_jobs, nullptr},
    {"recycle_rss_bytes", nullptr, &Limits::recycle_rss_bytes},
}};

constexpr std::string_view kLimits = "worker limits";

bool read_number(const Json& object, const Number& number, Limits& limits) {
  const int64_t high = number.small != nullptr ? int64_t{std::numeric_limits<int>::max()}
                                               : std::numeric_limits<int64_t>::max();
  const auto value = integer_in(object, number.key, 1, high);
  if (!value) return false;
  if (number.small != nullptr) limits.*number.small = static_cast<int>(*value);
  if (number.large != nullptr) limits.*number.large = *value;
  return true;
}

}  // namespace

std::string to_json(const Limits& limits) {
  Json out = Json::object();
  for (const Number& number : kNumbers) {
    const int64_t value =
        number.small != nullptr ? int64_t{limits.*number.small} : limits.*number.large;
    out[std::string(number.key)] = value;
  }
  Json formats = Json::object();
  for (const ImageFormat& format : kFormats) {
    if (format.allowed == nullptr) continue;
    formats[std::string(format.word)] = limits.formats.*format.allowed;
  }
  out["formats"] = formats;
  return dump_json(out);
}

Result<Limits> parse_limits(std::string_view json) {
  const auto object = parse_json(json, kLimits);
  if (!object) return object.error();
  if (!object->is_object()) return bad_data("not a JSON object", kLimits);
  Limits limits;
  for (const Number& number : kNumbers) {
    if (!read_number(*object, number, limits)) {
      return bad_data(fmt::format("'{}' is missing or not a positive number", number.key), kLimits);
    }
  }
  const Json* formats = member(*object, "formats");
  if (formats == nullptr) return bad_data("'formats' is missing", kLimits);
  for (const ImageFormat& format : kFormats) {
    if (format.allowed == nullptr) continue;
    const auto value = truth_in(*formats, format.word);
    if (!value) return bad_data(fmt::format("'{}' is not true or false", format.word), kLimits);
    limits.formats.*format.allowed = *value;
  }
  return limits;
}

}  // namespace imgq
