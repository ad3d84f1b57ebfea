#pragma once

#include <string>
#include <string_view>

#include "src/util/error.h"

namespace imgq {

// SHA-256 (FIPS 180-4) in 64 hex digits, by nettle.
std::string sha256_hex(std::string_view bytes);

// Whether a text is written so.
bool is_digest(std::string_view text);

// The same over a whole open file, from its start (pread). Errors of pread(2).
Result<std::string> sha256_of_file(int fd, std::string_view path);

}  // namespace imgq
