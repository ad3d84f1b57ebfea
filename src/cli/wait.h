#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "spool/job_id.h"
#include "src/cli/apart.h"
#include "src/cli/session.h"

// How commands wait: for jobs, for a time, for a signal.
namespace imgq::cli {

void pause(int64_t millis);  // or shorter, when a signal comes

// From now on these signals only end pauses, and stopped() tells that one came.
void stop_by(std::initializer_list<int> signals);
bool stopped();
void note_stop(int signal);  // that came while somebody else listened

// The last step of a command: when SIGINT stopped it, it dies of that, so that a shell ends the
// loop in which it runs. To the shell its exit status is 130 either way.
void die_if_interrupted();

Result<Timeout> parse_timeout(const std::string& text);
enum class Tell { jobs, nothing };  // nothing: of single jobs
Exit wait_for(const Session& session, const Spool& spool, const std::vector<JobId>& ids,
              const Deadline& deadline, Tell tell = Tell::jobs);

}  // namespace imgq::cli
