#pragma once

#include "src/cli/session.h"

namespace imgq::cli {

struct FsckOptions {
  bool repair = false;
};

// Checks every file of the spool, prints what is not as FORMAT.md says.
//   exit  ok clean, or all mended; some_failed something is left
Exit fsck_command(const Session& session, const FsckOptions& options);

}  // namespace imgq::cli
