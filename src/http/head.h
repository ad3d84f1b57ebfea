#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace imgq::web {

// A request's head. cpp-httplib reads the method and the path, and frames the body; the rest is
// read here, for the library of some release bends it: values percent-decoded, a query cut at its
// second "=" or refused for its second "?".
struct Head {
  std::string method;             // as sent
  std::vector<std::string> path;  // segments, percent-decoded; "/" has none
  std::vector<std::pair<std::string, std::string>> query;   // decoded, in order
  std::vector<std::pair<std::string, std::string>> fields;  // names lower case, values trimmed

  // How the body is framed.
  enum class Framing { none, length, chunked } framing = Framing::none;
  int64_t length_bytes = 0;       // when Framing::length
  bool expects_continue = false;  // waits for "100 Continue" before it sends its body
  bool may_ask_again = false;     // HTTP/1.1, and does not say "Connection: close"
  std::string for_library;        // request line without its query, framing: what the library reads

  // The field's value; null when missing. A field that came twice is refused where it matters.
  const std::string* field(std::string_view name) const;
  // The first query value of this name.
  const std::string* parameter(std::string_view name) const;
};

// Why a request is not even looked at: a status and one sentence, fit to be sent.
struct Refusal {
  int status = 400;
  std::string detail;
};

constexpr size_t kMaxFields = 100, kMaxHeadBytes = size_t{32} * 1024;

// Reads a whole head, all but method and path, and refuses what some supported cpp-httplib lets
// by.
//   431  more than 100 fields
//   400  a bare CR or LF or another control character, a folded or nameless field, Host missing or
//        twice, a bad escape in the query, Content-Length twice, not a number or with
//        Transfer-Encoding
//   415  a Content-Encoding
//   417  an Expect but 100-continue
//   501  a Transfer-Encoding but chunked
std::variant<Head, Refusal> read_head(std::string_view text);

// Puts a path as the library decoded it into segments, without the "http://host" that a proxy would
// be sent and a server has to take too (RFC 9112, 3.2.2). Slashes that follow one another count as
// one, as a proxy makes them of an address that ends in one; but "/a/" ends in an empty segment.
std::vector<std::string> path_segments(std::string_view path);

}  // namespace imgq::web
