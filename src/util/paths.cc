#include "src/util/paths.h"

namespace imgq {

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
  return folder + slash + std::string(name);
}

std::string folder_of(std::string_view file) {
  const size_t slash = file.rfind('/');
  return std::string(file.substr(0, slash == std::string_view::npos ? 0 : slash));
}

std::string_view extension_in(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? "" : name.substr(dot + 1);
}

bool is_file_servers(std::string_view folder) { return folder == "@eaDir" || folder == "#recycle"; }

std::string lower_extension(std::string_view path) {
  std::string extension(extension_in(base_name(path)));
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return extension;
}

}  // namespace imgq
