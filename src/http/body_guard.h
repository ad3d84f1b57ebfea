#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/http/head.h"
#include "src/util/error.h"

namespace imgq::web {

// Looks at the bytes of a body before cpp-httplib is given them, which unframes them: they are
// counted, and a chunked body keeps to the letter of its coding (RFC 9112, 7.1), for the library
// takes sizes as strtoul does ("-2", "0x5"), 0.11 a chunk longer than its size for the end, and a
// size line as long as memory lasts. Chunk extensions without
// control characters pass; trailers, which 0.11 cannot read, do
// not.
class BodyGuard {
 public:
  BodyGuard(const Head& head, int64_t limit_bytes);

  //   errors  EFBIG more than limit_bytes of data; code 0: not the chunked coding
  Status pass(std::string_view bytes);
  // The client has nothing more to send of this request.
  bool done() const { return at_ == At::end; }

 private:
  enum class At { size, data, data_end, last, end };

  bool line_passes();

  const bool chunked_;
  At at_;
  int64_t left_;  // of the chunk's data, or the body's
  int64_t allowed_;
  std::string line_;
};

}  // namespace imgq::web
