#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "src/base/wire.h"
#include "tests/src/lab.h"

namespace imgq::wire {
namespace {

struct Ends {
  Fd one, two;
};

Ends make_ends() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

size_t open_descriptors() { return test::names_in("/proc/self/fd").size(); }

// As a hostile peer would: around the checks of send.
void send_raw(int socket, size_t text_bytes, size_t descriptors) {
  std::string text(text_bytes, 'x');
  iovec piece{text.data(), text.size()};
  std::vector<int> fds(descriptors, STDIN_FILENO);
  std::vector<char> control(CMSG_SPACE(sizeof(int) * descriptors));
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int) * descriptors);
  std::memcpy(CMSG_DATA(part), fds.data(), sizeof(int) * descriptors);
  ASSERT_EQ(::sendmsg(socket, &header, 0), static_cast<ssize_t>(text_bytes)) << errno;
}

TEST(WireProtocol, AMessageArrivesWholeWithItsDescriptors) {
  const Ends ends = make_ends();
  std::array<int, 2> pipe_fds{};
  ASSERT_EQ(::pipe2(pipe_fds.data(), O_CLOEXEC), 0);
  const Fd reader(pipe_fds[0]);
  Fd writer(pipe_fds[1]);
  ASSERT_TRUE(send(ends.one.get(), "take this", {writer.get()}));
  writer = Fd();
  auto packet = receive(ends.two.get());
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->text, "take this");
  ASSERT_EQ(packet->fds.size(), 1U);
  EXPECT_NE(::fcntl(packet->fds[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(::write(packet->fds[0].get(), "!", 1), 1);
  char got = 0;
  ASSERT_EQ(::read(reader.get(), &got, 1), 1);
  EXPECT_EQ(got, '!');
}

TEST(WireProtocol, TheLargestMessageWithAllDescriptorsArrives) {
  const Ends ends = make_ends();
  const std::string text(kMaxMessageBytes, 'x');
  ASSERT_TRUE(send(ends.one.get(), text, std::vector<int>(kMaxDescriptors, STDIN_FILENO)));
  const auto packet = receive(ends.two.get());
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->text, text);
  EXPECT_EQ(packet->fds.size(), kMaxDescriptors);
}

TEST(WireProtocol, WhatIsTooMuchIsNotSent) {
  const Ends ends = make_ends();
  EXPECT_EQ(send(ends.one.get(), std::string(kMaxMessageBytes + 1, 'x'), {}).error().code,
            EMSGSIZE);
  const std::vector<int> many(kMaxDescriptors + 1, STDIN_FILENO);
  EXPECT_EQ(send(ends.one.get(), "x", many).error().code, EMSGSIZE);
}

TEST(WireProtocol, TooManyDescriptorsAreRefusedAndClosed) {
  for (const size_t count : {kMaxDescriptors + 1, 2 * kMaxDescriptors, size_t{200}}) {
    const Ends ends = make_ends();
    const size_t before = open_descriptors();
    send_raw(ends.one.get(), 5, count);
    EXPECT_EQ(receive(ends.two.get()).error().code, EMSGSIZE) << count;
    EXPECT_EQ(open_descriptors(), before) << count;
  }
}

TEST(WireProtocol, AMessageTooLongIsRefusedAndItsDescriptorsClosed) {
  const Ends ends = make_ends();
  const size_t before = open_descriptors();
  send_raw(ends.one.get(), kMaxMessageBytes + 1, 2);
  EXPECT_EQ(receive(ends.two.get()).error().code, EMSGSIZE);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(WireProtocol, AnEmptyMessageCountsAsTheEndAndLeaksNothing) {
  const Ends ends = make_ends();
  const size_t before = open_descriptors();
  send_raw(ends.one.get(), 0, 3);
  EXPECT_EQ(receive(ends.two.get()).error().code, ENODATA);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(WireProtocol, TheEndOfThePeerIsToldApartFromTrouble) {
  Ends ends = make_ends();
  ends.one = Fd();
  EXPECT_EQ(receive(ends.two.get()).error().code, ENODATA);
  EXPECT_EQ(send(ends.two.get(), "anybody?", {}).error().code, EPIPE);
}

TEST(WireProtocol, AnOrderComesBackFromItsText) {
  Order order;
  order.slot = Slot::heavy;
  order.request.renditions = {Rendition{}, Rendition{}};
  order.request.renditions[1].name = "large";
  order.request.renditions[1].width_px = 1600;
  order.request.renditions[1].watermark = "logo";
  order.watermarks = {{"", Anchor::north, 40}};
  order.request.preset = "web";
  const auto back = decode_order(encode(order));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->task, Task::render);
  EXPECT_EQ(back->slot, Slot::heavy);
  EXPECT_EQ(to_json(back->request), to_json(order.request));
  ASSERT_EQ(back->watermarks.size(), 1U);
  EXPECT_EQ(back->watermarks[0].place, Anchor::north);
  EXPECT_EQ(back->watermarks[0].opacity_percent, 40);
  order.task = Task::inspect;
  EXPECT_EQ(decode_order(encode(order))->task, Task::inspect);
}

TEST(WireProtocol, AnOrderHasTheWatermarksThatItsRenditionsName) {
  const std::string named =
      R"({"do":"render","slot":"normal","request":{"renditions":[{"watermark":"logo"}]})";
  EXPECT_TRUE(decode_order(named + R"(,"watermarks":[{"place":"east","opacity":9}]})"));
  for (const char* rest :
       {"}", R"(,"watermarks":[]})", R"(,"watermarks":{}})", R"(,"watermarks":[7]})",
        R"(,"watermarks":[{"place":"east"}]})", R"(,"watermarks":[{"opacity":9}]})",
        R"(,"watermarks":[{"place":"attention","opacity":9}]})",
        R"(,"watermarks":[{"place":"east","opacity":0}]})",
        R"(,"watermarks":[{"place":"east","opacity":"9"}]})",
        R"(,"watermarks":[{"place":"east","opacity":9},{"place":"east","opacity":9}]})"}) {
    EXPECT_FALSE(decode_order(named + rest)) << rest;
  }
}

TEST(WireProtocol, WhatIsNoOrderIsRefused) {
  for (const char* text :
       {"", "x", "[]", "{}", R"({"do":"render"})", R"({"do":"delete","slot":"normal"})",
        R"({"do":"render","slot":"huge","request":{}})", R"({"do":"render","slot":"normal"})",
        R"({"do":"render","slot":"normal","request":[]})",
        R"({"do":"render","slot":"normal","request":{"renditions":[]}})",
        R"({"do":1,"slot":"normal","request":{}})"}) {
    EXPECT_FALSE(decode_order(text)) << text;
  }
}

}  // namespace
}  // namespace imgq::wire
