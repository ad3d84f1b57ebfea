#pragma once

#include <string>
#include <vector>

#include "spool/spool.h"
#include "src/run/state.h"
#include "src/util/fd.h"

// The private spool of `imgq run`, in OUTPUT/.imgq/spool: what an interrupted run had under way.
namespace imgq::cli {

// OUTPUT and OUTPUT/.imgq, made where they are missing, locked against a second run in the same
// place for as long as the result lives, and free of what killed runs left.
//   errors  EWOULDBLOCK another run is at work there
Result<Fd> enter_output(const std::string& output);

// The same where both are there already.
//   errors  ENOENT they are not
Result<Fd> lock_output(const std::string& output);

// Where the spool is: beside the output, or, where the file system there has no hard links, under
// $XDG_STATE_HOME/imgq-run/.
Result<Spool> open_run_spool(const std::string& output);

// Forgets jobs that nobody asks for any more, and those that failed, so that they are tried anew.
void forget_stale(const Run& run, const Spool& spool);

// Submits items, chosen by index; those that are refused fail.
//   result  the jobs that an earlier run completed but did not hand out
//   errors  the spool takes no more (is_pausing), or a sync failed
Result<std::vector<JobId>> submit_items(Run& run, const Spool& spool,
                                        const std::vector<size_t>& chosen);

// Removes a directory with everything in it; links are removed, not followed.
Status remove_tree(const std::string& path);

}  // namespace imgq::cli
