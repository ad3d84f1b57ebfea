#include "src/http/body_guard.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "src/http/header_value.h"

namespace imgq::web {
namespace {

constexpr size_t kMaxLine = 256;
constexpr size_t kMaxDigits = 15;

bool breaks_lines(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

}  // namespace

BodyGuard::BodyGuard(const Head& head, int64_t limit_bytes)
    : chunked_(head.framing == Head::Framing::chunked),
      at_(chunked_ ? At::size : (head.length_bytes > 0 ? At::data : At::end)),
      left_(head.length_bytes),
      allowed_(limit_bytes) {}

Status BodyGuard::pass(std::string_view bytes) {
  while (!bytes.empty()) {
    if (at_ == At::data) {
      const auto some = std::min(left_, static_cast<int64_t>(bytes.size()));
      bytes.remove_prefix(static_cast<size_t>(some));
      left_ -= some;
      allowed_ -= some;
      if (allowed_ < 0) return Error{EFBIG, "body is too large", "request"};
      if (left_ == 0) at_ = chunked_ ? At::data_end : At::end;
      continue;
    }
    line_ += bytes.front();
    bytes.remove_prefix(1);
    const bool ends = line_.back() == '\n';
    if (line_.size() > kMaxLine || at_ == At::end || (ends && !line_passes())) {
      return bad_data("the chunked coding is broken", "request");
    }
    if (ends) line_.clear();
  }
  return Ok{};
}

// "1a2b" or "1a2b;extension" before a chunk, nothing after it, nothing after the last one.
bool BodyGuard::line_passes() {
  if (!line_.ends_with("\r\n")) return false;
  line_.resize(line_.size() - 2);
  if (at_ != At::size) {
    at_ = at_ == At::last ? At::end : At::size;
    return line_.empty();
  }
  const std::string_view line(line_);
  const std::string_view digits = line.substr(0, line.find_first_of("; \t"));
  // A control character in what follows is a line's end to some (a proxy, perhaps).
  const std::string_view extension = trimmed(line.substr(digits.size()));
  if (!extension.empty() && (extension.front() != ';' || breaks_lines(extension))) return false;
  if (digits.empty() || digits.size() > kMaxDigits || digits.front() == '-') return false;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, left_, 16);
  at_ = left_ == 0 ? At::last : At::data;
  return read.ec == std::errc() && read.ptr == end;
}

}  // namespace imgq::web
