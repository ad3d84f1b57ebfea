#include "src/web/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "spool/fd.h"

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
    entry_.socket = server_.get();
    register_.add(entry_);
    wire_.emplace(server_.get(), entry_, Pace{});
  }
  ~Connection() override { register_.remove(entry_); }

  void say(std::string_view bytes) const {
    EXPECT_EQ(::send(client_.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }

  Head head() {
    auto read = read_head(*wire_);
    return std::get<Head>(read);
  }

  Fd client_, server_;
  Register register_;
  Register::Entry entry_;
  std::optional<Wire> wire_;
};

TEST_F(Connection, WhoseBodyIsStillComingMayBeDropped) {
  say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcde");
  WireBody body(*wire_, head(), 100);
  EXPECT_EQ(*body.next(), "abcde");
  EXPECT_EQ(entry_.phase, Phase::body);
  EXPECT_TRUE(register_.drop_slowest(0));
}

TEST_F(Connection, WhoseBodyHasComeWholeIsNeverDropped) {
  say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcdefghij");
  WireBody body(*wire_, head(), 100);
  EXPECT_EQ(*body.next(), "abcdefghij");
  EXPECT_EQ(entry_.phase, Phase::working);
  EXPECT_EQ(*body.next(), "");
  EXPECT_EQ(entry_.phase, Phase::working);
  EXPECT_FALSE(register_.drop_slowest(0));
}

TEST_F(Connection, WhoseChunksHaveComeWholeIsNeverDropped) {
  say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n");
  WireBody body(*wire_, head(), 100);
  EXPECT_EQ(*body.next(), "abcde");
  EXPECT_EQ(entry_.phase, Phase::body);
  say("0\r\n\r\n");
  EXPECT_EQ(*body.next(), "");
  EXPECT_EQ(entry_.phase, Phase::working);
  EXPECT_FALSE(register_.drop_slowest(0));
}

}  // namespace
}  // namespace imgq::web
