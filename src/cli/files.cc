#include "src/cli/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "src/cli/session.h"
#include "src/util/clock.h"

namespace imgq::cli {
bool has_entries(const std::string& directory) {
  std::error_code error;
  const bool empty = std::filesystem::is_empty(directory, error);
  return !error && !empty;
}

std::optional<FileId> directory_id(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) return {};
  return FileId{about.st_dev, about.st_ino};
}

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
  return real ? real.get() : "";
}

Result<Opened> open_input(const std::string& path) {
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

std::string_view base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view stem_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

std::string joined(const std::string& folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  const char* slash = folder.back() == '/' ? "" : "/";
  return fmt::format("{}{}{}", folder, slash, name);
}

std::string folder_of(std::string_view file) {
  const size_t slash = file.rfind('/');
  return std::string(file.substr(0, slash == std::string_view::npos ? 0 : slash));
}

std::string_view extension_in(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? "" : name.substr(dot + 1);
}

std::string lower_extension(std::string_view path) {
  std::string extension(extension_in(base_name(path)));
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return extension;
}

}  // namespace imgq::cli
