#pragma once

#include <string>
#include <vector>

#include "spool/records.h"
#include "spool/spool.h"
#include "src/cli/done_file.h"
#include "src/cli/files.h"
#include "src/run/private_spool.h"

namespace imgq::cli {

enum class InTheWay { keep, replace };  // a file that imgq has not made

// What the results of one run must respect.
struct Delivery {
  const Spool& spool;
  std::string output;
  std::vector<FileId> sources;  // sorted: never written over
  InTheWay in_the_way = InTheWay::keep;
  std::string request_digest;
};

// Gives the results of a completed job their names below the output directory, each at once: by
// hard link and rename, by copy and rename where the spool lies on another file system. Doing it
// again is harmless. The done_file tells of them before they have their names.
//   returns the record in the done_file
//   errors  code 0: a source, or a file that imgq has not made, is in the way; what writing answers
Result<RunRecord> deliver(const Delivery& delivery, DoneFile& done_file, const RunItem& item,
                          const Outcome& outcome);

bool operator<(const FileId& a, const FileId& b);

}  // namespace imgq::cli
