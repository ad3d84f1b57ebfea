#ifndef IMGQ_SRC_CLI_INFO_H_
#define IMGQ_SRC_CLI_INFO_H_

#include <functional>
#include <string>
#include <vector>

#include "src/base/verdict.h"
#include "src/cli/session.h"

namespace imgq::cli {

// Reads an image's header in a confined worker. Given by the program.
using Inspector = std::function<Result<Verdict>(int source, const Limits& limits)>;

struct InfoOptions {
  std::vector<std::string> names;  // job ids and files; a file that looks like an id: ./NAME
};

// All that is known of a job, or of an image file.
//   exit  ok; some_failed; bad_image; no_input
Exit info_command(const Session& session, const InfoOptions& options, const Inspector& inspect);

}  // namespace imgq::cli

#endif  // IMGQ_SRC_CLI_INFO_H_
