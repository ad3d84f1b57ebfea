#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "spool/fsck.h"
#include "spool/internal/locate.h"
#include "spool/layout.h"
#include "spool/spool.h"
#include "spool/types.h"

// The parts of fsck: what was seen of a job (fsck_facts), what is wrong with it and how it is
// mended (fsck_job), and the walk over all of it (fsck).
namespace imgq::checking {

// All that was seen of one job by reading names.
struct Facts {
  JobId id;
  bool ticket = false, source = false, outcome = false, placed = false;
  std::vector<int> tries = {};
  std::vector<std::pair<layout::Part, std::string>> results = {};  // with their names
  std::vector<Listed> waiting = {};                                // staging, delayed, hold
  std::vector<Listed> processing = {};
  std::vector<Listed> ended = {};  // completed, failed, cancelled

  int highest_attempt() const;
};

// Reads all names of the spool once. `strangers` collects names that are none of ours.
class Census {
 public:
  explicit Census(const Spool& spool) : spool_(spool) {}

  // Tokens outside completed/.
  Status read_tokens();
  // One hour: what lies in jobs/<hour> and completed/<hour>, with the tokens of those jobs.
  Result<std::vector<Facts>> read_hour(const std::string& hour);
  // Jobs of tokens that no hour folder named.
  std::vector<Facts> rest();
  const std::vector<std::string>& strangers() const { return strangers_; }

 private:
  void take_token(State state, const std::string& folder, std::string_view name);
  void take_part(const std::string& folder, std::string_view name, std::set<JobId>& here);
  Facts& facts_of(const JobId& id) { return jobs_.try_emplace(id, Facts{id}).first->second; }
  const Spool& spool_;
  std::map<JobId, Facts> jobs_;  // those that have a token, until their hour is read
  std::vector<std::string> strangers_;
};

// Checks one job. Each finding that can be mended is mended when `repair` says so, and its kind
// says what became of it.
Result<FsckReport> check_job(const Spool& spool, const Facts& facts, Repair repair);

}  // namespace imgq::checking

namespace imgq {

// Whether an owner ran on this host and its .alive can be locked.
Result<bool> is_dead_here(const Spool& spool, const std::string& owner);

}  // namespace imgq
