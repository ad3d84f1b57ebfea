#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "spool/types.h"
#include "src/base/exit_code.h"
#include "src/cli/done_file.h"
#include "src/cli/file_out.h"
#include "src/cli/gather.h"
#include "src/cli/session.h"
#include "src/run/run.h"
#include "src/run/shard.h"
#include "src/supervise/engine.h"
#include "src/util/sys.h"

// What `imgq run` knows of its images while it works, and what it tells of them.
namespace imgq::cli {

enum class ItemState { wanted, made, up_to_date, failed, known_bad };

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

// One run, from its options to its report.
struct Run {
  const Session& session;
  RunOptions options;
  Goal goal = Goal::directory;
  std::string request{};
  std::string request_digest{};
  std::string judged_by{};  // digest of all that a verdict depends on but the image
  Sync sync = Sync::batch;
  std::string place{};  // the output directory, or where a single result is made
  Shard shard{};
  std::string home{};  // see home_of
  std::vector<RunItem> items{};
  std::vector<ItemState> states{};  // of items
  std::vector<FileId> sources{};    // of items, sorted: never written over
  std::unordered_map<std::string, size_t> by_key{};
  std::vector<RunFailure> failures{};
  std::vector<RunRecord> verdicts{};  // to be remembered once they are told
  Sum sum{};
  std::optional<Error> lost{};                  // the output's file system went away
  size_t removed = 0;                           // or to be removed, in a dry run
  std::string_view nothing = "no image found";  // when there is neither
  int64_t begin_ms = sys::monotonic_ms();
};

// One that cannot be made: counted, kept for the report, and printed for programs.
void fail_source(Run& run, RunFailure failure, Exit exit);
void fail_item(Run& run, size_t index, std::string code, std::string message, Exit exit);

// The same by a verdict on the image.
void fail_by_verdict(Run& run, size_t index, const std::string& code, const std::string& message);

// One that is there: counted, and printed as the options ask.
void succeed(Run& run, const DoneFile& done_file, size_t index, ItemState state);

Origin origin_of(const RunItem& item);

// Looks at all inputs: items with their names, or failures.
void add_items(Run& run, const Inputs& inputs, const DoneFile& done_file);

// What is done already, and what is known to be bad, is told; what is left is returned.
std::vector<size_t> still_to_do(Run& run, DoneFile& done_file);

// How the work on the private spool ended.
using Worked = Result<supervise::Tally>;

// Removes the results whose sources are gone, and tells of each; nothing when any folder could not
// be read. In a dry run it only tells.
void prune(Run& run, const Inputs& inputs, DoneFile& done_file);

// What would be made, a line each.
void tell_plan(const Run& run, const std::vector<size_t>& left);

// The lines at the end.
void report(const Run& run, const Worked& worked, const DoneFile& done_file);

Status write_manifest(const Run& run, const DoneFile& done_file);

}  // namespace imgq::cli
