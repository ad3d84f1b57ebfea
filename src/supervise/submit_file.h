#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spool/spool.h"
#include "spool/types.h"
#include "src/jobs/config.h"
#include "src/supervise/left_out.h"
#include "src/supervise/original.h"

// The blocking part of a hot folder: reading it, and making jobs of its files.
namespace imgq::supervise {

// What a folder's files become.
struct HotFolderPlan {
  HotFolder hot_folder;
  Config config;
  std::string request;  // JSON
  Sync sync = Sync::batch;
};

// Whether anything is to be done once a job completed.
inline bool is_awaited(const HotFolder& hot_folder) {
  return hot_folder.after != HotFolder::After::keep || !hot_folder.results.empty();
}

// A file's version as far as its metadata tell: also whether it was put there anew, or may be
// opened since. Without its inode, whose number some file systems change at their pleasure.
struct FileMark {
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  friend auto operator<=>(const FileMark&, const FileMark&) = default;
};

struct FoundFile {
  std::string name;  // below the folder: "photo.jpg", "holiday/photo.jpg"
  FileMark mark;
};

// A directory's identity, whatever names lead to it.
struct FolderId {
  dev_t device = 0;
  ino_t inode = 0;
  friend auto operator<=>(const FolderId&, const FolderId&) = default;
};
std::optional<FolderId> folder_id(const std::string& path);
bool same_directory(const std::string& one, const std::string& other);

// Why a file of this name is no one's photograph yet; empty when it may be one. Patterns are those
// of fnmatch(3), in whatever case.
std::string why_not_taken(const HotFolder& hot_folder, const std::string& name);

// The directory of the folder, links followed.
//   errors  of open(2); code 0 what goes on from it would come back to it, by whatever links
Result<Fd> open_hot_folder(const HotFolderPlan& plan);

// The regular files of the folder, and of those below it where that is wanted, with names that
// count, at most `limit`; and what else lies there. Links are not followed, and what file servers
// keep for themselves is passed over.
//   errors  as open_hot_folder; of getdents(2)
struct FolderContent {
  FolderId id;
  std::vector<FoundFile> files = {};
  std::vector<LeftOut> left_out = {};
};
Result<FolderContent> read_hot_folder(const HotFolderPlan& plan, size_t limit);

struct WantedFile {
  std::string name;
  bool only_if_known = false;  // its writing may not be over: only when it is a job already
};

struct SubmittedFile {
  std::string name;
  FileMark mark;
  Original original;
  enum class Fate {
    submitted,  // it is a job
    refused,    // never to be tried again as it is: why
    vanished,   // no regular file (any more)
    new_to_us,  // no job yet, and it was wanted only if known
    later,      // try again: why; it is still being written
    no_room,    // try again: why; the spool is full or nearly so
  } fate = Fate::later;
  std::optional<JobId> job = {};
  bool known = false;    // it was that job before
  bool awaited = false;  // something is to be done once the job completed
  std::string why = {};
};

// Makes jobs of these files. A file is the same job as long as it has the same name, size and time,
// and where originals go away the same inode: also after a crash, without any record but the job's
// key. One that has all of these although what was to be done with it is done (spool/placed.h) was
// put there again: then its time of change counts, too.
std::vector<SubmittedFile> submit_files(const Spool& spool, const HotFolderPlan& plan,
                                        const std::vector<WantedFile>& wanted);

}  // namespace imgq::supervise
