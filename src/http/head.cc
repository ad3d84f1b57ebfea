#include "src/http/head.h"

#include <algorithm>
#include <optional>

#include "src/http/header_value.h"

namespace imgq::web {
namespace {

using Refused = std::optional<Refusal>;

Refusal bad(std::string_view detail) { return {400, std::string(detail)}; }

// Takes what is before the next `end` off the front of `rest`, and the end with it.
std::string_view take_until(std::string_view& rest, std::string_view end) {
  const size_t at = std::min(rest.find(end), rest.size());
  const std::string_view out = rest.substr(0, at);
  rest.remove_prefix(std::min(at + end.size(), rest.size()));
  return out;
}

std::optional<std::string> query_text(std::string_view raw) {
  std::string spaced(raw);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decoded(spaced);
}

Refused read_query(std::string_view query, Head& head) {
  while (!query.empty()) {
    std::string_view value = take_until(query, "&");
    if (value.empty()) continue;
    auto name = query_text(take_until(value, "="));
    auto text = query_text(value);
    if (!name || !text) return bad("the query holds a bad percent escape");
    head.query.emplace_back(std::move(*name), std::move(*text));
  }
  return std::nullopt;
}

// A bare CR or LF is one.
bool has_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; });
}

Refused read_field(std::string_view line, Head& head) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return bad("a header field is folded or has no proper name");
  }
  if (has_control(line)) return bad("a header field holds a control character");
  if (head.fields.size() == kMaxFields) return Refusal{431, "more than 100 header fields"};
  head.fields.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  return std::nullopt;
}

auto times(const Head& head, std::string_view name) {
  return std::count_if(head.fields.begin(), head.fields.end(),
                       [name](const auto& field) { return field.first == name; });
}

// What a client can smuggle a second request with: refused, never repaired.
Refused read_framing(Head& head) {
  const std::string* length = head.field("content-length");
  const std::string* coding = head.field("transfer-encoding");
  if (times(head, "content-length") > 1) return bad("Content-Length comes twice");
  if (length != nullptr && coding != nullptr) {
    return bad("Content-Length and Transfer-Encoding exclude each other");
  }
  if (length != nullptr) {
    const bool digits = !length->empty() && length->size() <= 18 &&
                        length->find_first_not_of("0123456789") == std::string::npos;
    if (!digits) return bad("Content-Length is not a number");
    head.length_bytes = std::stoll(*length);
    head.framing = Head::Framing::length;
    head.for_library += "Content-Length: " + *length + "\r\n";
  } else if (coding != nullptr) {
    if (times(head, "transfer-encoding") > 1 || !same_word(*coding, "chunked")) {
      return Refusal{501, "no Transfer-Encoding but chunked is known here"};
    }
    head.framing = Head::Framing::chunked;
    head.for_library += "Transfer-Encoding: chunked\r\n";
  }
  return std::nullopt;
}

// "keep-alive, Close" says close.
bool says_close(const Head& head) {
  for (const auto& [name, value] : head.fields) {
    if (name != "connection") continue;
    std::string_view rest(value);
    while (!rest.empty()) {
      if (same_word(trimmed(take_until(rest, ",")), "close")) return true;
    }
  }
  return false;
}

Refused check_fields(Head& head, bool old) {
  const auto hosts = times(head, "host");
  if (hosts > 1 || (hosts == 0 && !old)) return bad("one Host field is needed");
  const std::string* coding = head.field("content-encoding");
  if (coding != nullptr && !same_word(*coding, "identity")) {
    return Refusal{415, "a body with a Content-Encoding is not read: send the bytes as they are"};
  }
  const std::string* expect = head.field("expect");
  if (expect != nullptr && !same_word(*expect, "100-continue")) {
    return Refusal{417, "no expectation but 100-continue can be met"};
  }
  head.expects_continue = expect != nullptr && !old;
  return read_framing(head);
}

}  // namespace

const std::string* Head::field(std::string_view name) const { return find_in(fields, name); }

const std::string* Head::parameter(std::string_view name) const { return find_in(query, name); }

std::variant<Head, Refusal> read_head(std::string_view text) {
  Head head;
  std::string_view line = take_until(text, "\r\n");
  if (has_control(line)) return bad("the request line holds a control character");
  const std::string_view version = line.substr(std::min(line.rfind(' '), line.size()));
  line.remove_suffix(version.size());
  head.for_library = std::string(take_until(line, "?")) + std::string(version) + "\r\n";
  if (auto refused = read_query(line.substr(0, line.find('#')), head)) return *refused;
  while (!(line = take_until(text, "\r\n")).empty()) {
    if (auto refused = read_field(line, head)) return *refused;
  }
  if (auto refused = check_fields(head, version == " HTTP/1.0")) return *refused;
  head.may_ask_again = version == " HTTP/1.1" && !says_close(head);
  head.for_library += "\r\n";
  return head;
}

std::vector<std::string> path_segments(std::string_view path) {
  if (path.starts_with("http://")) path.remove_prefix(std::min(path.find('/', 7), path.size()));
  std::vector<std::string> out;
  if (!path.empty() && path.front() != '/') return {""};  // no address of ours
  const bool open_end = path.ends_with('/');
  while (!path.empty()) {
    const std::string_view segment = take_until(path, "/");
    if (!segment.empty()) out.emplace_back(segment);
  }
  if (open_end && !out.empty()) out.emplace_back();
  return out;
}

}  // namespace imgq::web
