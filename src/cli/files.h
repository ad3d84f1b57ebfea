#pragma once

#include <sys/types.h>

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/exit_code.h"
#include "src/base/verdict.h"
#include "src/util/error.h"
#include "src/util/fd.h"
#include "src/util/paths.h"

// Files that the user named: what they are, and what is wrong with them.
namespace imgq::cli {

// A named thing that cannot be used.
struct Trouble {
  std::string name;
  std::string cause;  // "No such file or directory"
  Exit exit = Exit::no_input;
  Code code = Code::source_missing;  // the same for programs
};

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

// Whether a directory that can be read holds anything.
bool has_entries(const std::string& directory);

// stat(2), which follows links; false: errno says why.
bool look_at(const std::string& path, struct stat& about);

// Nothing when no directory is there, links followed.
std::optional<FileId> directory_id(const std::string& path);

// Absolute, without links; "" with errno when it is not there.
std::string real_path(const std::string& path);

// Opens a named file for reading, following links, never blocking on a pipe or a device.
//   errors  EISDIR; EINVAL neither file nor directory; open(2)
struct Opened {
  Fd file;
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
  FileId id;
};
Result<Opened> open_input(const std::string& path);

// The words and the exit code for an error of open_input or of copying.
Trouble trouble_for(const std::string& name, const Error& error);

}  // namespace imgq::cli
