#pragma once

#include <memory>
#include <vector>

#include "spool/job_id.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/jobs/config.h"
#include "src/supervise/loop.h"

namespace imgq::supervise {

class FolderWatch;

// Hot folders ([[intake]]): each regular file that is moved into one, or written there and left
// alone (folder_files.h), becomes a job of the folder's preset. Once the job completed the original
// is kept, moved or removed; that of a job that failed stays. The job's key is made of the file's
// name, size and time, and of its inode where originals go away: so a file that is kept, or met
// again after a crash, is the same job and not a second one, and nothing else need be remembered.
class HotFolders {
 public:
  HotFolders(Loop& loop, const Spool& spool);
  ~HotFolders();
  HotFolders(const HotFolders&) = delete;
  HotFolders& operator=(const HotFolders&) = delete;

  // Serves these from now on. A folder that stays the same keeps what it knows of its files.
  void change(const Config& config, Sync sync);

  // A job has ended here; the end of others, and that of jobs that others ran, is looked for.
  void ended(const JobId& job);

  // Nothing of it is under way. What a job's end asks for is, until it is done.
  bool idle() const;
  void stop();

 private:
  Loop& loop_;
  const Spool& spool_;
  std::vector<std::shared_ptr<FolderWatch>> folders_;
};

}  // namespace imgq::supervise
