// cpp-httplib between two guards. The library accepts, and each connection gets a thread of its own
// (Tasks). In front, read_opening reads the head and judges it before the library sees a byte
// (head.h); what is passed on reads alike in every release of the library. Behind, the body is
// metered as the library takes it (body_guard.h), and the reply goes out at the client's pace, with
// a deadline for each piece (connection.h).
// A connection may carry a further request, which passes the same guards: the loop is ours, and the
// library is given one request at a time and no byte that follows it (0.41 would read on after a
// POST without a length). Only where nobody can doubt where the first one ended: a route answered
// it, its body was read to its end, and its reply went out whole and says how long it is. After
// anything else the connection is closed.
// When all slots are taken, a connection between two requests is closed, else the one that makes
// the least headway has to go. Is none slow enough, the newcomer is answered 503 by the accepting
// thread, which waits for nobody.
// Routing is ours: the library would match by std::regex, and read a body that it has no route for
// into memory. So all paths are "/" to it, and the real one goes to the handler.
#include "src/http/server.h"

#include <fmt/chrono.h>
#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include "src/http/httplib_adaptor.h"
#include "src/http/listen.h"
#include "src/http/problem.h"
#include "src/util/log.h"
#include "src/util/sys.h"

namespace imgq::web {
namespace {

constexpr int64_t kDropAgeMs = 250;
constexpr size_t kFilePiece = size_t{64} * 1024;
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 2\r\n"
    "Content-Type: application/problem+json\r\nContent-Length: 68\r\n\r\n"
    "{\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"all busy now\"}";
constexpr std::string_view kUnanswered =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 30\r\n"
    "Content-Type: application/problem+json\r\nContent-Length: 130\r\n\r\n"
    "{\"title\":\"Service Unavailable\",\"status\":503,\"code\":\"no_answer\",\"detail\":"
    "\"no answer in time; what was sent may have been accepted\"}";

// Set while the accepting thread runs a connection's task only to turn it away.
thread_local bool turning_away = false;

// What cpp-httplib reads and writes: a head, a body, and the reply on its way to the wire.
class WireStream final : public httplib_adaptor::Stream<httplib::Stream> {
 public:
  WireStream(Wire& wire, const Opening& opening, int64_t limit_bytes)
      : wire_(wire), head_(opening.head.for_library), body_(wire, opening, limit_bytes) {}

  bool is_readable() const override { return true; }
  bool open() const override { return !failed_; }

  // Once it is answered, a request is not read any further: 0.41 would take in, for as long as the
  // client likes, what was left of its body.
  void end_reading() { answered_ = true; }

  ssize_t read(char* out, size_t size) override {
    if (answered_) return -1;
    if (head_.empty()) {
      const auto piece = body_.next(size);
      if (piece) return static_cast<ssize_t>(piece->copy(out, size));
      trouble_ = piece.error();
      return -1;
    }
    const size_t count = head_.copy(out, size);
    head_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* data, size_t size) override {
    if (failed_ || !wire_.write({data, size}, wire_.pace_deadline())) {
      failed_ = true;
      return -1;
    }
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

  // Why the body could not be read.
  const Status& trouble() const { return trouble_; }
  // The request has come to its end, and its reply has gone out so far.
  bool good() const { return !failed_ && trouble_ && body_.whole(); }
  std::string_view after() const { return body_.after(); }

 private:
  Wire& wire_;
  std::string_view head_;
  MeteredBody body_;
  bool failed_ = false, answered_ = false;
  Status trouble_ = Ok{};
};

Status read_body(const WireStream& stream, const httplib::ContentReader& reader, const Take& take) {
  bool wanted = true;
  const bool whole = reader([&](const char* bytes, size_t size) {
    wanted = take({bytes, size});
    return wanted;
  });
  if (!wanted || !stream.trouble()) return wanted ? stream.trouble() : Ok{};
  return whole ? Status(Ok{}) : bad_data("the body is not framed as it says", "request");
}

void pause_ms(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

std::string http_date() {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(::time(nullptr)));
}

// What every reply carries unless it says otherwise: nothing of ours is a script, is to be framed,
// sniffed, kept, or sent along when somebody follows a link.
constexpr std::array<std::pair<const char*, const char*>, 6> kManners = {{
    {"X-Content-Type-Options", "nosniff"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
    {"Accept-Ranges", "none"},
}};

bool send_piece(const FileBody& file, size_t offset, size_t length, httplib::DataSink& sink) {
  std::array<char, kFilePiece> piece;
  const ssize_t got = sys::pread(file.fd.get(), piece.data(), std::min(length, piece.size()),
                                 static_cast<off_t>(offset));
  return got > 0 && sink.write(piece.data(), static_cast<size_t>(got));
}

void fill(const Reply& reply, const ClientStays& client_stays, httplib::Response& out) {
  out.status = reply.status;
  for (const auto& [name, value] : reply.fields) out.set_header(name, value);
  out.set_header("Date", http_date());
  for (const auto& [name, value] : kManners) {
    if (!out.has_header(name)) out.set_header(name, value);
  }
  if (reply.file) {
    out.set_content_provider(static_cast<size_t>(reply.file->size_bytes), reply.type,
                             [&reply](size_t offset, size_t length, httplib::DataSink& sink) {
                               return send_piece(*reply.file, offset, length, sink);
                             });
  } else if (reply.stream) {
    out.set_content_provider(reply.type, [&reply, &client_stays](size_t, httplib::DataSink& sink) {
      reply.stream(client_stays, [&sink](std::string_view bytes) {
        return sink.is_writable() && sink.write(bytes.data(), bytes.size());
      });
      sink.done();
      return true;
    });
  } else if (!reply.text.empty()) {
    out.set_content(reply.text, reply.type);
  }
}

// Methods after which nobody expects anything but another request.
bool is_usual(std::string_view method) {
  constexpr std::array<std::string_view, 5> kUsual = {"GET", "HEAD", "POST", "DELETE", "OPTIONS"};
  return std::find(kUsual.begin(), kUsual.end(), method) != kUsual.end();
}

// A request under way in this thread.
struct Exchange {
  Wire& wire;
  WireStream& stream;
  ClientStays client_stays;
  Head& head;
  const Refusal* refusal;
  std::string peer;
  bool may_stay = false;  // the connection, for a further request
  std::optional<Reply> reply = {};
  bool stays = false;

  void write(Reply made, httplib::Response& out) {
    reply = std::move(made);
    stream.end_reading();
    wire.member().enter(reply->stream ? Phase::held : Phase::reply);
    fill(*reply, client_stays, out);
  }
};

thread_local Exchange* serving = nullptr;

}  // namespace

class Server::Impl final : public httplib_adaptor::Server<httplib::Server> {
 public:
  Impl(const ServerOptions& options, web::Handler handler)
      : options_(options), handler_(std::move(handler)), max_body_bytes_(options.max_body_bytes) {
    new_task_queue = [this] { return new Tasks(*this); };  // NOLINT: httplib deletes it
    set_tcp_nodelay(true);
    set_idle_interval(0, 100'000);
    set_payload_max_length(std::numeric_limits<size_t>::max());  // the guard counts
    // Before the library's own routing, which matches by std::regex and reads a body that it has no
    // route for into memory.
    set_pre_routing_handler([this](const httplib::Request& asked, httplib::Response& out) {
      if (asked.method == "POST") return HandlerResponse::Unhandled;
      answer(nullptr, out);
      return HandlerResponse::Handled;
    });
    Post("/", [this](const httplib::Request&, httplib::Response& out,
                     const httplib::ContentReader& reader) { answer(&reader, out); });
    set_error_handler(HandlerWithResponse([](const httplib::Request&, httplib::Response& out) {
      if (serving->reply) return HandlerResponse::Unhandled;
      refuse(out);
      return HandlerResponse::Handled;
    }));
    // The library has written its own fields by now: of a connection that it keeps, or does not.
    set_post_routing_handler([this](const httplib::Request&, httplib::Response& out) {
      serving->stays = serving->stays && !stopping_;
      out.headers.erase("Connection");
      out.headers.erase("Keep-Alive");
      out.set_header("Connection", serving->stays ? "keep-alive" : "close");
      if (!serving->stays) return;
      out.set_header("Keep-Alive", fmt::format("timeout={}", options_.pace.idle_ms / 1000));
    });
  }

  Status serve(const Fd& listening) {
    if (stopping_) return Ok{};
    svr_sock_ = listening.get();
    const bool good = listen_after_bind();
    const int error = errno;
    if (good || stopping_) return Ok{};
    return Error{error, "accept", "listening socket"};
  }

  void set_max_body(int64_t bytes) { max_body_bytes_ = bytes; }

  void refuse_working(int64_t min_age_ms) { register_.refuse_working(min_age_ms, kUnanswered); }

  // httplib's own stop() would shut the socket down for the service manager too.
  void stop() {
    stopping_ = true;
    svr_sock_ = INVALID_SOCKET;
  }

 private:
  // Gives each accepted connection a thread, or the door.
  class Tasks final : public httplib::TaskQueue {
   public:
    explicit Tasks(Impl& server) : server_(server) {}

    using Enqueued = httplib_adaptor::Enqueued<httplib::TaskQueue>;

    Enqueued enqueue(std::function<void()> task) override {
      const bool room = running_ < server_.options_.max_connections || make_room();
      if (!room || !run(task)) {
        turning_away = true;
        task();
        turning_away = false;
      }
      return static_cast<Enqueued>(true);
    }

    void shutdown() override {
      const int64_t until = sys::monotonic_ms() + server_.options_.drain_ms;
      while (running_ > 0) {
        if (sys::monotonic_ms() < until) {
          server_.register_.drop_idle(kDropAgeMs);
        } else {
          server_.register_.drop_all();
        }
        pause_ms(20);
      }
    }

   private:
    // False when there are no more threads to be had.
    bool run(const std::function<void()>& task) {
      ++running_;
      try {
        std::thread([this, task] {
          task();
          --running_;
        }).detach();
        return true;
      } catch (const std::system_error&) {
        --running_;
        return false;
      }
    }

    // Drops the slowest client; waits a moment for one that has only just come and is silent so
    // far.
    bool make_room() {
      const int64_t until = sys::monotonic_ms() + 2 * kDropAgeMs;
      while (!server_.register_.drop_slowest(kDropAgeMs)) {
        if (!server_.register_.any_idle(running_, kDropAgeMs) || sys::monotonic_ms() > until)
          return false;
        pause_ms(10);
      }
      return true;
    }

    Impl& server_;
    std::atomic<size_t> running_{0};
  };

  bool process_and_close_socket(socket_t socket) override {
    const Fd owned(socket);
    if (turning_away) {
      // The request is not read: small as this is, it fits the socket's buffer.
      (void)::send(socket, kBusy.data(), kBusy.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      (void)::shutdown(socket, SHUT_WR);
      return false;
    }
    Register::Member member;
    member.socket = socket;
    register_.add(member);
    const int on = 1;
    // A reply's last piece is not to wait for the first one's receipt. No unix socket has this.
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Wire wire(socket, member, options_.pace);
    serve_all(wire);
    register_.remove(member);
    return true;
  }

  void serve_all(Wire& wire) {
    const int most = options_.pace.idle_ms > 0 ? options_.max_requests : 1;
    const std::string peer = peer_of(wire.member().socket);
    std::string come;  // of the next request, with the one before
    for (int number = 1; serve_one(wire, peer, number < most, come); ++number) {
      if (!come.empty()) {
        wire.member().enter(Phase::head);
      } else if (!wire.asked_again()) {
        return;
      }
    }
  }

  //   come  of this request; then of the next
  //   result  whether there may be a next
  bool serve_one(Wire& wire, const std::string& peer, bool may_stay, std::string& come) {
    auto read = read_opening(wire, std::move(come));
    if (std::holds_alternative<std::monostate>(read)) return false;
    Opening opening;
    opening.head.for_library = "\r\n";  // of a refused head: the library refuses it too
    if (auto* good = std::get_if<Opening>(&read)) opening = std::move(*good);
    WireStream stream(wire, opening, max_body_bytes_);
    const auto client_stays = [this, &wire](int64_t ms) {
      wire.member().enter(Phase::held);
      return !wire.gone_within(ms) && !stopping_;
    };
    Exchange exchange{wire, stream,  client_stays, opening.head, std::get_if<Refusal>(&read),
                      peer, may_stay};
    wire.member().enter(Phase::working);
    serving = &exchange;
    const bool processed = process(stream, [](httplib::Request& asked) {
      serving->head.method = asked.method;
      serving->head.path = path_segments(asked.path);
      asked.path = "/";
    });
    serving = nullptr;
    if (processed && exchange.stays && stream.good()) {
      come = stream.after();
      return true;
    }
    // Also after a whole body: closing with an unread byte in the buffer would reset the reply.
    wire.linger();
    return false;
  }

  static void refuse(httplib::Response& out) {
    const auto* why = serving->refusal;
    const Refusal refusal =
        why != nullptr ? *why : Refusal{out.status, "the request line is not understood"};
    log::line(log::Level::debug, "refused before it was read",
              {{"status", std::to_string(refusal.status)},
               {"why", refusal.detail},
               {"from", serving->peer}});
    serving->write(problem(refusal.status, refusal.detail), out);
  }

  // reader  null: a method whose body is not read
  void answer(const httplib::ContentReader* reader, httplib::Response& out) {
    const auto body = [reader](const Take& take) {
      return reader == nullptr ? Status(Ok{}) : read_body(serving->stream, *reader, take);
    };
    const bool may_stay =
        serving->may_stay && serving->head.may_ask_again && is_usual(serving->head.method);
    try {
      Reply reply =
          handler_({std::move(serving->head), body, serving->client_stays, serving->peer});
      serving->stays = may_stay && serving->stream.good() && !reply.stream;
      serving->write(std::move(reply), out);
    } catch (const std::exception& error) {
      log::line(log::Level::error, "a request failed by a bug of ours", {{"what", error.what()}});
      serving->write(problem(500, "an error of the server's own, told in its log"), out);
    }
  }

  const ServerOptions options_;
  const web::Handler handler_;
  std::atomic<int64_t> max_body_bytes_;
  Register register_;
  std::atomic<bool> stopping_{false};
};

Server::Server(const ServerOptions& options, Handler handler)
    : impl_(std::make_unique<Impl>(options, std::move(handler))) {}

Server::~Server() = default;

Status Server::serve(const Fd& listening) { return impl_->serve(listening); }

void Server::stop() { impl_->stop(); }

void Server::set_max_body(int64_t bytes) { impl_->set_max_body(bytes); }

void Server::refuse_working(int64_t min_age_ms) { impl_->refuse_working(min_age_ms); }

}  // namespace imgq::web
