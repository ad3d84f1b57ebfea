#pragma once

#include <optional>
#include <span>

#include "src/base/request.h"
#include "src/base/verdict.h"
#include "src/supervise/worker.h"

// What the supervisor makes of what workers say and do. A worker is not trusted.
namespace imgq::supervise {

// The verdict on a job whose worker died under it.
//   timed_out      over the wall or CPU limit; without a signal when the host starved it
//   too_large      it ran out of memory, and the memory was all its own: this was its first job
//   out_of_memory  the same, but earlier jobs had a part in it
//   crashed        everything else
Verdict verdict_on(const Death& death, const Limits& limits);

// Checks an `ok` verdict against what was asked and what lies in the files: number, names, sizes in
// pixels and bytes, kinds by their first bytes.
//   returns the verdict, or wrong_result with what is wrong
Verdict checked(Verdict verdict, const Request& request, const Limits& limits,
                std::span<const int> results);

// After a worker's io_error, or before a claim: is it the spool that takes no more? Asks its file
// system for so many bytes through a file that is to be a result.
//   returns the pausing error, if so
std::optional<Error> disk_trouble(int result, off_t bytes);

}  // namespace imgq::supervise
