#include "src/http/head.h"

#include <gtest/gtest.h>

#include <string>

namespace imgq::web {
namespace {

const std::string kHost = "Host: localhost\r\n";

Head good(const std::string& text) {
  auto read = read_head(text);
  const auto* refusal = std::get_if<Refusal>(&read);
  EXPECT_EQ(refusal, nullptr) << text << (refusal != nullptr ? refusal->detail : "");
  return refusal == nullptr ? std::get<Head>(read) : Head{};
}

int status_of(const std::string& text) {
  const auto read = read_head(text);
  const auto* refusal = std::get_if<Refusal>(&read);
  return refusal == nullptr ? 200 : refusal->status;
}

int status_with(const std::string& fields) {
  return status_of("POST / HTTP/1.1\r\n" + kHost + fields + "\r\n");
}

TEST(Head, AnOrdinaryRequestIsRead) {
  const Head head = good("POST /v1/jobs/a%20b?wait=5&name=a%3Db+c&x&of=a=b?c HTTP/1.1\r\n" + kHost +
                         "Content-Length: 12\r\nX-A:  b%20c \r\n\r\n");
  ASSERT_NE(head.parameter("name"), nullptr);
  EXPECT_EQ(*head.parameter("name"), "a=b c");
  EXPECT_EQ(*head.parameter("x"), "");
  EXPECT_EQ(*head.parameter("of"), "a=b?c");
  EXPECT_EQ(head.parameter("y"), nullptr);
  EXPECT_EQ(head.framing, Head::Framing::length);
  EXPECT_EQ(head.length_bytes, 12);
  EXPECT_EQ(*head.field("x-a"), "b%20c");
}

TEST(Head, TheLibraryIsShownTheRequestLineAndTheFramingAlone) {
  const std::string others = "Range: bytes=0-1\r\nAccept: ;\r\nUpgrade: websocket\r\n";
  EXPECT_EQ(
      good("POST /a%20b?c HTTP/1.1\r\n" + kHost + others + "content-length: 7\r\n\r\n").for_library,
      "POST /a%20b HTTP/1.1\r\nContent-Length: 7\r\n\r\n");
  EXPECT_EQ(good("POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: Chunked\r\n\r\n").for_library,
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(Head, APathIsItsSegments) {
  using Segments = std::vector<std::string>;
  EXPECT_EQ(path_segments("/"), Segments());
  EXPECT_EQ(path_segments("/v1/jobs"), (Segments{"v1", "jobs"}));
  EXPECT_EQ(path_segments("/a/"), (Segments{"a", ""}));
  EXPECT_EQ(path_segments("//a///b//"), (Segments{"a", "b", ""}));
  EXPECT_EQ(path_segments("//"), Segments());
  EXPECT_EQ(path_segments("http://x/heartbeat"), Segments{"heartbeat"});
  EXPECT_EQ(path_segments("http://x"), Segments());
  for (const char* path : {"heartbeat", "*", "xheartbeat"}) {
    EXPECT_EQ(path_segments(path), Segments{""}) << path;
  }
}

TEST(Head, WaysToSmuggleARequestAreRefused) {
  EXPECT_EQ(status_with("Content-Length: 1\r\nContent-Length: 1\r\n"), 400);
  EXPECT_EQ(status_with("Content-Length: 1, 1\r\n"), 400);
  EXPECT_EQ(status_with("Content-Length: +1\r\n"), 400);
  EXPECT_EQ(status_with("Content-Length: -1\r\n"), 400);
  EXPECT_EQ(status_with("Content-Length: 0x1\r\n"), 400);
  EXPECT_EQ(status_with("Content-Length: \r\n"), 400);
  EXPECT_EQ(status_with("Content-Length: 9999999999999999999\r\n"), 400);
  EXPECT_EQ(status_with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(status_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 501);
  EXPECT_EQ(status_with("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(status_with("Transfer-Encoding: xchunked\r\n"), 501);
  EXPECT_EQ(status_with("Content-Length : 1\r\n"), 400);
  EXPECT_EQ(status_with(" folded: 1\r\n"), 400);
  EXPECT_EQ(status_with("a: b\r\n c\r\n"), 400);
  EXPECT_EQ(status_with("a: b\nContent-Length: 3\r\n"), 400);
  EXPECT_EQ(status_with("a: b\rc\r\n"), 400);
  EXPECT_EQ(status_with(std::string("a: b\0c\r\n", 8)), 400);
}

TEST(Head, OneHostIsNeeded) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 200);
}

TEST(Head, ACodedBodyIsRefused) {
  EXPECT_EQ(status_with("Content-Encoding: gzip\r\n"), 415);
  EXPECT_EQ(status_with("Content-Encoding: identity\r\n"), 200);
}

TEST(Head, OnlyContinueCanBeExpected) {
  EXPECT_EQ(status_with("Expect: 100-continue\r\n"), 200);
  EXPECT_EQ(status_with("Expect: miracles\r\n"), 417);
}

TEST(Head, ABadEscapeInTheQueryIsRefused) {
  for (const char* query : {"a=%zz", "a=%4", "a=%", "%zz"}) {
    const std::string line = std::string("GET /?") + query + " HTTP/1.1\r\n";
    EXPECT_EQ(status_of(line + kHost + "\r\n"), 400) << query;
  }
}

TEST(Head, ControlCharactersInTheRequestLineAreRefused) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\nContent-Length: 5\r\n" + kHost + "\r\n"), 400);
  EXPECT_EQ(status_of(std::string("GET /\0 HTTP/1.1\r\n", 17) + kHost + "\r\n"), 400);
  EXPECT_EQ(status_of("GET /\x01 HTTP/1.1\r\n" + kHost + "\r\n"), 400);
}

TEST(Head, MoreThanAHundredFieldsAreRefused) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "a: b\r\n";
  EXPECT_EQ(status_with(fields), 200);
  EXPECT_EQ(status_with(fields + "a: b\r\n"), 431);
}

TEST(Head, MayAskAgainUnlessItSaysClose) {
  const auto may = [](const std::string& version, const std::string& fields) {
    return std::get<Head>(read_head("GET / " + version + "\r\nHost: a\r\n" + fields + "\r\n"))
        .may_ask_again;
  };
  EXPECT_TRUE(may("HTTP/1.1", ""));
  EXPECT_TRUE(may("HTTP/1.1", "Connection: keep-alive, closed\r\n"));
  EXPECT_FALSE(may("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(may("HTTP/1.1", "Connection: Keep-Alive ,\tCLOSE\r\n"));
  EXPECT_FALSE(may("HTTP/1.1", "Connection: a\r\nConnection: close\r\n"));
  EXPECT_FALSE(may("HTTP/1.0", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(may("HTTP/2.0", ""));
}

}  // namespace
}  // namespace imgq::web
