#pragma once

#ifdef IMGQ_MUTANTS
#include <cstdlib>
#include <string_view>
#endif

// Deliberate faults, one for each promise of the protocol: a test suite that does not notice one
// of them proves nothing about that promise. They exist only in the library imgq_spool_mutants and
// in test programs with a sys.cc of their own (compiled with IMGQ_MUTANTS), where the environment
// variable IMGQ_MUTANT names the one switched on; everywhere else mutated() is false at compile
// time.
namespace imgq {

enum class Mutant {
  skip_ticket_fsync,          // submit does not sync the ticket's bytes
  skip_source_fsync,          // submit does not sync the source's bytes
  skip_result_fsync,          // complete does not sync the results' bytes
  skip_outcome_fsync,         // no sync of an outcome's bytes
  skip_hour_folder_fsync,     // names in jobs/ are not synced
  skip_staging_fsync,         // submit does not sync staging/
  target_folder_only,         // claim syncs the folder it moves to, not the one it moves from
  shared_claim_name,          // all owners claim into processing/shared/
  outcome_by_rename,          // the outcome replaces what is there
  no_outcome_check_on_claim,  // an old token of an ended job is run again
  ack_before_sync,            // submit and complete answer before their last sync
  attempt_not_counted,        // a failed attempt leaves no try record
  temp_leak,                  // temporary files stay
  lose_cloexec,               // a started program gets the descriptors, the life sign's too
  sweep_unsynced,             // an outcome that may not be on the disk loses the sign that says so
  forget_hook,                // a job ends without the mark of the hook that is owed
  skip_hook_fsync,            // that mark is not synced before the commit
  folder_by_rename,           // folders replace empty ones, and are remembered by name
};

inline constexpr const char* kMutantNames[] = {"skip_ticket_fsync",
                                               "skip_source_fsync",
                                               "skip_result_fsync",
                                               "skip_outcome_fsync",
                                               "skip_hour_folder_fsync",
                                               "skip_staging_fsync",
                                               "target_folder_only",
                                               "shared_claim_name",
                                               "outcome_by_rename",
                                               "no_outcome_check_on_claim",
                                               "ack_before_sync",
                                               "attempt_not_counted",
                                               "temp_leak",
                                               "lose_cloexec",
                                               "sweep_unsynced",
                                               "forget_hook",
                                               "skip_hook_fsync",
                                               "folder_by_rename"};

#ifdef IMGQ_MUTANTS
// Asked anew each time: a test may change the variable between two steps (from one thread).
inline bool mutated(Mutant mutant) {
  const char* name = std::getenv("IMGQ_MUTANT");  // NOLINT(concurrency-mt-unsafe)
  return name != nullptr && std::string_view(name) == kMutantNames[static_cast<int>(mutant)];
}
#else
constexpr bool mutated(Mutant) { return false; }
#endif

}  // namespace imgq
