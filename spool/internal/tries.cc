#include "spool/internal/tries.h"

#include "spool/internal/durable.h"
#include "spool/internal/tickets.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "src/util/mutant.h"

namespace imgq {

Result<std::vector<Try>> read_tries(const Spool& spool, const JobId& id, int below) {
  std::vector<Try> tries;
  for (int n = 1; n < below; ++n) {
    auto attempt = read_record(spool, layout::try_record(id, n), id, decode_try);
    const int code = attempt ? 0 : attempt.error().code;
    if (code != 0 && code != ENOENT && code != EPROTO) return attempt.error();
    if (attempt) tries.push_back(std::move(*attempt));
  }
  return tries;
}

Tally tally(const std::vector<Try>& tries) {
  Tally sum;
  for (const Try& attempt : tries) {
    switch (attempt.kind) {
      case Try::Kind::counted:
        ++sum.failures;
        if (attempt.cause.signal != 0) ++sum.crashes;
        sum.last = attempt.cause;
        break;
      case Try::Kind::lost:
        ++sum.losses;
        break;
      case Try::Kind::retried:
        sum = {};
        break;
    }
  }
  return sum;
}

std::optional<Cause> why_not_again(const Tally& sum, int max_attempts) {
  if (sum.losses > kMaxLosses) {
    return Cause{"poison", "the daemons running it died too often", 0};
  }
  if (sum.crashes >= kPoisonCrashes) {
    return Cause{"poison", "killed its workers: " + sum.last.message, sum.last.signal};
  }
  if (sum.failures >= max_attempts) return sum.last;
  return std::nullopt;
}

Status record_try(const Spool& spool, const Try& attempt, Sync sync) {
  if (mutated(Mutant::attempt_not_counted)) return Ok{};
  const auto record = durable::write_synced(spool, encode(attempt), sync);
  if (!record) return record.error();
  const auto named =
      durable::put_new(spool, *record, layout::try_record(attempt.id, attempt.attempt));
  if (!named && named.error().code != EEXIST) return named.error();
  return durable::sync_folders(spool, sync, {layout::hour_folder(attempt.id)});
}

}  // namespace imgq
