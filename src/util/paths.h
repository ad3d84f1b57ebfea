#pragma once

#include <string>
#include <string_view>

// The parts of paths and file names. No I/O.
namespace imgq {

// "a/b/photo.tar.gz" -> "photo.tar.gz"; its stem "photo.tar", its extension "gz".
std::string_view base_name(std::string_view path);
std::string folder_of(std::string_view file);  // what is before the last slash, or ""
std::string joined(const std::string& folder, std::string_view name);  // "" and "a": "a"
std::string_view stem_of(std::string_view name);
std::string_view extension_in(std::string_view name);
std::string lower_extension(std::string_view path);  // in small letters

// "@eaDir", "#recycle": folders in which file servers keep what is theirs beside people's files.
bool is_file_servers(std::string_view folder);

}  // namespace imgq
