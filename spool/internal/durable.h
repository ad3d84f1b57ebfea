#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"

// The write order of the spool, once: the bytes of a ticket and an outcome before their names,
// folders before what stands in them, everything before the answer (FORMAT.md "Write order").
namespace imgq::durable {

// What must be on the disk before a group of jobs takes its next step. Files and folders are
// named while the step is prepared; one flush then waits for all of them.
class Group {
 public:
  Group(const Spool& spool, Sync sync) : spool_(spool), sync_(sync) {}

  void file(const TempFile& file) {  // borrowed
    if (spool_.survives_power_cuts()) result(file);
  }
  void folder(std::string path) { folders_.insert(std::move(path)); }
  // What goes out of the spool, too, as soon as it is published.
  void result(const TempFile& file) { files_.emplace_back(file.fd(), file.path()); }

  // Waits until all that was named is on the disk; the group is empty afterwards. Nothing is
  // repeated after an error: what the disk then holds is unknown.
  Status flush();

 private:
  const Spool& spool_;
  Sync sync_;
  std::vector<std::pair<int, std::string>> files_;
  std::set<std::string> folders_;
};

// The same for names alone.
Status sync_folders(const Spool& spool, Sync sync, const std::set<std::string>& folders);

// Waits until the names in a folder are on the disk. One that is not the folder any more that was
// made durable under this name is made so first.
Status sync_names(const Spool& spool, const std::string& path);

// Waits until the names in a folder are on the disk that another folder was just moved into.
Status sync_after_move(const Spool& spool, const std::string& path);

// A fresh name in tmp/; the lock it goes by stands there before.
std::string temp_path(const Spool& spool);

// A record's text in tmp/, whole but not yet synced.
Result<TempFile> write_temp(const Spool& spool, std::string_view text);

// The same, synced.
Result<TempFile> write_synced(const Spool& spool, std::string_view text, Sync sync);

// The text of a record, at most kMaxRecordBytes + 1 (more is refused by every reader).
//   errors  ENOENT, ELOOP, ...; code 0 it is not a regular file
Result<std::string> read_text(const Spool& spool, const std::string& path);
Result<std::string> read_text(int fd, const std::string& path);  // the same of an open file

// Gives a folder or file just made here the spool's mode, unless it has it already.
Status set_mode(int fd, mode_t mode, std::string_view path);

// Gives a temporary file its name. `put` renames it there: for names that hold an id just made.
// `put_new` links it: EEXIST when the name is taken, and what was there stays.
Status put(const Spool& spool, TempFile& file, const std::string& path);
Status put_new(const Spool& spool, const TempFile& file, const std::string& path);

// Gives a file a further name; one that is taken already is Ok. `action` is for the error.
Status link_unless_taken(const Spool& spool, const std::string& from, const std::string& to,
                         std::string_view action);

// True when a name exists.
Result<bool> exists(const Spool& spool, const std::string& path);

// Removes a name; one that is gone already is Ok.
Status remove(const Spool& spool, const std::string& path);

// Moves what cannot be read to corrupt/, where people may look at it; gone already is Ok.
Status quarantine(const Spool& spool, const std::string& path);

}  // namespace imgq::durable
