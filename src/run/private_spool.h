#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "spool/spool.h"
#include "spool/types.h"
#include "src/cli/files.h"
#include "src/util/fd.h"

// The private spool of `imgq run`, in OUTPUT/.imgq/spool: what an interrupted run had under way.
namespace imgq::cli {

// One image to be made.
struct RunItem {
  std::string path;    // as given, or below a given directory
  std::string real;    // absolute, without links
  std::string folder;  // of its results, below the output directory
  std::string stem;    // of its results, with the folder
  int64_t size_bytes = 0, modified_ns = 0;
  FileId id;
  std::string key;  // idempotency key: the same image, unchanged, with the same request
};

// The key of an item that has all but that.
std::string run_key(const RunItem& item, const std::string& request_digest);

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

using ItemsByKey = std::unordered_map<std::string, size_t>;

// Forgets jobs that nobody asks for any more, and those that failed, so that they are tried anew.
void forget_stale(const Spool& spool, const ItemsByKey& wanted);

// Submits items, `chosen` by index.
//   found     ends with the jobs that an earlier run completed but did not hand out
//   errors    the spool takes no more (is_pausing), or a sync failed
struct Refused {
  size_t item;
  Error error;
};
struct RunSubmitted {
  std::vector<JobId> finished;  // completed by an earlier run
  std::vector<Refused> refused;
};
Result<RunSubmitted> submit_items(const Spool& spool, const std::vector<RunItem>& items,
                                  const std::vector<size_t>& chosen, const std::string& request,
                                  int max_attempts, Sync sync);

// Removes a directory with everything in it; links are removed, not followed.
Status remove_tree(const std::string& path);

}  // namespace imgq::cli
