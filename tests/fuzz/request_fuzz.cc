// What is asked of an image, as it stands in a ticket that somebody else may have written.
#include "src/base/request.h"
#include "src/util/units.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using imgq::fuzz::require;
  const std::string_view text = imgq::fuzz::text_of(data, size);
  if (const auto request = imgq::parse_request(text, "fuzz")) {
    require(static_cast<bool>(imgq::check(*request)), "what was read is within its bounds");
    const std::string again = imgq::to_json(*request);
    const auto second = imgq::parse_request(again, "again");
    require(second && imgq::to_json(*second) == again, "a request is read as it was written");
  }
  (void)imgq::parse_box(text);
  (void)imgq::parse_colour(text);
  (void)imgq::parse_focus(text);
  (void)imgq::parse_size(text);
  (void)imgq::parse_duration(text);
  (void)imgq::parse_count(text, -5, 1000);
  return 0;
}
