#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/util/error.h"

namespace imgq {

// Writes all of the bytes. `name` is for the error.
//   errors  of write(2)
Status write_all(int fd, std::string_view bytes, std::string_view name);

// Everything from a descriptor on.
//   errors  of read(2); EFBIG more than `limit` bytes
Result<std::string> read_all(int fd, std::string_view name, size_t limit = SIZE_MAX);

// The names in a directory but "." and "..", sorted. `dir` and `path` are as openat(2) takes them;
// a link at the end is not followed: "path/." follows it.
//   errors  of openat(2), getdents(2)
Result<std::vector<std::string>> list_names(int dir, const std::string& path);

}  // namespace imgq
