#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "spool/spool.h"
#include "src/run/state.h"
#include "src/util/fd.h"

// The private spool of `imgq run`, in its home: what an interrupted run had under way.
namespace imgq::cli {

// The output directory and the home of a run there, locked for as long as it lives.
struct Entered {
  Fd all;   // OUTPUT/.imgq: shared among shards
  Fd home;  // of a shard
};

// Both made where they are missing, locked against a second run of the same images in the same
// place, and free of what killed runs left.
//   part    see home_of
//   errors  EWOULDBLOCK another run is at work there
Result<Entered> enter_output(const std::string& output, const std::string& part);

// The same where they are there already.
//   errors  ENOENT they are not
Result<Entered> lock_output(const std::string& output, const std::string& part);

// Where the spool is: in the home, or, where the file system there has no hard links, under
// $XDG_STATE_HOME/imgq-run/. It has its name of the boot, and of what came before that nothing is
// taken over: but for results, which go out of it, nothing in it is synced.
Result<Spool> open_run_spool(const Run& run);

// Removes what killed runs of parts left there, once the run of all has ended.
void forget_parts(const Run& run);

// Forgets jobs that nobody asks for any more, and those that failed, so that they are tried anew.
//   result  what an interrupted run leaves, by key
using Left = std::unordered_map<std::string, JobId>;
Left forget_stale(const Run& run, const Spool& spool);

// Submits items, chosen by index, but those that are there; those that are refused fail.
//   result  the jobs that an earlier run completed but did not hand out
//   errors  the spool takes no more (is_pausing), or a sync failed
Result<std::vector<JobId>> submit_items(Run& run, const Spool& spool,
                                        const std::vector<size_t>& chosen, const Left& left);

}  // namespace imgq::cli
