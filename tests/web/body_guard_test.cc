#include "src/http/body_guard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace imgq::web {
namespace {

enum class Read { whole, more, refused, too_large };

// What becomes of a body that comes in pieces of `size`.
Read read(BodyGuard guard, std::string_view bytes, size_t size) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
    const Status passed = guard.pass(bytes.substr(0, size));
    if (!passed) return passed.error().code == EFBIG ? Read::too_large : Read::refused;
  }
  return guard.done() ? Read::whole : Read::more;
}

Read chunked(std::string_view bytes, size_t size, int64_t limit = 1000) {
  Head head;
  head.framing = Head::Framing::chunked;
  return read(BodyGuard(head, limit), bytes, size);
}

Read of_length(int64_t length, std::string_view bytes, int64_t limit = 1000) {
  Head head;
  head.framing = Head::Framing::length;
  head.length_bytes = length;
  return read(BodyGuard(head, limit), bytes, 7);
}

const std::string kCoded = "5\r\nhello\r\n1;name=value\r\n \r\n00a\r\n0123456789\r\n0\r\n\r\n";

TEST(BodyGuard, PiecesOfAnySizePass) {
  for (size_t size = 1; size <= kCoded.size(); ++size) {
    EXPECT_EQ(chunked(kCoded, size), Read::whole) << size;
  }
}

TEST(BodyGuard, ABodyCutAnywhereIsNotDone) {
  for (size_t cut = 0; cut < kCoded.size(); ++cut) {
    EXPECT_EQ(chunked(kCoded.substr(0, cut), 7), Read::more) << cut;
  }
  EXPECT_EQ(of_length(5, "1234"), Read::more);
  EXPECT_EQ(of_length(5, "12345"), Read::whole);
  EXPECT_EQ(of_length(0, ""), Read::whole);
}

TEST(BodyGuard, SizesThatAreNoNumbersAreRefused) {
  for (const char* coded :
       {"-2\r\n", "-0\r\n", "+5\r\nhello\r\n", "0x5\r\nhello\r\n", "\r\n", "g\r\n", " 5\r\n",
        ";\r\n", "1000000000000000\r\n", "ffffffffffffffff\r\n", "5\nhello\n"}) {
    EXPECT_EQ(chunked(coded, 100), Read::refused) << coded;
  }
}

TEST(BodyGuard, AChunkOfAnotherLengthThanItsSizeIsRefused) {
  EXPECT_EQ(chunked("4\r\nhello\r\n0\r\n\r\n", 100), Read::refused);
  EXPECT_EQ(chunked("6\r\nhello\r\n0\r\n\r\n", 100), Read::refused);
}

TEST(BodyGuard, LinesAreBounded) {
  EXPECT_EQ(chunked("1;" + std::string(300, 'x'), 50), Read::refused);
  EXPECT_EQ(chunked("1\r\na" + std::string(300, 'x'), 50), Read::refused);
}

TEST(BodyGuard, NothingPassesAfterTheEnd) {
  EXPECT_EQ(chunked("0\r\n\r\nx", 100), Read::refused);
  EXPECT_EQ(chunked("0\r\nTrailer: x\r\n\r\n", 100), Read::refused);
  EXPECT_EQ(of_length(5, "123456"), Read::refused);
}

TEST(BodyGuard, MoreThanTheLimitIsTooLarge) {
  EXPECT_EQ(chunked("5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", 100, 10), Read::whole);
  EXPECT_EQ(chunked("5\r\nhello\r\n6\r\nhello!\r\n0\r\n\r\n", 100, 10), Read::too_large);
  EXPECT_EQ(of_length(11, "hello hello", 10), Read::too_large);
}

}  // namespace
}  // namespace imgq::web
