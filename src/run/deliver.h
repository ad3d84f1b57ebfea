#pragma once

#include "spool/records.h"
#include "spool/spool.h"
#include "src/cli/done_file.h"
#include "src/run/state.h"

namespace imgq::cli {

// Gives the results of a completed job their names below the output directory, each at once: by
// hard link and rename, by copy and rename where the spool lies on another file system. Doing it
// again is harmless. The done_file tells of them before they have their names.
//   returns the record in the done_file
//   errors  code 0: a source, or a file that imgq has not made, is in the way; what writing answers
Result<RunRecord> deliver(const Run& run, const Spool& spool, DoneFile& done_file,
                          const RunItem& item, const Outcome& outcome);

// Removes what killed runs left under temporary names where results go, on a file system that gives
// a file its name before it is written. By a run of all images, for others are not at work then.
void sweep_folders(const Run& run);

}  // namespace imgq::cli
