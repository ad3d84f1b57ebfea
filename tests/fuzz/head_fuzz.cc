// A request's head and its body's coding under the guards: what the library is shown of the head,
// and wherever the body is split, one verdict.
#include <algorithm>

#include "src/http/body_guard.h"
#include "src/http/head.h"
#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

void read_head(std::string_view whole) {
  const auto read = web::read_head(whole);
  if (const auto* refusal = std::get_if<web::Refusal>(&read)) {
    require(refusal->status >= 400 && refusal->status < 600, "a refusal has a status");
    return;
  }
  const auto& head = std::get<web::Head>(read);
  const std::string& shown = head.for_library;
  require(shown.ends_with("\r\n\r\n"), "the library is shown a whole head");
  size_t lines = 0;
  for (size_t at = 0; (at = shown.find_first_of("\r\n", at)) != std::string::npos; at += 2) {
    require(shown.compare(at, 2, "\r\n") == 0, "no line of it holds a bare CR or LF");
    ++lines;
  }
  const bool body = head.framing != web::Head::Framing::none;
  require(lines == (body ? 3U : 2U), "no field but the framing is in it");
  for (const std::string& segment : web::path_segments(shown.substr(0, shown.find('\r')))) {
    require(segment.find('/') == std::string::npos, "a segment holds no slash");
  }
}

std::string body_in_pieces(std::string_view text, size_t piece) {
  web::Head head;
  head.framing = web::Head::Framing::chunked;
  web::BodyGuard guard(head, 1000);
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    if (!guard.pass(text.substr(0, piece))) return "refused";
  }
  return guard.done() ? "whole" : "more";
}

}  // namespace
}  // namespace imgq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using imgq::fuzz::require;
  if (size == 0) return 0;
  const size_t piece = 1 + data[0] % 61;
  const std::string_view text = imgq::fuzz::text_of(data + 1, size - 1);
  imgq::fuzz::read_head(text);
  require(imgq::fuzz::body_in_pieces(text, size) == imgq::fuzz::body_in_pieces(text, piece),
          "a split changes nothing in a chunked body");
  return 0;
}
