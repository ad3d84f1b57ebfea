#include "src/web/head.h"

#include <gtest/gtest.h>

#include <string>

namespace imgq::web {
namespace {

const std::string kHost = "Host: localhost\r\n";

Head good(const std::string& text) {
  auto read = parse_head(text);
  const auto* refusal = std::get_if<Refusal>(&read);
  EXPECT_EQ(refusal, nullptr) << text << (refusal != nullptr ? refusal->detail : "");
  return refusal == nullptr ? std::get<Head>(read) : Head{};
}

int status_of(const std::string& text) {
  const auto read = parse_head(text);
  const auto* refusal = std::get_if<Refusal>(&read);
  return refusal == nullptr ? 200 : refusal->status;
}

int status_with(const std::string& fields) {
  return status_of("POST / HTTP/1.1\r\n" + kHost + fields + "\r\n");
}

int status_of_target(const std::string& target) {
  return status_of("GET " + target + " HTTP/1.1\r\n" + kHost + "\r\n");
}

TEST(Head, AnOrdinaryRequestIsRead) {
  const Head head = good("POST /v1/jobs/a%20b?wait=5&name=a%3Db+c&x HTTP/1.1\r\n" + kHost +
                         "Content-Length: 12\r\nX-A:  b \r\n\r\n");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.path, (std::vector<std::string>{"v1", "jobs", "a b"}));
  ASSERT_NE(head.parameter("name"), nullptr);
  EXPECT_EQ(*head.parameter("name"), "a=b c");
  EXPECT_EQ(*head.parameter("x"), "");
  EXPECT_EQ(head.parameter("y"), nullptr);
  EXPECT_EQ(head.framing, Head::Framing::length);
  EXPECT_EQ(head.length_bytes, 12);
  EXPECT_EQ(*head.field("x-a"), "b");
}

TEST(Head, ASlashAtTheEndIsAnotherAddress) {
  EXPECT_EQ(good("GET /a/ HTTP/1.1\r\n" + kHost + "\r\n").path.size(), 2U);
  EXPECT_EQ(good("GET / HTTP/1.1\r\n" + kHost + "\r\n").path.size(), 0U);
}

TEST(Head, WhatAProxyIsSentIsReadToo) {
  EXPECT_EQ(good("GET http://x/heartbeat HTTP/1.1\r\n" + kHost + "\r\n").path.front(), "heartbeat");
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

TEST(Head, TargetsThatLeaveTheirPathAreRefused) {
  for (const char* target : {"/..", "/a/../b", "/%2e%2e/a", "/.", "/a%2fb", "/a%00", "/a%", "/a%4",
                             "/a%zz", "/a#b", "a", "*", "//../x", "/?a=%zz", "/a\tb", "/\x7f"}) {
    EXPECT_EQ(status_of_target(target), 400) << target;
  }
}

TEST(Head, ALongTargetIsRefused) {
  EXPECT_EQ(status_of_target("/" + std::string(2047, 'a')), 200);
  EXPECT_EQ(status_of_target("/" + std::string(2048, 'a')), 414);
}

TEST(Head, StrangeRequestLinesAreRefused) {
  for (const char* line : {"", "GET", "GET /", "GET  HTTP/1.1", " / HTTP/1.1", "G@T / HTTP/1.1",
                           "GET / HTTX/1.1", "GET / HTTP/1", "GET / http/1.1"}) {
    EXPECT_EQ(status_of(std::string(line) + "\r\n" + kHost + "\r\n"), 400) << line;
  }
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n" + kHost + "\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/1.2\r\n" + kHost + "\r\n"), 505);
}

TEST(Head, MoreThanAHundredFieldsAreRefused) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "a: b\r\n";
  EXPECT_EQ(status_with(fields), 200);
  EXPECT_EQ(status_with(fields + "a: b\r\n"), 431);
}

TEST(HeadReader, TakesExactlyTheHeadHoweverItIsSplit) {
  const std::string head = "GET /heartbeat HTTP/1.1\r\n" + kHost + "\r\n";
  const std::string sent = head + "the body";
  for (size_t cut = 1; cut < sent.size(); ++cut) {
    HeadReader reader;
    size_t taken = reader.take(std::string_view(sent).substr(0, cut));
    if (!reader.done()) taken += reader.take(std::string_view(sent).substr(cut));
    ASSERT_TRUE(reader.done()) << cut;
    EXPECT_EQ(taken, head.size()) << cut;
    const auto read = reader.result();
    ASSERT_TRUE(std::holds_alternative<Head>(read)) << cut;
    EXPECT_EQ(std::get<Head>(read).path.front(), "heartbeat") << cut;
  }
}

int status_of_endless(const std::string& start, const std::string& again) {
  HeadReader reader;
  (void)reader.take(start);
  for (int i = 0; i < 100'000 && !reader.done(); ++i) (void)reader.take(again);
  if (!reader.done()) return 0;
  const auto read = reader.result();
  return std::holds_alternative<Refusal>(read) ? std::get<Refusal>(read).status : 200;
}

TEST(HeadReader, AnEndlessHeadIsRefusedEarly) {
  EXPECT_EQ(status_of_endless("GET / HTTP/1.1\r\n", "x: y\r\n"), 431);
  EXPECT_EQ(status_of_endless("GET / HTTP/1.1\r\nx: ", "yyyyyyyyyyyy"), 431);
  EXPECT_EQ(status_of_endless("GET /", "aaaaaaaa"), 431);
  EXPECT_EQ(status_of_endless("", "a"), 431);
}

}  // namespace
}  // namespace imgq::web
