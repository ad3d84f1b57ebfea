#include "src/util/json.h"

#include <cmath>
#include <set>
#include <vector>

#include "src/util/text.h"

namespace imgq {
namespace {

// Depth of nesting, counted before the parser sees the text: a cheap pass that knows strings.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// Notices a key that stands twice in one object.
class Keys {
 public:
  bool see(Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end) open_.pop_back();
    if (event == Json::parse_event_t::key && !open_.back().insert(parsed).second) twice_ = true;
    return true;
  }
  bool twice() const { return twice_; }

 private:
  std::vector<std::set<std::string>> open_;
  bool twice_ = false;
};

constexpr std::string_view kHex = "0123456789ABCDEF";

std::optional<char> hex_byte(std::string_view two) {
  const size_t high = kHex.find(two[0]), low = kHex.find(two[1]);
  if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view path) {
  if (text.size() > kMaxJsonBytes) return bad_data("JSON is longer than 65536 bytes", path);
  if (too_deep(text)) return bad_data("JSON is nested more than 32 deep", path);
  Keys keys;
  try {
    Json value = Json::parse(text, [&keys](int, Json::parse_event_t event, Json& parsed) {
      return keys.see(event, parsed);
    });
    if (keys.twice()) return bad_data("JSON has a key twice", path);
    return value;
  } catch (const Json::parse_error& problem) {
    return bad_data("not JSON from byte " + std::to_string(problem.byte) + " on", path);
  } catch (const Json::exception&) {
    return bad_data("JSON holds a number that is too large", path);
  }
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void put_bytes(Json& out, const std::string& key, const std::string& bytes) {
  out[key] = bytes;
  if (!is_utf8(bytes)) out[key + "_percent"] = percent_encode(bytes);
}

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::optional<std::string> text_in(const Json& object, std::string_view key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get_ref<const std::string&>();
}

std::optional<int64_t> integer_in(const Json& object, std::string_view key, int64_t low,
                                  int64_t high) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX) return std::nullopt;
  const auto number = value->get<int64_t>();
  return number >= low && number <= high ? std::optional(number) : std::nullopt;
}

std::optional<double> number_in(const Json& object, std::string_view key, double low, double high) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto number = value->get<double>();
  return number >= low && number <= high ? std::optional(number) : std::nullopt;
}

std::optional<bool> truth_in(const Json& object, std::string_view key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

std::string percent_encode(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x21 && byte <= 0x7e && c != '%') {
      text += c;
    } else {
      text += '%';
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
  }
  return text;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      bytes += text[at];
      continue;
    }
    if (at + 2 >= text.size()) return std::nullopt;
    const auto byte = hex_byte(text.substr(at + 1, 2));
    if (!byte) return std::nullopt;
    bytes += *byte;
    at += 2;
  }
  return bytes;
}

}  // namespace imgq
