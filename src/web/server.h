#ifndef IMGQ_SRC_WEB_SERVER_H_
#define IMGQ_SRC_WEB_SERVER_H_

#include <cstdint>
#include <memory>

#include "spool/error.h"
#include "spool/fd.h"
#include "src/web/connection.h"
#include "src/web/exchange.h"

namespace imgq::web {

struct ServerOptions {
  size_t max_connections = 512;
  int64_t max_body_bytes = int64_t{256} << 20;
  int64_t drain_ms = 10'000;  // after stop: for requests under way
  Pace pace;
};

// An HTTP/1.1 server on cpp-httplib, of which only the accept loop and the writing of
// replies are used: it never sees a byte that a client sent. Heads, bodies, deadlines and the
// number of connections are ours, each a cure for a proven trap of 0.11.4. One request a
// connection, a thread for each; when there are too many the slowest client is dropped, and when
// none is slow the newcomer gets 503 with Retry-After.
class Server {
 public:
  Server(const ServerOptions& options, Handler handler);
  ~Server();

  // Serves until stop; then requests under way have drain_ms to end. `listening` stays open: the
  // service manager may hand it to our successor.
  //   errors  of accept(2), when it cannot go on
  Status serve(const Fd& listening);

  // May be called from any thread, and before serve.
  void stop();

  size_t connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_SERVER_H_
