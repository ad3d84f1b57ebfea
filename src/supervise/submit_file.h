#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spool/spool.h"
#include "spool/types.h"
#include "src/jobs/config.h"

// The blocking part of a hot folder: reading it, and making jobs of its files.
namespace imgq::supervise {

// What a folder's files become.
struct HotFolderPlan {
  HotFolder hot_folder;
  Config config;
  std::string request;  // JSON
  Sync sync = Sync::batch;
};

// A file's version as far as its metadata tell: also whether it was put there anew, or may be
// opened since. Without its inode, whose number some file systems change at their pleasure.
struct FileMark {
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  friend auto operator<=>(const FileMark&, const FileMark&) = default;
};

struct FoundFile {
  std::string name;
  FileMark mark;
};

bool is_hot_folder_name(std::string_view name);

// The regular files of the folder, with names that count, at most `limit`.
//   errors  of open(2), getdents(2); code 0 what is moved on from it would come back to it, by
//           whatever links
Result<std::vector<FoundFile>> read_hot_folder(const HotFolderPlan& plan, size_t limit);

struct SubmittedFile {
  std::string name;
  FileMark mark;
  enum class Fate {
    submitted,  // a job, and the file is kept, moved or removed as asked
    refused,    // never to be tried again as it is: why
    vanished,   // no regular file (any more)
    later,      // try again: why; it is still being written
    no_room,    // try again: why; the spool is full or nearly so
  } fate = Fate::later;
  std::string job;
  std::string why;
};

// Makes jobs of these files.
std::vector<SubmittedFile> submit_files(const Spool& spool, const HotFolderPlan& plan,
                                        const std::vector<std::string>& names);

}  // namespace imgq::supervise
