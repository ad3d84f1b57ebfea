#include "src/util/io.h"

#include <algorithm>
#include <array>

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

Result<std::string> read_all(int fd, std::string_view name, size_t limit) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t got = sys::read(fd, buffer.data(), buffer.size());
    if (got < 0) return last_error("read", name);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(got));
    if (text.size() > limit) return Error{EFBIG, "read", std::string(name)};
  }
}

Result<std::vector<std::string>> list_names(int dir, const std::string& path) {
  std::vector<std::string> names;
  const auto take = [](const char* name, void* into) {
    static_cast<std::vector<std::string>*>(into)->emplace_back(name);
    return true;
  };
  if (sys::list(dir, path.c_str(), take, &names) != 0) return last_error("list", path);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace imgq
