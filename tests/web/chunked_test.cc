#include "src/web/chunked.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace imgq::web {
namespace {

// What the coding holds, read in pieces of `size`; nothing when it is refused or not at its end.
std::optional<std::string> decoded(std::string_view coded, size_t size) {
  Chunked chunked;
  std::string out;
  while (!coded.empty() && !chunked.done()) {
    const auto piece = chunked.take(coded.substr(0, size));
    if (!piece) return std::nullopt;
    out += piece->data;
    coded.remove_prefix(piece->used);
  }
  if (!chunked.done()) return std::nullopt;
  return out;
}

const std::string kCoded =
    "5\r\nhello\r\n1;name=value\r\n \r\n00a\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";

TEST(Chunked, PiecesOfAnySizeReadTheSame) {
  for (size_t size = 1; size <= kCoded.size(); ++size) {
    EXPECT_EQ(decoded(kCoded, size), "hello 0123456789") << size;
  }
}

TEST(Chunked, ABodyCutAnywhereIsNotAtItsEnd) {
  for (size_t cut = 0; cut < kCoded.size(); ++cut) {
    EXPECT_EQ(decoded(kCoded.substr(0, cut), 7), std::nullopt) << cut;
  }
}

TEST(Chunked, SizesThatAreNoNumbersAreRefused) {
  for (const char* coded :
       {"-2\r\n", "+5\r\nhello\r\n", "0x5\r\nhello\r\n", "\r\n", "g\r\n", " 5\r\n",
        "10000000000000000\r\n", "ffffffffffffffff\r\n", "5\nhello\n"}) {
    EXPECT_EQ(decoded(std::string(coded) + "0\r\n\r\n", 100), std::nullopt) << coded;
  }
}

TEST(Chunked, AChunkLongerThanItsSizeIsRefused) {
  EXPECT_EQ(decoded("4\r\nhello\r\n0\r\n\r\n", 100), std::nullopt);
}

TEST(Chunked, LinesAreBounded) {
  EXPECT_EQ(decoded("1;" + std::string(300, 'x') + "\r\na\r\n0\r\n\r\n", 50), std::nullopt);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 500; ++i) trailers += "trailer: x\r\n";
  EXPECT_EQ(decoded(trailers + "\r\n", 50), std::nullopt);
}

TEST(Chunked, NothingIsTakenAfterTheEnd) {
  Chunked chunked;
  std::string_view coded = "0\r\n\r\n";
  while (!chunked.done()) {
    const auto piece = chunked.take(coded);
    ASSERT_TRUE(piece);
    coded.remove_prefix(piece->used);
  }
  EXPECT_FALSE(chunked.take("x"));
}

}  // namespace
}  // namespace imgq::web
