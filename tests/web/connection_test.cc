#include "src/http/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <thread>

#include "src/util/fd.h"

namespace imgq::web {
namespace {

// A connection whose client sends what it is told to.
class Connection : public ::testing::Test {
 protected:
  Connection() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client_ = Fd(ends[0]);
    server_ = Fd(ends[1]);
    member_.socket = server_.get();
    register_.add(member_);
    wire_.emplace(server_.get(), member_, Pace{});
  }
  ~Connection() override { register_.remove(member_); }

  void say(std::string_view bytes) const {
    EXPECT_EQ(::send(client_.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }

  MeteredBody& begun(std::string_view bytes) {
    say(bytes);
    opening_ = std::get<Opening>(read_opening(*wire_));
    return body_.emplace(*wire_, opening_, 100);
  }

  Fd client_, server_;
  Register register_;
  Register::Member member_;
  std::optional<Wire> wire_;
  Opening opening_;
  std::optional<MeteredBody> body_;
};

TEST_F(Connection, WhoseBodyIsStillComingMayBeDropped) {
  auto& body = begun("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcde");
  EXPECT_EQ(*body.next(100), "abcde");
  EXPECT_EQ(member_.phase, Phase::body);
  EXPECT_TRUE(register_.drop_slowest(0));
}

TEST_F(Connection, WhoseBodyHasComeWholeIsNeverDropped) {
  auto& body = begun("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcdefghij");
  EXPECT_EQ(*body.next(3), "abc");
  EXPECT_EQ(*body.next(7), "defghij");
  EXPECT_EQ(member_.phase, Phase::working);
  EXPECT_FALSE(register_.drop_slowest(0));
}

TEST_F(Connection, WhoseChunksHaveComeWholeIsNeverDropped) {
  auto& body =
      begun("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n");
  EXPECT_EQ(*body.next(100), "5\r\nabcde\r\n");
  EXPECT_EQ(member_.phase, Phase::body);
  say("0\r\n\r\n");
  EXPECT_EQ(*body.next(100), "0\r\n\r\n");
  EXPECT_EQ(member_.phase, Phase::working);
  EXPECT_FALSE(register_.drop_slowest(0));
}

TEST_F(Connection, WhatFollowsABodyIsNotOfIt) {
  auto& body = begun("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcdeGET /");
  EXPECT_EQ(*body.next(5), "abcde");
  EXPECT_TRUE(body.whole());
  EXPECT_EQ(*body.next(100), "");
  EXPECT_EQ(body.after(), "GET /");
  const auto refused = [&] { return std::get<Refusal>(read_opening(*wire_, "GET /")).status; };
  say(" HTTP/1.1\r\n\r\n");
  EXPECT_EQ(refused(), 400);  // no Host: it passes the same guard
}

TEST_F(Connection, BetweenTwoRequestsIsDroppedFirstHoweverYoungItIs) {
  member_.enter(Phase::idle);
  Register::Member waiting;
  waiting.socket = client_.get();
  register_.add(waiting);
  EXPECT_TRUE(register_.drop_slowest(3'600'000));
  register_.remove(waiting);
  EXPECT_FALSE(wire_->asked_again());
}

TEST_F(Connection, WhoHasAskedAgainIsNotIdle) {
  member_.enter(Phase::idle);
  say("GET");
  EXPECT_FALSE(register_.drop_slowest(0));
  EXPECT_TRUE(wire_->asked_again());
  EXPECT_EQ(member_.phase, Phase::head);
}

TEST_F(Connection, MayBeginWithOneEmptyLineAndNoMore) {
  say("\r\n\r\nGET /heartbeat HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto opening = read_opening(*wire_);
  ASSERT_TRUE(std::holds_alternative<Refusal>(opening));
  EXPECT_EQ(std::get<Refusal>(opening).status, 400);
}

TEST_F(Connection, MayBringItsHeadInPiecesOfAnySizeAfterAnEmptyLine) {
  const std::string head = "\r\nGET /heartbeat HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string sent = head + "the\nbody\r\n\r\n";
  for (size_t cut = 1; cut < sent.size(); ++cut) {
    std::thread client([&] {
      say(std::string_view(sent).substr(0, cut));
      say(std::string_view(sent).substr(cut));
    });
    const auto opening = std::get<Opening>(read_opening(*wire_));
    client.join();
    EXPECT_EQ(opening.head.for_library, "GET /heartbeat HTTP/1.1\r\n\r\n") << cut;
    std::string rest = opening.rest;
    while (rest.size() < sent.size() - head.size()) rest += *wire_->read(wire_->head_deadline());
    EXPECT_EQ(rest, sent.substr(head.size())) << cut;
  }
}

TEST_F(Connection, WhoseHeadIsTooLongIsRefusedBeforeItIsWhole) {
  std::string lines = "GET / HTTP/1.1\r\n";
  while (lines.size() <= 32 * 1024) lines += "x: y\r\n";
  say(lines);
  EXPECT_EQ(std::get<Refusal>(read_opening(*wire_)).status, 431);
}

TEST_F(Connection, WhoseHeadIsCutShortSaidNothing) {
  say("GET / HTTP/1.1\r\n");
  client_ = Fd();
  EXPECT_TRUE(std::holds_alternative<std::monostate>(read_opening(*wire_)));
}

}  // namespace
}  // namespace imgq::web
