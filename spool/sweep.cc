#include "spool/sweep.h"

#include <fcntl.h>

#include <functional>
#include <string>

#include "spool/internal/durable.h"
#include "spool/internal/walk.h"
#include "spool/internal/writer_lock.h"
#include "spool/layout.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "src/util/clock.h"
#include "src/util/mutant.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr int64_t kForeignHours = 36;

// A record that has its name as an outcome too: readers take the second name for a sign that the
// first is not on the disk yet. So it is brought there before the sign goes.
Status sync_if_outcome(const Spool& spool, const std::string& path) {
  struct stat about = {};
  if (sys::fstatat(spool.root(), path.c_str(), &about) != 0) {
    return errno == ENOENT ? Status(Ok{}) : Status(last_error("look at", path));
  }
  if (!S_ISREG(about.st_mode) || about.st_nlink < 2 || mutated(Mutant::sweep_unsynced)) return Ok{};
  if (about.st_size > static_cast<off_t>(kMaxRecordBytes)) return Ok{};
  const auto text = durable::read_text(spool, path);
  if (!text) return text.error().code == ENOENT ? Status(Ok{}) : Status(text.error());
  const auto outcome = decode_outcome(*text, path);
  if (!outcome) return Ok{};
  return durable::sync_names(spool, layout::hour_folder(outcome->id));
}

// A folder in tmp/ is one that was to become an owner's: empty but for .alive. After a
// power cut the names in it may have lasted while its own move did not: then people may look at it.
Status remove_temp(const Spool& spool, const std::string& path) {
  if (layout::is_writer_lock(path.substr(path.find('/') + 1))) return remove_lock(spool, path);
  if (const auto synced = sync_if_outcome(spool, path); !synced) return synced.error();
  if (sys::unlinkat(spool.root(), path.c_str(), 0) == 0 || errno == ENOENT) return Ok{};
  if (errno != EISDIR && errno != EPERM) return last_error("sweep", path);
  if (const auto gone = durable::remove(spool, path + "/.alive"); !gone) return gone.error();
  if (sys::unlinkat(spool.root(), path.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
    return Ok{};
  }
  if (errno == ENOTEMPTY || errno == EEXIST) return durable::quarantine(spool, path);
  return last_error("sweep", path);
}

// Age by the time the name was last changed: a hard link to an old file is new.
Result<bool> is_old(const Spool& spool, const std::string& path) {
  struct stat about = {};
  if (sys::fstatat(spool.root(), path.c_str(), &about) != 0) {
    return errno == ENOENT ? Result<bool>(false) : last_error("look at", path);
  }
  return now_ms() / 1000 - about.st_ctim.tv_sec > kForeignHours * 3600;
}

Result<int> sweep_if(const Spool& spool,
                     const std::function<Result<bool>(const std::string& name)>& is_stale) {
  const auto names = sorted_names(spool, "tmp");
  if (!names) return names.error();
  int swept = 0;
  for (auto at = names->rbegin(); at != names->rend(); ++at) {  // a lock after the files it is of
    const std::string& name = *at;
    const auto stale = is_stale(name);
    if (!stale) return stale.error();
    if (!*stale) continue;
    if (const auto gone = remove_temp(spool, "tmp/" + name); !gone) return gone.error();
    if (!layout::is_writer_lock(name)) ++swept;
  }
  return swept;
}

}  // namespace

Result<bool> is_stale_temp(const Spool& spool, const std::string& name) {
  const auto writer = layout::parse_writer(name);
  if (!writer) return false;
  // Its boot is not asked: within one container some read the kernel's boot id and others a made-up
  // one.
  if (spool.is_here(*writer)) {
    const LockSeen lock = look_at_lock(spool, name);
    if (lock != LockSeen::none) return lock == LockSeen::free;
    if (!sys::is_running(writer->pid)) return true;
  }
  return is_old(spool, "tmp/" + name);
}

Result<int> sweep_tmp(const Spool& spool) {
  return sweep_if(spool, [&spool](const std::string& name) { return is_stale_temp(spool, name); });
}

Result<int> sweep_tmp_of(const Spool& spool, const sys::Identity& writer) {
  return sweep_if(spool, [&writer](const std::string& name) {
    const auto who = layout::parse_writer(name);
    return Result<bool>(who && who->host == writer.host && who->boot == writer.boot &&
                        who->pid == writer.pid);
  });
}

}  // namespace imgq
