#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "src/cli/session.h"

namespace imgq::cli {

struct Check {
  enum class Health { good, doubtful, bad } health = Health::good;
  std::string what;  // "hard links", "daemon"
  std::string found;
  std::string cure;  // when not good
};

// Says what is wrong with this machine, spool and configuration, in plain words, and what to do.
//   exit  ok nothing is bad; some_failed
Exit doctor_command(const Session& session);

// "become a member of its group: adduser alice imgq, then log in again". When the former is done
// already, only the latter.
std::string joining_words(gid_t group);

// The parts of it; append() puts `more` behind `all`.
void append(std::vector<Check>& all, std::vector<Check> more);
std::vector<Check> check_machine();
std::vector<Check> check_access(const Session& session, const Spool& spool);
std::vector<Check> check_spool(const Session& session, const Spool& spool);
std::vector<Check> check_other_spool(const Session& session);

}  // namespace imgq::cli
