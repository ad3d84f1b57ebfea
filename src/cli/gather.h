#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/cli/files.h"
#include "src/cli/session.h"
#include "src/util/error.h"

// From what the user named to the files that are meant.
namespace imgq::cli {

struct FileOptions {
  std::vector<std::string> names;    // arguments; "-" is an image on stdin
  std::string files_from;            // a list, one name a line; "-" is stdin
  bool null_separated = false;       // the list is separated by NUL instead
  std::string root;                  // of the list: folders below it are kept
  std::vector<std::string> exclude;  // globs as of fnmatch(3)
  bool recursive = false;            // directories are walked instead of refused
};

struct Input {
  std::string path;    // as given, or the given directory and what was found below it
  std::string folder;  // the part between the given directory, or the root, and the file; empty at
                       // its top
};

enum class Passed {
  no_image,    // below a directory: neither by its first bytes nor by its name
  own_result,  // below a directory or listed: made by imgq run
  excluded,    // by its name, or its path below the root, or a folder on that path
};
struct PassedOver {
  std::string path;
  Passed why;
};

struct Inputs {
  std::vector<Input> files;  // in the order given; what was found in a directory sorted by name
  std::vector<Trouble> trouble;
  std::vector<PassedOver> passed_over;
  bool unread = false;  // a given directory, or something below one, could not be looked at
};

// Options that would be passed over without others.
//   errors  EINVAL the action says all
Status check_files(const FileOptions& options);

// Below directories: regular files (and links to such) that begin like an image or are named like
// one, no hidden names, no links to directories, no folders of a file server's own, not the
// directory `except`, and nothing that imgq run has made from what is below the same directory. Of
// a list, when directories are walked, nothing that imgq run has made, wherever. Of neither, nor of
// the arguments, what is excluded: by its name, or by its path below the given directory or the
// list's root; a listed path counts as it is written where no root is given. A folder that is
// excluded is not entered; a given one is.
//   errors  the list or its root cannot be read (path: its name); code 0: a listed name is not
//           below the root
Result<Inputs> gather_files(const FileOptions& options, const std::optional<FileId>& except);

// The same in parts, as soon as each is known: all that was named and as much of the list as its
// writer has written before it pauses, then what it writes next. `take` says whether to go on.
Status gather_in_parts(const FileOptions& options, const std::optional<FileId>& except,
                       const std::function<bool(Inputs)>& take);

// Tells an error of it.
Exit explain_gathering(const Session& session, const Error& error);

// A line for each, when verbose.
void tell_passed_over(Console& console, const Inputs& inputs);

}  // namespace imgq::cli
