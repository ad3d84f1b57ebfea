#pragma once

#include <string>
#include <vector>

#include "spool/job_id.h"
#include "spool/spool.h"
#include "src/supervise/original.h"
#include "src/supervise/submit_file.h"

// The blocking part of a hot folder once its jobs have ended: what becomes of the originals.
namespace imgq::supervise {

// A job whose end a folder waits for, and the file that it was made of.
struct AwaitedFile {
  JobId job;
  std::string name;
  Original original;
};

struct FinishedFile {
  JobId job;
  std::string name;
  enum class Fate {
    done,         // all that was to be done; `why` when the original was not what was submitted
    ended_badly,  // the job failed or was cancelled: the original stays; why
    waiting,      // the job has not ended
    later,        // try again: why
    forgotten,    // the job was purged
  } fate = Fate::waiting;
  std::string why = {};
};

// Does what the folder wants for jobs that completed, and marks them as placed. The original goes
// only when it is the file that was submitted: by inode, size and time. To do it again after a
// crash at any point is harmless.
std::vector<FinishedFile> finish_files(const Spool& spool, const HotFolderPlan& plan,
                                       const std::vector<AwaitedFile>& awaited);

// Those of the jobs that have ended.
std::vector<JobId> ended_of(const Spool& spool, std::vector<JobId> jobs);

// Gives the originals that a crash left half taken away their names again: finish_files takes them
// from there. For when nobody else serves the folder.
//   returns what is wrong, if anything
Status put_back_originals(const Spool& spool, const HotFolderPlan& plan);

}  // namespace imgq::supervise
