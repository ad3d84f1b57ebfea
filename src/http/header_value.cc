#include "src/http/header_value.h"

#include <algorithm>

#include "src/util/hex.h"

namespace imgq::web {
namespace {

constexpr size_t kMaxParameters = 16;  // each may cost a look at all that follows

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// RFC 2046's bchars.
bool is_boundary_char(char c) {
  return is_alnum(c) || std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

// Whether a value may end here: with the line, or before "; name=".
bool value_ends(std::string_view rest) {
  rest = trimmed(rest);
  if (rest.empty()) return true;
  if (rest.front() != ';') return false;
  rest = trimmed(rest.substr(1));
  if (rest.empty() || rest.front() == ';') return true;
  const size_t end = std::min(rest.find_first_of("=\";"), rest.size());
  return is_token(trimmed(rest.substr(0, end))) && end < rest.size() && rest[end] == '=';
}

enum class Backslash { escapes, is_itself };

// Takes a quoted string off the front of `rest`, which begins with its opening quote.
std::optional<std::string> take_quoted(std::string_view& rest, Backslash backslash) {
  std::string out;
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"' && value_ends(rest.substr(i + 1))) {
      rest.remove_prefix(i + 1);
      return out;
    }
    const bool escape = backslash == Backslash::escapes && rest[i] == '\\' && i + 1 < rest.size() &&
                        (rest[i + 1] == '"' || rest[i + 1] == '\\');
    if (escape) ++i;
    out += rest[i];
  }
  return std::nullopt;
}

std::optional<std::string> take_value(std::string_view& rest) {
  if (!rest.empty() && rest.front() == '"') {
    auto quoted = take_quoted(rest, Backslash::escapes);
    return quoted ? quoted : take_quoted(rest, Backslash::is_itself);
  }
  const size_t end = std::min(rest.find(';'), rest.size());
  std::string out(trimmed(rest.substr(0, end)));
  rest.remove_prefix(end);
  return out;
}

// Takes "; name=value" off the front of `rest`.
bool take_pair(std::string_view& rest, Parameters& into) {
  const size_t equals = rest.find('=');
  if (equals == std::string_view::npos) return false;
  std::string name = lower(trimmed(rest.substr(0, equals)));
  if (!is_token(name) || find_in(into.pairs, name) != nullptr) return false;
  rest = trimmed(rest.substr(equals + 1));
  auto value = take_value(rest);
  if (!value) return false;
  into.pairs.emplace_back(std::move(name), std::move(*value));
  return true;
}

}  // namespace

const std::string* find_in(const NamedTexts& texts, std::string_view name) {
  for (const auto& [key, value] : texts) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::optional<Parameters> parse_parameters(std::string_view value) {
  Parameters out;
  const size_t end = std::min(value.find(';'), value.size());
  out.word = lower(trimmed(value.substr(0, end)));
  std::string_view rest = value.substr(end);
  while (!(rest = trimmed(rest)).empty()) {
    if (rest.front() != ';') return std::nullopt;
    rest = trimmed(rest.substr(1));
    if (rest.empty() || rest.front() == ';') continue;  // "a=b;" and "a=b;;c=d" are met in the wild
    if (out.pairs.size() == kMaxParameters || !take_pair(rest, out)) return std::nullopt;
  }
  return out;
}

std::optional<std::string> decode_ext_value(std::string_view value) {
  const size_t charset = value.find('\'');
  if (charset == std::string_view::npos) return std::nullopt;
  const size_t language = value.find('\'', charset + 1);
  if (language == std::string_view::npos) return std::nullopt;
  if (!same_word(value.substr(0, charset), "utf-8")) return std::nullopt;
  return percent_decoded(value.substr(language + 1));
}

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  const auto parameters = parse_parameters(content_type);
  if (!parameters || parameters->word != "multipart/form-data") return std::nullopt;
  const std::string* boundary = find_in(parameters->pairs, "boundary");
  if (boundary == nullptr || boundary->empty() || boundary->size() > 70) return std::nullopt;
  if (!std::all_of(boundary->begin(), boundary->end(), is_boundary_char)) return std::nullopt;
  if (boundary->back() == ' ') return std::nullopt;
  return *boundary;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_char);
  return out;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower_char(x) == lower_char(y); });
}

bool is_token(std::string_view text) {
  // cppcheck-suppress invalidLifetime  // it takes a view for its text
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

}  // namespace imgq::web
