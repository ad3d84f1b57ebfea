#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/util/error.h"

namespace imgq::web {

// What a part of a form says of itself. Bytes as sent: data, never a path, never printed raw.
struct Part {
  std::string name;  // of the form's field; empty when the part has none
  // Last component only. filename* counts more than filename where it is UTF-8; when there is
  // nothing else, one in another charset is the empty name.
  std::optional<std::string> filename;
};

// "C:\photos\a.jpg", "../../a.jpg" and "a.jpg\" name "a.jpg".
std::string last_component(std::string_view name);

// Takes the parts of a form as they arrive. A Status that is an error ends the reading, and feed
// returns it.
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual Status part_begins(const Part& part) = 0;
  virtual Status part_data(std::string_view bytes) = 0;
  virtual Status part_ends() = 0;
};

// Reads multipart/form-data (RFC 7578; RFC 2046, section 5.1) fed in pieces of any size: where it
// is split makes no difference. A state machine over bytes: no I/O, no regex, no recursion, and
// memory for one part's header at most, whatever is sent.
class Multipart {
 public:
  static constexpr size_t kMaxPartHeaderBytes = size_t{8} * 1024;
  static constexpr int kMaxParts = 64;

  // boundary  as multipart_boundary gives it; sink outlives this
  Multipart(std::string_view boundary, PartSink& sink);

  //   errors  code 0: the form is not well formed, in words; the sink's own errors
  Status feed(std::string_view bytes);

  // The body is at its end.
  //   errors  code 0: the closing boundary has not come
  Status finish() const;

 private:
  // preamble   before the first boundary: thrown away
  // delimited  after a boundary: "--" closes, CR LF opens a part
  // closing, padding, opening   within that line: "-" seen, blanks seen, CR seen
  // header     a part's header fields, up to the empty line
  // data       a part's bytes, up to the next boundary
  // epilogue   after the closing boundary: thrown away
  enum class At { preamble, delimited, closing, padding, opening, header, data, epilogue };

  Result<size_t> step(std::string_view bytes);
  Result<size_t> seek_delimiter(std::string_view bytes);
  Status data_piece(std::string_view bytes);
  Status delimiter_found();
  Status after_delimiter(char c);
  Status header_byte(char c);
  Status header_done();

  const std::string delimiter_;  // CR LF "--" boundary: its only CR is its first byte
  PartSink& sink_;
  At at_ = At::preamble;
  size_t matched_;  // how much of the delimiter the bytes just seen are
  std::string header_;
  int parts_ = 0;
};

}  // namespace imgq::web
