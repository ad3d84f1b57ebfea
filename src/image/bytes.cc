#include "src/image/bytes.h"

#include <fmt/format.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

namespace imgq::image {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

Fault read_fault(int code) {
  if (code == EISDIR || code == ESPIPE) return {Code::source_missing, "not a regular file"};
  return {Code::io_error, "cannot read the source: " + reason(code)};
}

}  // namespace

// The size comes from lseek, not fstat: a confined worker may be refused every kind of stat.
Failure read_all(int descriptor, int64_t max_bytes, Bytes* out) {
  const off_t size = lseek(descriptor, 0, SEEK_END);
  if (size < 0) return read_fault(errno);
  if (size == 0) return Fault{Code::empty_file, "the file is empty"};
  char probe = 0;
  if (pread(descriptor, &probe, 1, 0) < 0) return read_fault(errno);
  if (size > max_bytes) {
    return Fault{Code::file_too_large, fmt::format("{} bytes, the limit is {}", size, max_bytes)};
  }
  Bytes bytes(static_cast<size_t>(size));
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t got =
        pread(descriptor, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return read_fault(errno);
    if (got == 0) return Fault{Code::source_missing, "the file shrank while it was read"};
    at += static_cast<size_t>(got);
  }
  *out = std::move(bytes);
  return {};
}

std::string_view as_text(View v) { return {reinterpret_cast<const char*>(v.data()), v.size()}; }

bool has(View v, size_t at, std::string_view text) {
  return at <= v.size() && v.size() - at >= text.size() &&
         std::memcmp(v.data() + at, text.data(), text.size()) == 0;
}

}  // namespace imgq::image
