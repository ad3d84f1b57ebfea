#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/exit_code.h"
#include "src/cli/done_file.h"
#include "src/cli/gather.h"
#include "src/cli/session.h"
#include "src/run/private_spool.h"
#include "src/run/run.h"
#include "src/util/sys.h"

// What `imgq run` knows of its images while it works, and what it tells of them.
namespace imgq::cli {

enum class Mark { wanted, made, up_to_date, failed, known_bad };

// One run, from its inputs to its report.
struct Run {
  const Session& session;
  const RunOptions& options;
  std::string place;   // the output directory, or where a single result is made
  std::string target;  // the one file that is wanted, "-" for stdout; empty: they stay in `place`
  std::string request;
  std::string request_digest;
  std::string judged_by;  // digest of all that a verdict depends on but the image
  Sync sync = Sync::batch;
  std::vector<RunItem> items{};
  std::vector<Mark> marks{};  // of items
  ItemsByKey by_key{};
  std::vector<RunFailure> failures{};
  std::vector<RunRecord> verdicts{};  // to be remembered once they are told
  Sum sum{};
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
void succeed(Run& run, const DoneFile& done_file, size_t index, Mark mark);

Origin origin_of(const RunItem& item);

// Looks at all inputs: items with their names, or failures.
void add_items(Run& run, const Inputs& inputs, const DoneFile& done_file);

// What is done already, and what is known to be bad, is told; what is left is returned.
std::vector<size_t> still_to_do(Run& run, DoneFile& done_file);

// How the work on the private spool ended.
struct Worked {
  bool interrupted = false;
  std::optional<Error> trouble;
};

// Removes the results whose sources are gone, and tells of each; nothing when any folder could not
// be read. In a dry run it only tells.
void prune(Run& run, const Inputs& inputs, DoneFile& done_file);

// What would be made, a line each.
void tell_plan(const Run& run, const std::vector<size_t>& left);

// The lines at the end.
void report(const Run& run, const Worked& worked, const DoneFile& done_file);

Status write_manifest(const Run& run, const DoneFile& done_file);

}  // namespace imgq::cli
