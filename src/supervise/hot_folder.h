#pragma once

#include <memory>
#include <vector>

#include "spool/spool.h"
#include "spool/types.h"
#include "src/jobs/config.h"
#include "src/supervise/hot_folder_gate.h"
#include "src/supervise/loop.h"

namespace imgq::supervise {

class FolderWatch;

// Hot folders ([[intake]]): each regular file that is moved into one or closed after writing
// becomes a job of the folder's preset; one found lying there, once it has not changed for the
// folder's settle time, or for ten minutes when it was seen being written and not closed. Names
// that begin with a dot or end like an unfinished download are left alone. The job's key is made of
// the file's name, size and time, and of its inode where originals go away: so a file that is kept,
// or met again after a crash, is the same job and not a second one.
class HotFolders {
 public:
  HotFolders(Loop& loop, const Spool& spool);
  ~HotFolders();
  HotFolders(const HotFolders&) = delete;
  HotFolders& operator=(const HotFolders&) = delete;

  // Serves these from now on. A folder that stays the same keeps what it knows of its files.
  void change(const Config& config, Sync sync);
  void stop();

 private:
  Loop& loop_;
  const Spool& spool_;
  const std::shared_ptr<HotFolderGate> gate_;
  std::vector<std::shared_ptr<FolderWatch>> folders_;
};

}  // namespace imgq::supervise
