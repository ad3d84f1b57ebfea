#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "spool/spool.h"
#include "src/http/listen.h"
#include "src/jobs/config.h"

namespace imgq::web {

// What imgq-httpd is started with.
struct Service {
  std::string token;               // empty: none
  std::vector<std::string> hosts;  // further Host names to answer
  size_t max_connections = 512;
  int64_t max_body_bytes = 0;  // 0: the largest upload and a little, at least 256 MiB
  int64_t max_waiting = 100'000;
  std::chrono::seconds head_timeout{10};  // for a request's head
  std::chrono::seconds slow_grace{15};    // before a slow body or reader is judged
};

// Reads a bearer token from a file: one line, 16 to 512 characters.
//   errors  of open(2); code 0: too short, too long, more than one line
Result<std::string> read_token(const std::string& path);

// Serves the spool over HTTP until SIGTERM or SIGINT; then requests under way are ended. Blocks
// those signals in the calling thread, and has to be called before any other thread is started.
// Tells the service manager when it is ready.
Status serve(const Spool& spool, const Config& config, const Service& service,
             const Listening& listening);

}  // namespace imgq::web
