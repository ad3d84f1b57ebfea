#pragma once

#include <string>
#include <vector>

#include "src/cli/done_file.h"

// Results whose sources are gone.
namespace imgq::cli {

// A result that stands as imgq has made it, of a source that is gone.
struct Orphan {
  std::string file;    // below the output directory
  std::string source;  // real path
};

// A source is gone when there is nothing of its name, while the directory that was given, as far as
// it shows in the record, can be read and is not empty: a file system that is not mounted has lost
// nothing.
std::vector<Orphan> find_orphans(const std::string& output, const DoneFile& done_file);

// Removes them, with the folders that get empty by that and have no counterpart among the sources
// any more, and has the done_file forget them. Returns those removed; what could not be removed
// stays in the done_file, with the error in `trouble`.
std::vector<Orphan> remove_orphans(const std::string& output, DoneFile& done_file,
                                   const std::vector<Orphan>& orphans, std::vector<Error>& trouble);

}  // namespace imgq::cli
