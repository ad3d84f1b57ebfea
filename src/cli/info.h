#pragma once

#include <string>
#include <vector>

#include "src/cli/session.h"

namespace imgq::cli {

struct InfoOptions {
  std::vector<std::string> names;  // job ids and files; a file that looks like an id: ./NAME
};

// All that is known of a job, or of an image file.
//   exit  ok; some_failed; bad_image; no_input
Exit info_command(const Session& session, const InfoOptions& options);

}  // namespace imgq::cli
