#ifndef IMGQ_SRC_WEB_CHUNKED_H_
#define IMGQ_SRC_WEB_CHUNKED_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "spool/error.h"

namespace imgq::web {

// Reads the chunked coding (RFC 9112, 7.1) fed in pieces of any size. Chunk extensions and
// trailers are skipped, and bounded: a size line of 256 bytes, trailers of 4 KiB.
class Chunked {
 public:
  struct Piece {
    size_t used = 0;        // bytes of the input this is about
    std::string_view data;  // of these, the body's own; a view into the input
  };

  // Takes the next piece off the front of `bytes`, which are not empty.
  //   errors  code 0: not the chunked coding
  Result<Piece> take(std::string_view bytes);
  bool done() const { return at_ == At::end; }

 private:
  enum class At { size, data, data_cr, data_lf, trailer, end };

  Status size_line(std::string_view line);
  Result<Piece> take_line(std::string_view bytes, size_t limit);
  Result<Piece> take_data_end(char c);

  At at_ = At::size;
  std::string line_;
  uint64_t left_ = 0;  // of the chunk's data
  size_t trailer_bytes_ = 0;
};

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_CHUNKED_H_
