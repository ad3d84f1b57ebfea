#pragma once

#include <vector>

#include "src/supervise/finish_file.h"
#include "src/supervise/submit_file.h"
#include "src/util/fd.h"

namespace imgq::supervise {

// A folder is served by one daemon at a time, whatever its spool: by whoever holds flock(2) on the
// directory. Where it cannot be locked (some network file systems) each serves it.
class FolderLock {
 public:
  enum class Held { yes, by_another };

  // Takes it, or sees that it is held still; anew when the path leads to another directory.
  //   folder  the directory, opened for this
  Held take(Fd folder);
  void release() { held_ = Fd(); }

 private:
  Fd held_;
  FolderId id_;
};

// What is found when a hot folder is looked at.
struct FolderLook {
  FolderLock::Held lock = FolderLock::Held::yes;  // by another: nothing was looked at
  Result<FolderContent> content = Error{};
  Status put_back = Ok{};
  std::vector<JobId> ended = {};
};

//   awaited  jobs, of which those that have ended are told
//   first    also gives originals their names back that an earlier run left half taken away
enum class FirstLook { yes, no };
FolderLook look_at_folder(const Spool& spool, const HotFolderPlan& plan, FolderLock& lock,
                          const std::vector<JobId>& awaited, FirstLook first);

}  // namespace imgq::supervise
