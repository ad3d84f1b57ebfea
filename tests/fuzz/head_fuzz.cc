// A request's head and its body's coding under the guards: wherever they are split, one reading.
#include "src/web/body_guard.h"
#include "src/web/head.h"
#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

std::string told(const web::Refusal& refusal) {
  require(refusal.status >= 400 && refusal.status < 600, "a refusal has a status");
  return std::to_string(refusal.status);
}

std::string told(std::string_view whole) {
  const auto read = web::read_head(whole);
  if (const auto* refusal = std::get_if<web::Refusal>(&read)) return told(*refusal);
  const auto& head = std::get<web::Head>(read);
  const std::string& shown = head.for_library;
  require(shown.ends_with("\r\n\r\n"), "the library is shown a whole head");
  size_t lines = 0;
  for (size_t at = 0; (at = shown.find('\n', at)) != std::string::npos; ++at) {
    require(at > 0 && shown[at - 1] == '\r', "no line of it ends in a bare LF");
    ++lines;
  }
  const bool body = head.framing != web::Head::Framing::none;
  require(lines == (body ? 3U : 2U), "no field but the framing is in it");
  std::string text = shown;
  for (const auto& [name, value] : head.query) text += "&" + name + "=" + value;
  for (const auto& [name, value] : head.fields) text += "|" + name + "=" + value;
  return text;
}

std::string head_in_pieces(std::string_view text, size_t piece) {
  for (size_t come = 0; come < text.size();) {
    come += std::min(piece, text.size() - come);
    const auto size = web::head_size(text.substr(0, come));
    if (std::holds_alternative<web::Refusal>(size)) return "refused";
    const size_t end = std::get<size_t>(size);
    require(end <= come, "a head is no longer than what came");
    if (end > 0) return told(text.substr(0, end));
  }
  return "more";
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
  require(imgq::fuzz::head_in_pieces(text, size) == imgq::fuzz::head_in_pieces(text, piece),
          "a split changes nothing in a head");
  require(imgq::fuzz::body_in_pieces(text, size) == imgq::fuzz::body_in_pieces(text, piece),
          "a split changes nothing in a chunked body");
  return 0;
}
