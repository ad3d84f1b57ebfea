#include "spool/cordon.h"

#include "spool/internal/durable.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "src/util/clock.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

// The folder's names are on the disk before anybody is told what they say, whoever changed them.
Result<bool> once_durable(const Spool& spool, bool answer) {
  const auto synced = durable::sync_names(spool, "processing");
  return synced ? Result<bool>(answer) : synced.error();
}

Error no_host(const std::string& host) { return {EINVAL, "take that for a host's name", host}; }

}  // namespace

Result<bool> cordon(const Spool& spool, const std::string& host) {
  if (!layout::is_host(host)) return no_host(host);
  const auto file = durable::write_synced(spool, "", Sync::full);
  if (!file) return file.error();
  const auto named = durable::put_new(spool, *file, layout::cordon(host));
  if (!named && named.error().code != EEXIST) return named.error();
  return once_durable(spool, static_cast<bool>(named));
}

Result<bool> uncordon(const Spool& spool, const std::string& host) {
  if (!layout::is_host(host)) return no_host(host);
  const std::string path = layout::cordon(host);
  const bool gone = sys::unlinkat(spool.root(), path.c_str(), 0) == 0;
  if (!gone && errno != ENOENT) return last_error("uncordon", path);
  return once_durable(spool, gone);
}

Result<bool> is_cordoned(const Spool& spool, const std::string& host) {
  return durable::exists(spool, layout::cordon(host));
}

Result<std::vector<Cordon>> cordons(const Spool& spool) {
  const auto names = sorted_names(spool, "processing");
  if (!names) return names.error();
  std::vector<Cordon> found;
  for (const std::string& name : *names) {
    const auto host = layout::parse_cordon(name);
    struct stat about = {};
    if (!host || sys::fstatat(spool.root(), layout::cordon(*host).c_str(), &about) != 0) continue;
    found.push_back({*host, ms_of(about.st_mtim), about.st_uid});
  }
  return found;
}

}  // namespace imgq
