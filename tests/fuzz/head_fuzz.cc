// A request's head and the chunked coding of its body: wherever they are split, one reading.
#include "src/web/chunked.h"
#include "src/web/head.h"
#include "src/web/multipart.h"
#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

std::string told(const std::variant<web::Head, web::Refusal>& result) {
  if (const auto* refusal = std::get_if<web::Refusal>(&result)) {
    require(refusal->status >= 400 && refusal->status < 600, "a refusal has a status");
    return std::to_string(refusal->status);
  }
  const auto& head = std::get<web::Head>(result);
  std::string text = head.method;
  for (const std::string& segment : head.path) {
    require(segment != ".." && segment.find('/') == std::string::npos, "no segment climbs");
    text += "/" + segment;
  }
  for (const auto& [name, value] : head.fields) text += "|" + name + "=" + value;
  return text;
}

std::string head_in_pieces(std::string_view text, size_t piece) {
  web::HeadReader reader;
  while (!reader.done() && !text.empty()) {
    const size_t used = reader.take(text.substr(0, piece));
    if (used < std::min(piece, text.size()) && !reader.done()) return "stuck";
    text.remove_prefix(used);
  }
  return reader.done() ? told(reader.result()) : "more";
}

std::string body_in_pieces(std::string_view text, size_t piece) {
  web::Chunked body;
  std::string got;
  while (!body.done() && !text.empty()) {
    const auto taken = body.take(text.substr(0, piece));
    if (!taken) return "refused";
    require(taken->used > 0 && taken->used <= std::min(piece, text.size()), "a piece is used");
    got += taken->data;
    text.remove_prefix(taken->used);
  }
  return body.done() ? got : "more";
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
