#include "src/http/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>

#include "src/http/listen.h"

namespace imgq::web {
namespace {

// A server of one handler, in a thread of its own.
class Serving {
 public:
  Serving(const ServerOptions& options, Handler handler)
      : listening_(std::move(*listen_at(*parse_address("127.0.0.1:0")))),
        server_(options, std::move(handler)),
        thread_([this] { EXPECT_TRUE(server_.serve(listening_.socket)); }) {}
  ~Serving() {
    server_.stop();
    thread_.join();
  }

  Fd connected() const {
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    auto* address = reinterpret_cast<sockaddr*>(&at);
    EXPECT_EQ(::getsockname(listening_.socket.get(), address, &size), 0);
    Fd out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(out.get(), address, size), 0);
    return out;
  }

 private:
  Listening listening_;
  Server server_;
  std::thread thread_;
};

void say(const Fd& wire, std::string_view bytes) {
  EXPECT_EQ(::send(wire.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
}

std::string heard(const Fd& wire) {
  std::string out;
  char piece[4096];
  for (ssize_t got = 0; (got = ::recv(wire.get(), piece, sizeof piece, 0)) > 0;) {
    out.append(piece, static_cast<size_t>(got));
  }
  return out;
}

constexpr std::string_view kAsk = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
constexpr std::string_view kAskOn = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(Listen, AModeIsThreeOctalDigits) {
  EXPECT_EQ(parse_mode("0660"), 0660U);
  EXPECT_EQ(parse_mode("777"), 0777U);
  for (const char* bad : {"", "6", "66", "0888", "1777", "00660", "-660", "u=rw", "0x1f"}) {
    EXPECT_FALSE(parse_mode(bad)) << bad;
  }
}

TEST(Listen, OnlyTheNameOfADeadSocketIsTakenOver) {
  std::string folder = testing::TempDir() + "imgq-listen-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/name";
  std::ofstream(path) << "a file of somebody's";
  const auto file = listen_at(*parse_address("unix:" + path));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, EADDRINUSE);
  EXPECT_EQ(std::filesystem::file_size(path), 20u);
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(listen_at(*parse_address("unix:" + path)));
  EXPECT_TRUE(std::filesystem::is_fifo(path));
  std::filesystem::remove(path);
  {
    const auto first = listen_at(*parse_address("unix:" + path));
    ASSERT_TRUE(first);
    EXPECT_FALSE(listen_at(*parse_address("unix:" + path)));  // somebody listens
  }
  EXPECT_TRUE(listen_at(*parse_address("unix:" + path)));
  std::filesystem::remove_all(folder);
}

TEST(Server, ABugIsA500ThatTellsNothing) {
  const Serving serving({}, [](const Asked&) -> Reply { throw std::runtime_error("a secret"); });
  const Fd wire = serving.connected();
  say(wire, kAsk);
  const std::string reply = heard(wire);
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 500 ")) << reply;
  EXPECT_EQ(reply.find("secret"), std::string::npos);
}

TEST(Server, WhoComesWhileAllAreBusyIsTurnedAway) {
  ServerOptions options;
  options.max_connections = 1;
  std::promise<void> asked, answer;
  const Serving serving(options, [&](const Asked&) {
    asked.set_value();
    answer.get_future().wait();
    return Reply{};
  });
  const Fd first = serving.connected();
  say(first, kAsk);
  asked.get_future().wait();
  const std::string busy = heard(serving.connected());
  EXPECT_TRUE(busy.starts_with("HTTP/1.1 503 ")) << busy;
  EXPECT_NE(busy.find("Retry-After: "), std::string::npos);
  answer.set_value();
  EXPECT_TRUE(heard(first).starts_with("HTTP/1.1 200 "));
}

TEST(Server, WhoDoesNotReadIsGivenUp) {
  ServerOptions options;
  options.pace.grace_ms = 100;
  options.pace.min_rate = int64_t{1} << 40;
  std::promise<void> given_up;
  const Serving serving(options, [&](const Asked&) {
    Reply reply;
    reply.stream = [&](const ClientStays&, const StreamWrite& write) {
      while (write(std::string(100'000, 'x'))) {
      }
      given_up.set_value();
    };
    return reply;
  });
  const Fd wire = serving.connected();
  say(wire, kAsk);
  EXPECT_EQ(given_up.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

// The next reply's head, and nothing of what follows it.
std::string heard_head(const Fd& wire) {
  std::string out;
  for (char byte = 0; !out.ends_with("\r\n\r\n") && ::recv(wire.get(), &byte, 1, 0) == 1;)
    out += byte;
  return out;
}

TEST(Server, WhoIsIdleBetweenTwoRequestsMakesRoomAtOnce) {
  ServerOptions options;
  options.max_connections = 1;
  options.pace.idle_ms = 3'600'000;
  const Serving serving(options, [](const Asked&) { return Reply{}; });
  const Fd idle = serving.connected();
  for (int i = 0; i < 2; ++i) {
    say(idle, kAskOn);
    ASSERT_NE(heard_head(idle).find("Connection: keep-alive\r\n"), std::string::npos);
  }
  const Fd wire = serving.connected();
  say(wire, kAsk);
  ASSERT_TRUE(heard(wire).starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(heard(idle), "");
}

TEST(Server, AConnectionCarriesSoManyRequests) {
  ServerOptions options;
  options.max_requests = 2;
  const Serving serving(options, [](const Asked&) { return Reply{}; });
  const Fd wire = serving.connected();
  say(wire, std::string(kAskOn) + std::string(kAskOn) + std::string(kAskOn));
  EXPECT_NE(heard_head(wire).find("Connection: keep-alive\r\n"), std::string::npos);
  EXPECT_NE(heard_head(wire).find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(heard(wire), "");
}

TEST(Server, AReplyThatBreaksOffIsAConnectionsLast) {
  const Serving serving({}, [](const Asked&) {
    Reply reply;
    reply.file =
        FileBody{Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), 1000};  // shorter than told
    return reply;
  });
  const Fd wire = serving.connected();
  say(wire, std::string(kAskOn) + std::string(kAskOn));
  EXPECT_TRUE(heard_head(wire).starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(heard(wire), "");
}

TEST(Server, ABodyThatTheRouteLeftIsNoRequest) {
  const Serving serving({}, [](const Asked& asked) {
    if (asked.head.method == "POST") (void)asked.read_body([](std::string_view) { return false; });
    return Reply{};
  });
  for (const char* method : {"GET", "POST"}) {
    const Fd wire = serving.connected();
    say(wire, std::string(method) + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n" +
                  std::string(kAskOn) + std::string(kAskOn));
    EXPECT_NE(heard_head(wire).find("Connection: close\r\n"), std::string::npos) << method;
    EXPECT_EQ(heard(wire), "") << method;
  }
}

TEST(Server, WhoIsSilentMakesRoomForWhoAsks) {
  ServerOptions options;
  options.max_connections = 1;
  options.pace.head_ms = 3'600'000;
  const Serving serving(options, [](const Asked&) { return Reply{}; });
  const Fd silent = serving.connected();
  const Fd wire = serving.connected();
  say(wire, kAsk);
  ASSERT_TRUE(heard(wire).starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(heard(silent), "");
}

}  // namespace
}  // namespace imgq::web
