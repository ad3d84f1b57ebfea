#ifndef IMGQ_SRC_CLI_TOP_H_
#define IMGQ_SRC_CLI_TOP_H_

#include <optional>
#include <string>
#include <vector>

#include "spool/query.h"
#include "src/cli/owners.h"
#include "src/cli/session.h"

namespace imgq::cli {

struct TopOptions {
  std::string interval = "1";
  bool once = false;
};

// A live view of the spool, full screen on a terminal until q or Ctrl-C; elsewhere one look.
Exit top_command(const Session& session, const TopOptions& options);

// One look, and what it is drawn from.
struct Snapshot {
  int64_t at_ms = 0;  // Unix time
  int64_t monotonic_ms = 0;
  Counts counts;
  uint64_t free_bytes = 0;
  std::vector<OwnerSeen> owners;
  std::vector<Listed> running;             // with their owners
  std::vector<std::string> running_names;  // of the images, printable
  std::vector<JobView> failures;           // newest first
};

Result<Snapshot> take_snapshot(const Spool& spool, const Config& config);

// The screen's lines, none wider than `width`, at most `height`. `before` gives the rate.
std::vector<std::string> draw_top(const Console& console, const std::string& title,
                                  const Snapshot& now, const std::optional<Snapshot>& before,
                                  int width, int height);

std::string top_json(const Snapshot& snapshot);

}  // namespace imgq::cli

#endif  // IMGQ_SRC_CLI_TOP_H_
