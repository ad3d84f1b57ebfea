#include "src/web/head.h"

#include <algorithm>

#include "src/web/header_value.h"

namespace imgq::web {
namespace {

using Refused = std::optional<Refusal>;

Refusal bad(std::string_view detail) { return {400, std::string(detail)}; }

// Takes the next line, without its CR LF, off the front of `rest`.
std::string_view take_line(std::string_view& rest) {
  const size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  return line;
}

bool is_field_char(char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; }

bool is_target_char(char c) { return c > 0x20 && c < 0x7f; }

Refused read_segment(std::string_view raw, Head& head) {
  auto segment = percent_decoded(raw);
  if (!segment) return bad("the path holds a bad percent escape");
  if (*segment == "." || *segment == "..") return bad("the path holds a dot segment");
  if (segment->find('/') != std::string::npos || segment->find('\0') != std::string::npos) {
    return bad("the path holds an escaped slash or NUL");
  }
  head.path.push_back(std::move(*segment));
  return std::nullopt;
}

Refused read_path(std::string_view path, Head& head) {
  path.remove_prefix(1);  // its slash
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (auto refused = read_segment(path.substr(0, end), head)) return refused;
    if (end == path.size()) return std::nullopt;
    path.remove_prefix(end + 1);
    if (path.empty()) head.path.emplace_back();  // "/a/" is not "/a"
  }
  return std::nullopt;
}

std::optional<std::string> query_text(std::string_view raw) {
  std::string spaced(raw);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decoded(spaced);
}

Refused read_query(std::string_view query, Head& head) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    auto name = query_text(pair.substr(0, equals));
    auto value = query_text(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) return bad("the query holds a bad percent escape");
    head.query.emplace_back(std::move(*name), std::move(*value));
  }
  return std::nullopt;
}

// "http://host/path" is what a proxy is sent; a server has to take it too (RFC 9112, 3.2.2).
std::string_view without_authority(std::string_view target) {
  if (!target.starts_with("http://")) return target;
  const size_t slash = target.find('/', 7);
  return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
}

Refused read_target(std::string_view target, Head& head) {
  if (target.size() > HeadReader::kMaxTargetBytes) {
    return Refusal{414, "the request target is longer than 2048 bytes"};
  }
  if (!std::all_of(target.begin(), target.end(), is_target_char)) {
    return bad("the request target holds a character that must be escaped");
  }
  target = without_authority(target);
  if (target == "*" && head.method == "OPTIONS") return std::nullopt;
  if (target.empty() || target.front() != '/') return bad("the request target is not a path");
  if (target.find('#') != std::string_view::npos) return bad("the request target has a fragment");
  const size_t mark = std::min(target.find('?'), target.size());
  if (auto refused = read_path(target.substr(0, mark), head)) return refused;
  return read_query(target.substr(std::min(mark + 1, target.size())), head);
}

Refused read_version(std::string_view version, Head& head) {
  const bool looks_right = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.';
  if (!looks_right) return bad("the request line is not: method, target, version");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Refusal{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  }
  head.minor_version = version.back() - '0';
  return std::nullopt;
}

Refused read_request_line(std::string_view line, Head& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return bad("the request line is not: method, target, version");
  }
  head.method = std::string(line.substr(0, first));
  if (!is_token(head.method) || head.method.size() > 32) return bad("the method is no token");
  if (auto refused = read_version(line.substr(last + 1), head)) return refused;
  return read_target(line.substr(first + 1, last - first - 1), head);
}

Refused read_field(std::string_view line, Head& head) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return bad("a header field is folded or has no proper name");
  }
  if (!std::all_of(line.begin(), line.end(), is_field_char)) {
    return bad("a header field holds a control character");
  }
  if (head.fields.size() == HeadReader::kMaxFields) {
    return Refusal{431, "more than 100 header fields"};
  }
  head.fields.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  return std::nullopt;
}

auto times(const Head& head, std::string_view name) {
  return std::count_if(head.fields.begin(), head.fields.end(),
                       [name](const auto& field) { return field.first == name; });
}

Refused read_length(const std::string& text, Head& head) {
  const bool digits =
      !text.empty() && text.size() <= 18 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return bad("Content-Length is not a number");
  head.length_bytes = std::stoll(text);
  head.framing = Head::Framing::length;
  return std::nullopt;
}

// What a client can smuggle a second request with: refused, never repaired.
Refused read_framing(Head& head) {
  const std::string* length = head.field("content-length");
  const std::string* coding = head.field("transfer-encoding");
  if (times(head, "content-length") > 1) return bad("Content-Length comes twice");
  if (length != nullptr && coding != nullptr) {
    return bad("Content-Length and Transfer-Encoding exclude each other");
  }
  if (length != nullptr) return read_length(*length, head);
  if (coding == nullptr) return std::nullopt;
  if (times(head, "transfer-encoding") > 1 || !same_word(*coding, "chunked")) {
    return Refusal{501, "no Transfer-Encoding but chunked is known here"};
  }
  if (head.minor_version == 0) return bad("HTTP/1.0 has no Transfer-Encoding");
  head.framing = Head::Framing::chunked;
  return std::nullopt;
}

Refused read_expectation(Head& head) {
  const std::string* expect = head.field("expect");
  if (expect == nullptr) return std::nullopt;
  if (!same_word(*expect, "100-continue")) {
    return Refusal{417, "no expectation but 100-continue can be met"};
  }
  head.expects_continue = head.minor_version == 1;
  return std::nullopt;
}

Refused check_fields(Head& head) {
  const auto hosts = times(head, "host");
  if (hosts > 1 || (hosts == 0 && head.minor_version == 1)) return bad("one Host field is needed");
  const std::string* coding = head.field("content-encoding");
  if (coding != nullptr && !same_word(*coding, "identity")) {
    return Refusal{415, "a body with a Content-Encoding is not read: send the bytes as they are"};
  }
  if (auto refused = read_framing(head)) return refused;
  return read_expectation(head);
}

const std::string* find_in(const std::vector<std::pair<std::string, std::string>>& pairs,
                           std::string_view name) {
  const auto found = std::find_if(pairs.begin(), pairs.end(),
                                  [name](const auto& pair) { return pair.first == name; });
  return found == pairs.end() ? nullptr : &found->second;
}

bool has_bare_line_end(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return true;
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return true;
  }
  return false;
}

}  // namespace

const std::string* Head::field(std::string_view name) const { return find_in(fields, name); }

const std::string* Head::parameter(std::string_view name) const { return find_in(query, name); }

size_t HeadReader::take(std::string_view piece) {
  size_t used = 0;
  while (used < piece.size() && !done_) {
    const char c = piece[used++];
    text_ += c;
    if (c == '\n') {
      done_ = text_.size() - line_start_ <= 2;  // an empty line, its CR looked at later
      line_start_ = text_.size();
    }
    const bool long_line = text_.size() - line_start_ > kMaxLineBytes;
    if (!long_line && text_.size() <= kMaxHeadBytes) continue;
    refusal_ = Refusal{431, "the request's head is too long: 8 KiB a line, 32 KiB in all"};
    done_ = true;
  }
  return used;
}

std::variant<Head, Refusal> HeadReader::result() const {
  if (refusal_) return *refusal_;
  return parse_head(text_);
}

std::variant<Head, Refusal> parse_head(std::string_view text) {
  if (has_bare_line_end(text)) return bad("a line of the head does not end in CR LF");
  Head head;
  if (auto refused = read_request_line(take_line(text), head)) return *refused;
  for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
    if (auto refused = read_field(line, head)) return *refused;
  }
  if (auto refused = check_fields(head)) return *refused;
  return head;
}

}  // namespace imgq::web
