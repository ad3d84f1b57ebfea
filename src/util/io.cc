#include "src/util/io.h"

#include "src/util/sys.h"

namespace imgq {

Status write_all(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t done = sys::write(fd, bytes.data(), bytes.size());
    if (done < 0) return last_error("write", name);
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return Ok{};
}

}  // namespace imgq
