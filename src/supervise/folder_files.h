#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/supervise/submit_file.h"

namespace imgq::supervise {

// What is known of a hot folder's files, and when each may be taken: at once when it was moved in,
// or is in a folder that was;
// when it was seen to be closed, once it is untouched for the settle time since, for whoever closes
// a file may open it again; ten times that, and at least a minute, when no close was seen; ten
// minutes when it is being written or empty and nobody was seen to close it. No I/O; times are the
// caller's, in milliseconds of the monotonic clock.
class FolderFiles {
 public:
  static constexpr size_t kMost = 20'000;

  enum class Heard { nothing, being_written, closed, moved_in };

  explicit FolderFiles(int64_t settle_ms) : settle_ms_(settle_ms) {}

  // From now on; what was refused or put off is tried again.
  void change(int64_t settle_ms);

  // Something was heard of a file; or some of it may not have been.
  void heard(std::string_view name, Heard what, int64_t now_ms);
  void missed_some();

  // Reads the folder from now on; and this is what was there. Others are forgotten, but for those
  // that were heard of meanwhile.
  void begin_look() { ++looks_; }
  void seen(const std::vector<FoundFile>& found, int64_t now_ms);

  // Up to so many that may be taken now, or are to be known again. Each is under way until it is
  // told what it became.
  std::vector<WantedFile> take(size_t most);
  void became(const SubmittedFile& file, int64_t now_ms);

  // When the next one may be taken, as far as is known.
  int64_t next_due_ms() const { return next_due_ms_; }

 private:
  enum class Fate { unknown, open, under_way, job, refused };
  struct File {
    FileMark mark = {};
    bool marked = false;
    Heard heard = Heard::nothing;
    Fate fate = Fate::open;
    int64_t since_ms = 0;  // untouched, as far as was seen
    int64_t again_ms = 0;  // not before, when it was put off
    int64_t heard_at_look = -1;
    int64_t seen_at_look = -1;
  };
  void weigh(const FoundFile& found, int64_t now_ms);
  bool came_with_its_folder(const std::string& name) const;
  void note_change(const std::string& name, File& file, int64_t now_ms);
  int64_t due_ms(const File& file) const;

  int64_t settle_ms_;
  int64_t looks_ = 0;
  int64_t next_due_ms_ = std::numeric_limits<int64_t>::max();
  std::map<std::string, File> files_;
  std::set<std::string> unknown_;  // found, and perhaps a job already
  std::set<std::string> ready_;
  std::map<std::string, int64_t> moved_in_;  // names, perhaps of folders: as of which look
};

}  // namespace imgq::supervise
