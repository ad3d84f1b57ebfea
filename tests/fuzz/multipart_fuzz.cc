// A form's body: wherever it is split, the same parts come out, or the same refusal.
#include <algorithm>

#include "src/http/multipart.h"
#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

// Everything that came, as one text.
class Recorder : public web::PartSink {
 public:
  Status part_begins(const web::Part& part) override {
    story_ += "[" + part.name + "|" + part.filename.value_or("-") + "]";
    return Ok{};
  }
  Status part_data(std::string_view bytes) override {
    story_ += bytes;
    return Ok{};
  }
  Status part_ends() override {
    story_ += "[end]";
    return Ok{};
  }
  const std::string& story() const { return story_; }

 private:
  std::string story_;
};

struct Read {
  std::string story;
  bool well = false;
};

Read read_in_pieces(std::string_view body, size_t piece) {
  Recorder recorder;
  web::Multipart form("frontier", recorder);
  bool well = true;
  while (well && !body.empty()) {
    well = static_cast<bool>(form.feed(body.substr(0, piece)));
    body.remove_prefix(std::min(piece, body.size()));
  }
  return {recorder.story(), well && form.finish()};
}

}  // namespace
}  // namespace imgq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using imgq::fuzz::read_in_pieces;
  if (size == 0) return 0;
  const size_t piece = 1 + data[0] % 97;
  const std::string_view body = imgq::fuzz::text_of(data + 1, size - 1);
  const auto whole = read_in_pieces(body, body.size() + 1);
  for (const size_t pieces : {size_t{1}, piece}) {
    const auto split = read_in_pieces(body, pieces);
    imgq::fuzz::require(whole.well == split.well, "a split changes nothing in the verdict");
    imgq::fuzz::require(!whole.well || whole.story == split.story, "a split changes no part");
  }
  return 0;
}
