#ifndef IMGQ_SPOOL_RECOVER_H_
#define IMGQ_SPOOL_RECOVER_H_

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "spool/claim.h"
#include "spool/spool.h"

namespace imgq {

// What one observer has seen of the other owners' heartbeats, by its own monotonic clock; never
// compares clocks of two hosts. Keep one per daemon.
class Heartbeats {
 public:
  // How long the mark of this owner has not changed; 0 the first time and after each change.
  std::chrono::milliseconds still(const std::string& owner, int64_t mark, int64_t now_ms);
  void forget(const std::string& owner) { seen_.erase(owner); }
  void forget_all_but(const std::vector<std::string>& owners);  // in order

 private:
  struct Seen {
    int64_t mark = 0;
    int64_t since_ms = 0;
  };
  std::map<std::string, Seen> seen_;
};

struct Recovered {
  int owners = 0;    // dead instances whose folder is gone now
  int jobs = 0;      // claims given back to staging/ or delayed/ (or ended: too many losses)
  int finished = 0;  // claims whose outcome was there already: token put where it belongs
  std::vector<Error> trouble;  // what could not be done; tried again next time
};

// Takes over from dead owners. Dead: its .alive can be locked and it ran on this host (this boot or
// an earlier one); or its heartbeat has not moved for `lease` as watched by `seen`. Being wrong
// costs a decode, never a result.
//   source  FORMAT.md "Recover"
Result<Recovered> recover(const Spool& spool, const std::string& me, Heartbeats& seen,
                          std::chrono::milliseconds lease);

// Removes temporary files of dead writers: of this host when the pid is not running, whatever the
// boot; of any host after 36 hours. Never touches names it does not understand.
//   source  FORMAT.md "Sweep"
//   returns how many
Result<int> sweep_tmp(const Spool& spool);

// How much is kept of ended jobs. Zero means no limit.
struct Retention {
  std::chrono::seconds completed_age{std::chrono::hours(24 * 7)};
  std::chrono::seconds failed_age{std::chrono::hours(24 * 30)};  // cancelled too
  int64_t max_jobs = 0;                                          // ended jobs, all together
  int64_t max_bytes = 0;  // results and sources of ended jobs
};

struct Retained {
  int purged = 0;
  int folders = 0;    // empty hour and day folders removed
  bool more = false;  // stopped at `budget`: call again
};

// Purges ended jobs, oldest first, at most `budget` jobs a call, and empty folders of past hours.
Result<Retained> retain(const Spool& spool, const Retention& policy, int64_t now_ms, int budget);

// A thing that is not as FORMAT.md says.
struct Finding {
  std::string path;
  std::string what;  // one line
  enum class Kind {
    note,      // harmless: unknown file, temporary file of a living writer
    mended,    // repaired now
    mendable,  // --repair would
    damage,    // cannot be mended here: a record unreadable, a result missing or altered
  } kind = Kind::note;
};

struct FsckReport {
  int64_t jobs = 0;
  int64_t results = 0;
  std::vector<Finding> findings;
  bool clean() const;  // nothing but notes
};

enum class Repair { report_only, mend };

// Checks every file against FORMAT.md, digests included. Mends by moving, never deletes what it
// does not understand: unreadable records go to corrupt/. Safe while daemons run: what moves
// meanwhile is looked at again before it is called wrong.
Result<FsckReport> fsck(const Spool& spool, Repair repair);

// One check of `imgq doctor` on the spool's file system.
struct Probe {
  std::string what;  // "hard links", "rename", "flock", "fsync of a directory", ...
  bool good = false;
  std::string cure;  // what to do, when not
};
std::vector<Probe> probe(const Spool& spool);

}  // namespace imgq

#endif  // IMGQ_SPOOL_RECOVER_H_
