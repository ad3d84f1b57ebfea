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

// Reads a request's body to its end, or until no more is wanted, and hands it on piece by piece:
// never all of it in memory. Called once at most.
//   errors  EFBIG more than the server takes; ETIMEDOUT too slow; ECONNRESET the client went
//           away; code 0 the chunked coding is broken
using ReadBody = std::function<Status(const Take&)>;

// Asked while a reply waits for something: waits up to `ms`, a quarter of a second at most. False
// when there is no point in answering any more: the client has gone, or the server is stopping and
// wants its replies now.
using ClientStays = std::function<bool(int64_t ms)>;

struct Asked {
  Head head;
  ReadBody read_body;        // never empty in a route
  ClientStays client_stays;  // never empty in a route
  std::string peer = {};     // who is connected, see peer_of
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
  std::string text = {};
  std::vector<Field> fields = {};  // further header fields; values are ours, never a client's
  std::optional<FileBody> file = {};
  // Returns when the stream is over.
  std::function<void(const ClientStays&, const StreamWrite&)> stream = {};
};

using Handler = std::function<Reply(const Asked&)>;

}  // namespace imgq::web
