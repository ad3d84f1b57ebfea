#include "src/http/multipart.h"

#include <algorithm>

#include "src/http/header_value.h"

namespace imgq::web {
namespace {

Error malformed(std::string_view what) { return bad_data(what, "multipart body"); }

Status read_disposition(std::string_view value, Part& part) {
  const auto parameters = parse_parameters(value);
  if (!parameters || parameters->word != "form-data") {
    return malformed("a part's Content-Disposition is not form-data");
  }
  if (const std::string* name = find_in(parameters->pairs, "name")) part.name = *name;
  if (const std::string* plain = find_in(parameters->pairs, "filename")) {
    part.filename = last_component(*plain);
  }
  if (const std::string* extended = find_in(parameters->pairs, "filename*")) {
    // One that is not understood leaves the plain one, or a file without a name.
    if (const auto decoded = decode_ext_value(*extended)) part.filename = last_component(*decoded);
    if (!part.filename) part.filename.emplace();
  }
  return Ok{};
}

Status read_transfer_encoding(std::string_view value) {
  const std::string word = lower(value);
  if (word == "binary" || word == "8bit" || word == "7bit") return Ok{};
  return malformed("a part's Content-Transfer-Encoding is not supported");
}

bool is_control(char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; }

Status read_field(std::string_view line, Part& part) {
  if (std::any_of(line.begin(), line.end(), is_control)) {
    return malformed("a control character in a part's header");
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return malformed("a part's header field has no name");
  }
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "content-disposition") return read_disposition(value, part);
  if (name == "content-transfer-encoding") return read_transfer_encoding(value);
  return Ok{};
}

}  // namespace

std::string last_component(std::string_view name) {
  while (name.ends_with('/') || name.ends_with('\\')) name.remove_suffix(1);
  const size_t slash = name.find_last_of("/\\");
  return std::string(slash == std::string_view::npos ? name : name.substr(slash + 1));
}

// The first boundary may open the body, so the body is read as if CR LF came before it.
Multipart::Multipart(std::string_view boundary, PartSink& sink)
    : delimiter_("\r\n--" + std::string(boundary)), sink_(sink), matched_(2) {}

Status Multipart::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto used = step(bytes);
    if (!used) return used.error();
    bytes.remove_prefix(*used);
  }
  return Ok{};
}

Status Multipart::finish() const {
  if (at_ == At::epilogue) return Ok{};
  return malformed("the form ends before its closing boundary");
}

// Uses up some of `bytes`, which are not empty; returns how many.
Result<size_t> Multipart::step(std::string_view bytes) {
  switch (at_) {
    case At::preamble:
    case At::data:
      return seek_delimiter(bytes);
    case At::epilogue:
      return bytes.size();
    case At::header:
    case At::delimited:
    case At::closing:
    case At::padding:
    case At::opening: {
      const char c = bytes.front();
      const Status taken = at_ == At::header ? header_byte(c) : after_delimiter(c);
      return taken ? Result<size_t>(size_t{1}) : taken.error();
    }
  }
  return bytes.size();
}

Result<size_t> Multipart::seek_delimiter(std::string_view bytes) {
  if (matched_ == 0) {
    const size_t cr = std::min(bytes.find('\r'), bytes.size());
    if (cr > 0) {
      const Status given = data_piece(bytes.substr(0, cr));
      return given ? Result<size_t>(cr) : given.error();
    }
  }
  size_t used = 0;
  while (used < bytes.size() && matched_ < delimiter_.size() &&
         bytes[used] == delimiter_[matched_]) {
    ++used;
    ++matched_;
  }
  if (matched_ == delimiter_.size()) {
    const Status found = delimiter_found();
    return found ? Result<size_t>(used) : found.error();
  }
  if (used == bytes.size()) return used;  // perhaps a delimiter: the next piece tells
  // It was none. No CR lies inside it, so none can begin inside it either.
  const Status given = data_piece(std::string_view(delimiter_).substr(0, matched_));
  matched_ = 0;
  return given ? Result<size_t>(used) : given.error();
}

Status Multipart::data_piece(std::string_view bytes) {
  if (at_ == At::preamble || bytes.empty()) return Ok{};
  return sink_.part_data(bytes);
}

Status Multipart::delimiter_found() {
  const bool in_part = at_ == At::data;
  matched_ = 0;
  at_ = At::delimited;
  return in_part ? sink_.part_ends() : Status(Ok{});
}

Status Multipart::after_delimiter(char c) {
  if (at_ == At::closing) {
    if (c != '-') return malformed("bytes after a boundary");
    at_ = At::epilogue;
  } else if (at_ == At::opening) {
    if (c != '\n') return malformed("bytes after a boundary");
    if (++parts_ > kMaxParts) return malformed("more than " + std::to_string(kMaxParts) + " parts");
    header_.clear();
    at_ = At::header;
  } else if (c == '\r') {
    at_ = At::opening;
  } else if (c == '-' && at_ == At::delimited) {
    at_ = At::closing;
  } else if (c == ' ' || c == '\t') {
    at_ = At::padding;
  } else {
    return malformed("bytes after a boundary");
  }
  return Ok{};
}

Status Multipart::header_byte(char c) {
  if (header_.size() >= kMaxPartHeaderBytes) return malformed("a part's header is too long");
  header_ += c;
  const bool empty_line = header_ == "\r\n" || header_.ends_with("\r\n\r\n");
  return empty_line ? header_done() : Status(Ok{});
}

Status Multipart::header_done() {
  Part part;
  std::string_view rest(header_);
  while (rest != "\r\n") {
    const size_t end = rest.find("\r\n");
    const Status read = read_field(rest.substr(0, end), part);
    if (!read) return read.error();
    rest.remove_prefix(end + 2);
  }
  at_ = At::data;
  matched_ = 0;
  return sink_.part_begins(part);
}

}  // namespace imgq::web
