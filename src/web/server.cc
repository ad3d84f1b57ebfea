#include "src/web/server.h"

#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <functional>
#include <utility>

#include "spool/sys.h"
#include "src/base/log.h"
#include "src/web/crew.h"
#include "src/web/httplib_adaptor.h"
#include "src/web/problem.h"

namespace imgq::web {
namespace {

constexpr int64_t kDropAgeMs = 250;
constexpr size_t kFilePiece = size_t{64} * 1024;
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 2\r\n"
    "Content-Type: application/problem+json\r\nContent-Length: 68\r\n\r\n"
    "{\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"all busy now\"}";

// Set while the accepting thread runs a connection's task only to turn it away.
thread_local bool turning_away = false;
// The reply that this thread is having written.
thread_local const Reply* writing = nullptr;

// What cpp-httplib reads and writes: a head of our own, and the reply on its way to the wire.
class ReplyStream final : public httplib_adaptor::Stream<httplib::Stream> {
 public:
  ReplyStream(Wire& wire, bool head_only)
      : wire_(wire), head_(head_only ? "HEAD / HTTP/1.1\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n") {}

  bool is_readable() const override { return true; }
  bool open() const override { return !failed_; }

  ssize_t read(char* out, size_t size) override {
    const size_t count = std::min(size, head_.size());
    std::memcpy(out, head_.data(), count);
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
  socket_t socket() const override { return wire_.socket(); }

 private:
  Wire& wire_;
  std::string_view head_;
  bool failed_ = false;
};

class WireClient final : public Client {
 public:
  WireClient(Wire& wire, const std::atomic<bool>& stopping) : wire_(wire), stopping_(stopping) {}

  bool wait(int64_t ms) override {
    wire_.entry().enter(Phase::held);
    const int64_t until = sys::monotonic_ms() + ms;
    int64_t left = ms;
    do {
      if (stopping_ || wire_.gone_within(std::clamp<int64_t>(left, 0, 100))) return false;
      left = until - sys::monotonic_ms();
    } while (left > 0);
    return !stopping_;
  }

  bool stopping() const override { return stopping_; }

 private:
  Wire& wire_;
  const std::atomic<bool>& stopping_;
};

void pause_ms(int64_t ms) {
  const timespec pause{0, ms * 1'000'000};
  (void)::nanosleep(&pause, nullptr);  // a signal may cut it short: who waits looks again anyway
}

std::string http_date() {
  const time_t now = ::time(nullptr);
  tm parts{};
  (void)::gmtime_r(&now, &parts);  // cannot fail for the time it is
  std::array<char, 40> text{};
  const size_t size = ::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

// What every reply carries unless it says otherwise: nothing of ours is a script, is to be framed,
// sniffed, kept, or sent along when somebody follows a link.
const std::vector<Field>& manners() {
  static const std::vector<Field> fields = {
      {"X-Content-Type-Options", "nosniff"},
      {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cache-Control", "no-store"},
      {"Accept-Ranges", "none"},
  };
  return fields;
}

bool send_piece(const FileBody& file, size_t offset, size_t length, httplib::DataSink& sink) {
  std::array<char, kFilePiece> piece;
  const ssize_t got = sys::pread(file.fd.get(), piece.data(), std::min(length, piece.size()),
                                 static_cast<off_t>(offset));
  return got > 0 && sink.write(piece.data(), static_cast<size_t>(got));
}

void send_stream(const Reply& reply, Client& client, httplib::DataSink& sink) {
  reply.stream(client, [&sink](std::string_view bytes) {
    return sink.is_writable() && sink.write(bytes.data(), bytes.size());
  });
  sink.done();
}

void fill(const Reply& reply, Client& client, httplib::Response& out) {
  out.status = reply.status;
  for (const auto& [name, value] : reply.fields) out.set_header(name, value);
  out.set_header("Date", http_date());
  for (const auto& [name, value] : manners()) {
    if (!out.has_header(name)) out.set_header(name, value);
  }
  if (reply.file) {
    out.set_content_provider(static_cast<size_t>(reply.file->size_bytes), reply.type,
                             [&reply](size_t offset, size_t length, httplib::DataSink& sink) {
                               return send_piece(*reply.file, offset, length, sink);
                             });
  } else if (reply.stream) {
    out.set_content_provider(reply.type, [&reply, &client](size_t, httplib::DataSink& sink) {
      send_stream(reply, client, sink);
      return true;
    });
  } else if (!reply.text.empty()) {
    out.set_content(reply.text, reply.type);
  }
}

thread_local Client* waiting_client = nullptr;

}  // namespace

class Server::Impl final : public httplib_adaptor::Server<httplib::Server> {
 public:
  Impl(const ServerOptions& options, web::Handler handler)
      : options_(options), handler_(std::move(handler)) {
    new_task_queue = [this] { return new Tasks(*this); };  // NOLINT: httplib deletes it
    set_tcp_nodelay(true);
    set_idle_interval(0, 100'000);
    set_pre_routing_handler([](const httplib::Request&, httplib::Response& out) {
      fill(*writing, *waiting_client, out);
      return HandlerResponse::Handled;
    });
    set_exception_handler(
        [](const httplib::Request&, httplib::Response& out, const std::exception_ptr&) {
          out.status = 500;  // its words stay here
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

  // httplib's own stop() would shut the socket down for the service manager too.
  void stop() {
    stopping_ = true;
    svr_sock_ = INVALID_SOCKET;
  }

  size_t connections() const { return register_.size(); }

 private:
  // Gives each accepted connection a thread, or the door.
  class Tasks final : public httplib::TaskQueue {
   public:
    explicit Tasks(Impl& server) : server_(server), crew_(server.options_.max_connections) {}

    using Enqueued = httplib_adaptor::Enqueued<httplib::TaskQueue>;

    Enqueued enqueue(std::function<void()> task) override {
      run_or_turn_away(std::move(task));
      return static_cast<Enqueued>(true);
    }

    void shutdown() override {
      const int64_t until = sys::monotonic_ms() + server_.options_.drain_ms;
      while (server_.register_.size() > 0 && sys::monotonic_ms() < until) {
        server_.register_.drop_idle(kDropAgeMs);
        pause_ms(20);
      }
      server_.register_.drop_all();
      crew_.finish();
    }

   private:
    void run_or_turn_away(std::function<void()> task) {
      if (crew_.try_run(task)) return;
      if (make_room()) {
        crew_.run_next(std::move(task));
        return;
      }
      turning_away = true;
      task();
      turning_away = false;
    }

    // Drops the slowest client; waits a moment for one that has only just come and is silent so
    // far.
    bool make_room() {
      const int64_t until = sys::monotonic_ms() + 2 * kDropAgeMs;
      while (!server_.register_.drop_slowest(kDropAgeMs)) {
        if (!server_.register_.any_idle() || sys::monotonic_ms() > until) return false;
        pause_ms(10);
      }
      return true;
    }

    Impl& server_;
    Crew crew_;
  };

  bool process_and_close_socket(socket_t socket) override {
    const Fd owned(socket);
    if (turning_away) {
      // The request is not read: small as this is, it fits the socket's buffer.
      (void)::send(socket, kBusy.data(), kBusy.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      (void)::shutdown(socket, SHUT_WR);
      return false;
    }
    Register::Entry entry;
    entry.socket = socket;
    register_.add(entry);
    Wire wire(socket, entry, options_.pace);
    serve_one(wire);
    register_.remove(entry);
    return true;
  }

  void serve_one(Wire& wire) {
    auto read = read_head(wire);
    WireClient client(wire, stopping_);
    if (auto* refusal = std::get_if<Refusal>(&read)) {
      write_reply(wire, client, problem(refusal->status, refusal->detail), false);
      wire.linger();
      return;
    }
    auto* head = std::get_if<Head>(&read);
    if (head == nullptr) return;
    WireBody body(wire, *head, options_.max_body_bytes);
    wire.entry().enter(Phase::working);
    const bool head_only = head->method == "HEAD";
    const Reply reply = answer(Asked{std::move(*head), &body, &client});
    write_reply(wire, client, reply, head_only);
    // Also after a whole body: closing with an unread byte in the buffer would reset the reply.
    wire.linger();
  }

  Reply answer(const Asked& asked) {
    try {
      return handler_(asked);
    } catch (const std::exception& error) {
      log::line(log::Level::error, "a request failed by a bug of ours", {{"what", error.what()}});
      return problem(500, "an error of the server's own, told in its log");
    }
  }

  void write_reply(Wire& wire, Client& client, const Reply& reply, bool head_only) {
    wire.entry().enter(reply.stream ? Phase::held : Phase::reply);
    writing = &reply;
    waiting_client = &client;
    ReplyStream stream(wire, head_only);
    (void)process(stream);  // a client that left is no error
    writing = nullptr;
    waiting_client = nullptr;
  }

  const ServerOptions options_;
  const web::Handler handler_;
  Register register_;
  std::atomic<bool> stopping_{false};
};

Server::Server(const ServerOptions& options, Handler handler)
    : impl_(std::make_unique<Impl>(options, std::move(handler))) {}

Server::~Server() = default;

Status Server::serve(const Fd& listening) { return impl_->serve(listening); }

void Server::stop() { impl_->stop(); }

size_t Server::connections() const { return impl_->connections(); }

}  // namespace imgq::web
