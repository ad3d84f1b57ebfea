// Records: any bytes are refused or read, and what was read is written and read again alike.
// The digest keeps a mutated record from being looked at, so most inputs are sealed with a right
// one.
#include "spool/layout.h"
#include "spool/records.h"
#include "src/util/digest.h"
#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

template <class Record>
void round_trip(const Result<Record>& first,
                Result<Record> (*decode)(std::string_view, std::string_view)) {
  if (!first) return;
  const std::string text = encode(*first);
  const auto again = decode(text, "again");
  require(static_cast<bool>(again), "a record that was read can be written and read");
  require(encode(*again) == text, "a record is written alike each time");
}

void try_all(std::string_view text) {
  round_trip<Ticket>(decode_ticket(text, "fuzz"), decode_ticket);
  round_trip<Try>(decode_try(text, "fuzz"), decode_try);
  round_trip<Outcome>(decode_outcome(text, "fuzz"), decode_outcome);
}

// The same body with the digest it should have.
std::string sealed(std::string_view text) {
  const size_t digest = text.rfind(",\"digest\":\"");
  const std::string body(text.substr(0, digest));
  return body + ",\"digest\":\"" + sha256_hex(body) + "\"}\n";
}

}  // namespace
}  // namespace imgq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = imgq::fuzz::text_of(data, size);
  imgq::fuzz::try_all(text);
  imgq::fuzz::try_all(imgq::fuzz::sealed(text));
  const std::string_view name = text.substr(0, text.find('\n'));
  (void)imgq::JobId::parse(name);
  (void)imgq::layout::parse_part(name);
  (void)imgq::layout::parse_token(name);
  (void)imgq::layout::parse_delayed(name);
  (void)imgq::layout::parse_writer(name);
  return 0;
}
