#pragma once

#include <cstdint>
#include <memory>

#include "src/http/connection.h"
#include "src/http/exchange.h"
#include "src/util/error.h"
#include "src/util/fd.h"

namespace imgq::web {

struct ServerOptions {
  size_t max_connections = 512;
  int64_t max_body_bytes = int64_t{256} << 20;
  int64_t drain_ms = 10'000;  // after stop: for requests under way
  int max_requests = 100;     // of one connection
  Pace pace;
};

// An HTTP/1.1 server on cpp-httplib, which reads requests and bodies and writes replies. In front
// of it stand guards of ours (head.h, body_guard.h, connection.h): of a head it is shown the
// request line and the framing, for every other field makes some release of it do what is not
// wanted, and of a body what keeps to its coding, its limit and its time. So of each request of a
// connection, which has a thread of its own. When there are too many, one that is idle between two
// requests is closed, else the slowest client is dropped; when none is slow, the newcomer gets 503
// with Retry-After.
class Server {
 public:
  Server(const ServerOptions& options, Handler handler);
  ~Server();

  // Serves until stop; then requests under way have drain_ms to end. `listening` stays open: the
  // service manager may hand it to our successor.
  //   errors  of accept(2), when it cannot go on
  Status serve(const Fd& listening);

  // These may be called from any thread, and before serve.
  void stop();
  void set_max_body(int64_t bytes);  // of the requests that come from then on
  // Requests that have been worked on for so long get 503, for what is asked does not answer.
  void refuse_working(int64_t min_age_ms);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace imgq::web
