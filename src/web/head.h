#ifndef IMGQ_SRC_WEB_HEAD_H_
#define IMGQ_SRC_WEB_HEAD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace imgq::web {

// A request's head, read strictly: what RFC 9112 leaves to the server's mercy is refused.
struct Head {
  std::string method;             // a token, upper case as sent
  std::vector<std::string> path;  // segments, percent-decoded; "/" has none
  std::vector<std::pair<std::string, std::string>> query;   // decoded, in order
  int minor_version = 1;                                    // of HTTP/1.x
  std::vector<std::pair<std::string, std::string>> fields;  // names lower case, values trimmed

  // How the body is framed.
  enum class Framing { none, length, chunked } framing = Framing::none;
  int64_t length_bytes = 0;       // when Framing::length
  bool expects_continue = false;  // waits for "100 Continue" before it sends its body

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

// Takes a head's bytes as they come, in pieces of any size, and never more than kMaxHeadBytes.
//   431  head over 32 KiB, a line over 8 KiB, more than 100 fields    414  target over 2 KiB
//   400  bare CR or LF, NUL, folded or nameless field, bad escape, ".", "..", NUL or "/" within a
//        segment, Host missing or twice, Content-Length twice or not a number, or with
//        Transfer-Encoding
//   415  a Content-Encoding      417  an Expect but 100-continue
//   501  a Transfer-Encoding but chunked      505  a version but HTTP/1.0 and 1.1
class HeadReader {
 public:
  static constexpr size_t kMaxHeadBytes = size_t{32} * 1024;
  static constexpr size_t kMaxLineBytes = size_t{8} * 1024;
  static constexpr size_t kMaxTargetBytes = size_t{2} * 1024;
  static constexpr size_t kMaxFields = 100;

  // Returns how many bytes of `piece` belong to the head; all of them while it is not complete.
  size_t take(std::string_view piece);
  // True when there is nothing more to take: the head is complete, or refused early.
  bool done() const { return done_; }
  bool empty() const { return text_.empty(); }
  // What was read; call once it is done.
  std::variant<Head, Refusal> result() const;

 private:
  std::string text_;
  size_t line_start_ = 0;
  std::optional<Refusal> refusal_;
  bool done_ = false;
};

// The same for a whole head, its empty line included.
std::variant<Head, Refusal> parse_head(std::string_view text);

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_HEAD_H_
