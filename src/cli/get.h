#pragma once

#include <string>
#include <vector>

#include "src/cli/session.h"

namespace imgq::cli {

struct GetOptions {
  std::vector<std::string> ids;
  std::string output;     // a directory, a file, or "-"; default: here
  std::string rendition;  // only this one
  bool wait = false;
  std::string timeout;
  bool print0 = false;
  bool overwrite = false;  // files of other content in a directory
};

// Copies results out of the spool, each whole or not at all, and prints where they are. What has
// the same content already is left as it is.
//   exit  ok; some_failed when a job is unknown or did not complete; usage; cannot_create, also for
//         a file of other content that is in the way in a directory
Exit get_command(const Session& session, const GetOptions& options);

}  // namespace imgq::cli
