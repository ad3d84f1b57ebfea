#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/http/head.h"
#include "src/util/error.h"
#include "src/util/fd.h"

// A request and its reply as values: routes are functions between them and know no sockets.
namespace imgq::web {

// Takes the next bytes of a body; false when no more is wanted.
using Take = std::function<bool(std::string_view)>;

// A request's body, handed on piece by piece: never all of it in memory.
class Body {
 public:
  virtual ~Body() = default;

  // Reads the body to its end, or until no more is wanted. Called once at most.
  //   errors  EFBIG more than the server takes; ETIMEDOUT too slow; ECONNRESET the client went
  //           away; code 0 the chunked coding is broken
  virtual Status read(const Take& take) = 0;
};

// The client behind a request, asked while a reply waits for something.
class Client {
 public:
  virtual ~Client() = default;

  // Waits up to `ms`, a quarter of a second at most. False when there is no point in answering any
  // more: the client has gone, or the server is stopping and wants its replies now.
  virtual bool wait(int64_t ms) = 0;
};

struct Asked {
  Head head;
  Body* body = nullptr;      // never null in a route
  Client* client = nullptr;  // never null in a route
};

using Field = std::pair<std::string, std::string>;

struct FileBody {
  Fd fd;
  int64_t size_bytes = 0;
};

// Writes one piece of a stream to the client; false when the client has gone.
using StreamWrite = std::function<bool(std::string_view)>;

// A reply's body is one of: text, a file, a stream without end.
struct Reply {
  int status = 200;
  std::string type = "application/json";
  std::string text;
  std::vector<Field> fields;  // further header fields; values are ours, never a client's
  std::optional<FileBody> file;
  std::function<void(Client&, const StreamWrite&)> stream;  // returns when the stream is over
};

using Handler = std::function<Reply(const Asked&)>;

}  // namespace imgq::web
