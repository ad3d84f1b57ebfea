#pragma once

#include <string>

#include "spool/records.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"

// Idempotency keys: keys/<2 hex>/<62 hex>, a further link to the ticket that was submitted with
// the key whose SHA-256 this is.
namespace imgq {

std::string key_path(const std::string& key);
std::string key_folder(const std::string& key);

// The ticket behind a key's name.
//   errors  ENOENT none; code 0 it cannot be read, or is not one with this key
Result<Ticket> read_key(const Spool& spool, const std::string& path, const std::string& key);

// Removes a key if it still leads to this job; under the lock of its shard, so that two who clean
// up cannot remove the key of a job that was submitted between them.
//   no_job  only while the job has no ticket of its own name: its submission may be carried
//           through meanwhile
enum class KeyOf { any_job, no_job };
Status drop_key(const Spool& spool, const std::string& path, const JobId& id, KeyOf whose);

// Submits under a key: links `ticket` (a file in tmp/, synced) to the key's name. When the name is
// taken, finds out by whom: a job that stands, or one whose submission was cut short and can be
// carried through, is the answer; remains of any other are removed and the key is taken.
//   first   where the token of a job begins: staging or hold
//   returns the job that has the key: `mine`, or the earlier one
//   errors  EAGAIN others keep taking and dropping it
Result<JobId> take_key(const Spool& spool, const TempFile& ticket, const std::string& key,
                       const JobId& mine, State first, Sync sync);

}  // namespace imgq
