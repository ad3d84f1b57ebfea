#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "spool/spool.h"

namespace imgq {

// A thing that is not as FORMAT.md says.
struct Finding {
  std::string path;
  std::string what;  // one line
  enum class Kind {
    note,      // harmless: unknown file, temporary file of a living writer
    mended,    // repaired now
    mendable,  // --repair would
    damage,    // cannot be mended here: a record unreadable, a result missing or altered
  } kind = Kind::note;
};

struct FsckReport {
  int64_t jobs = 0;
  int64_t results = 0;
  std::vector<Finding> findings;
  bool clean() const;  // nothing but notes
};

enum class Repair { report_only, mend };

// Checks every file against FORMAT.md, digests included. Mends by moving, never deletes what it
// does not understand: unreadable records go to corrupt/. Safe while daemons run: what moves
// meanwhile is looked at again before it is called wrong. Jobs of the newest hours come first.
//   at_once  so many are read at the same time: 1 by this thread alone
Result<FsckReport> fsck(const Spool& spool, Repair repair, size_t at_once = 16);

}  // namespace imgq
