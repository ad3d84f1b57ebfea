#include "src/web/public_url.h"

#include <algorithm>
#include <optional>

#include "src/http/head.h"
#include "src/http/header_value.h"
#include "src/util/units.h"

namespace imgq::web {
namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

bool is_plain(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [more](char c) {
    return kPlain.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  });
}

// "img.example.org", "img.example.org:8443", "[::1]:80".
bool is_authority(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return false;
  const std::string_view name = text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0));
  const std::string_view rest = text.substr(end + (bracketed ? 1 : 0));
  if (name.empty() || !is_plain(name, bracketed ? ":" : "")) return false;
  return rest.empty() || (rest.front() == ':' && parse_count(rest.substr(1), 1, 65535));
}

// What is after "http://" or "https://".
std::optional<std::string_view> after_scheme(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (same_word(url.substr(0, scheme.size()), scheme)) return url.substr(scheme.size());
  }
  return std::nullopt;
}

}  // namespace

Result<PublicUrl> parse_public_url(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  const auto rest = after_scheme(text);
  const std::string_view authority = rest ? rest->substr(0, rest->find('/')) : "";
  const std::string_view path = rest ? rest->substr(authority.size()) : "";
  if (!is_authority(authority) || !is_plain(path, "/")) {
    return bad_data("an address like https://img.example.org/imgq", text);
  }
  return PublicUrl{std::string(text), host_name(authority), path_segments(path)};
}

bool is_origin(std::string_view text) {
  const auto rest = after_scheme(text);
  return rest && is_authority(*rest);
}

std::string host_name(std::string_view host) {
  if (host.starts_with('[')) return lower(host.substr(0, host.find(']') + 1));
  return lower(host.substr(0, host.find(':')));
}

}  // namespace imgq::web
