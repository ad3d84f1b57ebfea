#include "src/util/digest.h"

#include <nettle/base16.h>
#include <nettle/sha2.h>

#include <array>
#include <memory>

#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr size_t kChunkBytes = 65'536;  // below malloc's limit for mmap

std::string hex_of(sha256_ctx& context) {
  std::array<uint8_t, SHA256_DIGEST_SIZE> digest{};
  sha256_digest(&context, digest.size(), digest.data());
  std::string hex(BASE16_ENCODE_LENGTH(SHA256_DIGEST_SIZE), '\0');
  base16_encode_update(hex.data(), digest.size(), digest.data());
  return hex;
}

void add(sha256_ctx& context, const char* bytes, size_t count) {
  sha256_update(&context, count, reinterpret_cast<const uint8_t*>(bytes));
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  sha256_ctx context;
  sha256_init(&context);
  add(context, bytes.data(), bytes.size());
  return hex_of(context);
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::string> sha256_of_file(int fd, std::string_view path) {
  sha256_ctx context;
  sha256_init(&context);
  const auto chunk = std::make_unique_for_overwrite<char[]>(kChunkBytes);
  off_t offset = 0;
  while (true) {
    const ssize_t got = sys::pread(fd, chunk.get(), kChunkBytes, offset);
    if (got < 0) return last_error("read", path);
    if (got == 0) return hex_of(context);
    add(context, chunk.get(), static_cast<size_t>(got));
    offset += got;
  }
}

}  // namespace imgq
