#pragma once

// The one door to nlohmann_json: included by .cc files only, never by a header. Reading is strict
// and total: no getter throws, every value is range-checked, depth is at most 32, text at most 64
// KiB, duplicate keys are refused. Writing never throws: invalid UTF-8 becomes U+FFFD.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "src/util/error.h"
#include "src/util/json_fwd.h"

namespace imgq {

inline constexpr int kMaxJsonDepth = 32;
inline constexpr size_t kMaxJsonBytes = 65'536;

// errors  code 0: too long, too deep, a key twice, or the parser's own words with the byte
Result<Json> parse_json(std::string_view text, std::string_view path);

std::string dump_json(const Json& value);

// A name of any bytes in an object: UTF-8 as far as it is; where it is not, the exact bytes stand
// beside it, percent-encoded, under KEY_percent. Everywhere in the JSON of imgq alike.
void put_bytes(Json& out, const std::string& key, const std::string& bytes);

// Typed look at a member of an object; nothing when missing or of another type or out of range.
std::optional<std::string> text_in(const Json& object, std::string_view key);
std::optional<int64_t> integer_in(const Json& object, std::string_view key, int64_t low,
                                  int64_t high);
std::optional<double> number_in(const Json& object, std::string_view key, double low, double high);
std::optional<bool> truth_in(const Json& object, std::string_view key);
const Json* member(const Json& object, std::string_view key);  // null when missing

// Bytes as text: each byte below 0x21, above 0x7e, and '%' as %XX. The inverse refuses bad escapes.
std::string percent_encode(std::string_view bytes);
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace imgq
