#include "src/cli/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "src/cli/session.h"
#include "src/util/clock.h"
#include "src/util/unanswered.h"

namespace imgq::cli {
bool has_entries(const std::string& directory) {
  const Asking asking("getdents64");
  std::error_code error;
  const bool empty = std::filesystem::is_empty(directory, error);
  return !error && !empty;
}

bool look_at(const std::string& path, struct stat& about) {
  const Asking asking("stat");
  return ::stat(path.c_str(), &about) == 0;
}

std::optional<FileId> directory_id(const std::string& path) {
  struct stat about{};
  if (!look_at(path, about) || !S_ISDIR(about.st_mode)) return {};
  return FileId{about.st_dev, about.st_ino};
}

std::string real_path(const std::string& path) {
  const Asking asking("realpath");
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
  return real ? real.get() : "";
}

Result<Opened> open_input(const std::string& path) {
  const Asking asking("open");
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return last_error("open", path);
  struct stat about{};
  if (::fstat(file.get(), &about) != 0) return last_error("look at", path);
  if (S_ISDIR(about.st_mode)) return Error{EISDIR, "open", path};
  if (!S_ISREG(about.st_mode)) return Error{EINVAL, "open", path};
  return Opened{std::move(file), about.st_size, ns_of(about.st_mtim), {about.st_dev, about.st_ino}};
}

Trouble trouble_for(const std::string& name, const Error& error) {
  switch (error.code) {
    case ENODATA:
      return {name, "the file is empty", Exit::bad_image, Code::empty_file};
    case EFBIG:
      return {name, "the file is larger than limits.max_file_bytes allows", Exit::bad_image,
              Code::file_too_large};
    case EINVAL:
      return {name, "is not a regular file", Exit::no_input};
    case EISDIR:
      return {name, "is a directory", Exit::no_input};
    case EIO:
      return {name, cause_text(error.code), Exit::io_error, Code::io_error};
    default:
      return {name, error.code == 0 ? error.action : cause_text(error.code), Exit::no_input};
  }
}

}  // namespace imgq::cli
