#include "src/web/chunked.h"

#include <algorithm>
#include <charconv>

namespace imgq::web {
namespace {

constexpr size_t kMaxSizeLine = 256;
constexpr size_t kMaxTrailers = 4096;
constexpr uint64_t kMaxChunk = uint64_t{1} << 60;

Error malformed(std::string_view what) { return bad_data(what, "chunked body"); }

}  // namespace

Result<Chunked::Piece> Chunked::take(std::string_view bytes) {
  switch (at_) {
    case At::size:
      return take_line(bytes, kMaxSizeLine);
    case At::trailer:
      return take_line(bytes, kMaxTrailers - trailer_bytes_);
    case At::data: {
      const auto size = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
      left_ -= size;
      if (left_ == 0) at_ = At::data_cr;
      return Piece{size, bytes.substr(0, size)};
    }
    case At::data_cr:
    case At::data_lf:
      return take_data_end(bytes.front());
    case At::end:
      break;
  }
  return malformed("bytes after the last chunk");
}

Result<Chunked::Piece> Chunked::take_data_end(char c) {
  if (c != (at_ == At::data_cr ? '\r' : '\n')) return malformed("a chunk is longer than its size");
  at_ = at_ == At::data_cr ? At::data_lf : At::size;
  return Piece{1, {}};
}

// Gathers a line; acts on it once its CR LF is there.
Result<Chunked::Piece> Chunked::take_line(std::string_view bytes, size_t limit) {
  const size_t end = bytes.find('\n');
  const size_t used = end == std::string_view::npos ? bytes.size() : end + 1;
  if (line_.size() + used > limit) return malformed("a line is too long");
  line_ += bytes.substr(0, used);
  if (end == std::string_view::npos) return Piece{used, {}};
  if (!line_.ends_with("\r\n")) return malformed("a line does not end in CR LF");
  std::string line = std::move(line_);
  line_.clear();
  line.resize(line.size() - 2);
  if (at_ == At::trailer) {
    trailer_bytes_ += line.size() + 2;
    if (line.empty()) at_ = At::end;
    return Piece{used, {}};
  }
  const Status read = size_line(line);
  return read ? Result<Piece>(Piece{used, {}}) : read.error();
}

// "1a2b" or "1a2b;extension"; no sign, no blanks before it, no 0x.
Status Chunked::size_line(std::string_view line) {
  const std::string_view digits = line.substr(0, std::min(line.find_first_of("; \t"), line.size()));
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  const bool good = error == std::errc() && end == digits.data() + digits.size() &&
                    !digits.empty() && digits.size() <= 16 && left_ <= kMaxChunk;
  if (!good) return malformed("a chunk's size is not a hexadecimal number");
  at_ = left_ == 0 ? At::trailer : At::data;
  return Ok{};
}

}  // namespace imgq::web
