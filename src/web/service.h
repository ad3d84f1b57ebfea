#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "spool/spool.h"
#include "src/http/listen.h"
#include "src/jobs/config.h"
#include "src/web/public_url.h"

namespace imgq::web {

// What imgq-httpd is started with.
struct Service {
  std::vector<std::string> hosts;            // further Host names to answer, whose pages are ours
  std::vector<std::string> origins;          // whose pages may use /v1, see is_origin
  std::vector<std::string> trusted_proxies;  // addresses, "unix": whose X-Forwarded-For counts
  std::optional<PublicUrl> public_url;
  size_t max_connections = 512;
  int64_t max_body_bytes = 0;  // 0: the largest upload and a little, at least 256 MiB
  int64_t max_waiting = 100'000;
  std::chrono::seconds head_timeout{10};  // for a request's head
  std::chrono::seconds slow_grace{15};    // before a slow body or reader is judged
  std::chrono::seconds idle_timeout{20};  // between two requests; 0: one request a connection
};

// What is read at the start, and again on SIGHUP.
struct Settings {
  Config config;
  std::string token;  // empty: none
};
using ReadSettings = std::function<Result<Settings>()>;

// Reads a bearer token from a file: one line, 16 to 512 characters.
//   errors  of open(2); code 0: too short, too long, more than one line
Result<std::string> read_token(const std::string& path);

// Keeps the signals that `serve` waits for until it does. To be called before any other thread is
// started, and before anybody is told that there is somebody to be signalled.
void hold_signals();

// Serves the spool over HTTP until SIGTERM or SIGINT; then requests under way are ended. On SIGHUP
// the settings are read again and count for the requests that come from then on; those that cannot
// be read change nothing, and the log says so. A spool whose file system went away and is mounted
// anew is opened anew for the requests from then on, and event streams end. Tells the service
// manager when it is ready.
//   errors  ENOENT the spool was removed; EAGAIN its file system went away, and its path does not
//           lead to a new mount of it (spool/remount.h); of the socket
Status serve(Spool spool, const Settings& settings, const Service& service,
             const Listening& listening, const ReadSettings& read_again);

}  // namespace imgq::web
