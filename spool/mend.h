#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "spool/job_id.h"
#include "spool/spool.h"
#include "spool/types.h"

namespace imgq {

struct Mended {
  std::vector<Token> tokens = {};   // made
  std::vector<Error> trouble = {};  // jobs that could not be given one: tried again
  bool more = false;                // further hours are to be looked at
};

// Finds tickets that have neither token nor outcome, as a submission leaves when the file system
// goes away between the two, and makes them waiting jobs: their submitter was told of a failure,
// and nobody else would ever run them. Such a ticket is also what a submission has for a moment:
// so it must look so three times, over a while by the observer's own clock. Keep one per daemon.
//   source  FORMAT.md "Mend"
class Mender {
 public:
  // All hours that have changed since they were last read are to be looked at.
  void begin() { anew_ = true; }

  // Looks at one hour: of those, or, when there are none left, of those with suspects.
  //   after  how long a ticket is a suspect before it gets a token
  Result<Mended> look(const Spool& spool, std::chrono::milliseconds after);

  bool has_suspects() const { return !suspects_.empty(); }

 private:
  struct Suspect {
    int64_t since_ms = 0;  // monotonic
    int looks = 0;
  };
  struct Read {
    int64_t mtime_ns = -1;
    bool settled = false;  // read again, in a later pass, when its time was the same
  };
  Status choose_hours(const Spool& spool);
  bool is_unchanged(const Spool& spool, const std::string& hour);

  bool anew_ = true;
  std::vector<std::string> hours_;  // "<day>/<hour>", to be looked at; the last is the next
  std::map<std::string, std::map<JobId, Suspect>> suspects_;  // by hour
  std::map<std::string, Read> read_;
};

}  // namespace imgq
