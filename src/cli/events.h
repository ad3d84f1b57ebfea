#pragma once

#include <map>
#include <string>
#include <vector>

#include "spool/query.h"
#include "spool/spool.h"
#include "src/cli/session.h"

namespace imgq::cli {

struct LogOptions {
  bool follow = false;
  std::string number = "10";  // how many of the past
};

// Ended jobs in the order of their end, from their records: "TIME ID STATE NAME[: CAUSE]".
// Following looks once a second, also for jobs that other hosts end.
Exit log_command(const Session& session, const LogOptions& options);

// Finds jobs that ended since the last look, by the times of the folders and tokens.
class Tail {
 public:
  explicit Tail(const Spool& spool);
  std::vector<JobView> next();  // in the order of their end

 private:
  void look_into(const std::string& folder, int64_t since_ms, std::vector<JobView>& found);
  const Spool& spool_;
  int64_t start_ms_;
  int64_t looked_ms_;
  struct Told {
    int64_t ended_ms, changed_ns, at_ms;  // of the job, of its token, of the telling
  };
  std::map<JobId, Told> told_;  // lately; a job that is tried again ends again
};

}  // namespace imgq::cli
