// What supervisor and worker say to each other: a worker that was taken over may say anything.
#include <sys/socket.h>

#include "src/base/limits.h"
#include "src/base/verdict.h"
#include "src/base/wire.h"
#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

// One datagram through a real socket.
std::string received(std::string_view bytes) {
  int ends[2];
  require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "sockets can be made");
  const Fd mine(ends[0]);
  const Fd theirs(ends[1]);
  if (::send(theirs.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return "";
  const auto packet = wire::receive(mine.get());
  return packet ? packet->text : "";
}

}  // namespace
}  // namespace imgq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using imgq::fuzz::require;
  const std::string_view text = imgq::fuzz::text_of(data, size);
  if (size > 0 && size <= imgq::wire::kMaxMessageBytes) {
    require(imgq::fuzz::received(text) == text, "a message arrives as it was sent");
  }
  if (const auto order = imgq::wire::decode_order(text)) {
    const std::string again = imgq::wire::encode(*order);
    const auto second = imgq::wire::decode_order(again);
    require(second && imgq::wire::encode(*second) == again, "an order is read as it was written");
  }
  if (const auto verdict = imgq::parse_verdict(text)) {
    const std::string again = imgq::to_json(*verdict);
    const auto second = imgq::parse_verdict(again);
    require(second && imgq::to_json(*second) == again, "a verdict is read as it was written");
    (void)imgq::report_json(*verdict);
  }
  (void)imgq::parse_limits(text);
  return 0;
}
