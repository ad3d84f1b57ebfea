#include "src/jobs/owners.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>

#include "spool/layout.h"
#include "src/util/clock.h"
#include "src/util/fd.h"
#include "src/util/io.h"

namespace imgq {
namespace {

// Nothing when its folder or its .alive is gone.
std::optional<OwnerSeen> see(const Spool& spool, const std::string& name,
                             std::chrono::milliseconds lease) {
  const auto writer = layout::parse_writer(name);
  if (!writer) return std::nullopt;
  const Fd alive(sys::openat(spool.root(), layout::alive(name).c_str(), O_RDONLY | O_NOFOLLOW));
  struct stat about{};
  if (!alive || sys::fstat(alive.get(), &about) != 0) return std::nullopt;
  OwnerSeen owner{name, writer->host, writer->pid, OwnerSeen::Life::dead, 0};
  owner.heartbeat_age_ms = std::max<int64_t>(0, now_ms() - ms_of(about.st_mtim));
  if (writer->host == sys::identity().host) {
    const bool held = sys::flock(alive.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    owner.life = held ? OwnerSeen::Life::alive : OwnerSeen::Life::dead;
  } else {
    owner.life =
        owner.heartbeat_age_ms < lease.count() ? OwnerSeen::Life::alive : OwnerSeen::Life::silent;
  }
  return owner;
}

}  // namespace

std::vector<std::string> names_in(const Spool& spool, const std::string& folder) {
  auto names = list_names(spool.root(), folder);
  return names ? std::move(*names) : std::vector<std::string>();
}

int64_t count_alive(const std::vector<OwnerSeen>& owners) {
  return std::count_if(owners.begin(), owners.end(),
                       [](const OwnerSeen& owner) { return owner.life == OwnerSeen::Life::alive; });
}

Result<std::vector<OwnerSeen>> see_owners(const Spool& spool, std::chrono::milliseconds lease) {
  const auto names = list_names(spool.root(), std::string(name_of(State::processing)));
  if (!names) return names.error();
  std::vector<OwnerSeen> owners;
  for (const std::string& name : *names) {
    if (auto owner = see(spool, name, lease)) owners.push_back(std::move(*owner));
  }
  return owners;
}

}  // namespace imgq
