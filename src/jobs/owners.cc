#include "src/jobs/owners.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "spool/layout.h"
#include "src/util/clock.h"
#include "src/util/fd.h"
#include "src/util/io.h"

namespace imgq {
namespace {

struct Sight {
  OwnerSeen owner;
  int64_t mark_ns = 0;  // of its heartbeat
};

// Nothing when its folder or its .alive is gone.
std::optional<Sight> see(const Spool& spool, const std::string& name,
                         std::chrono::milliseconds lease) {
  const auto writer = layout::parse_writer(name);
  if (!writer) return std::nullopt;
  const Fd alive(sys::openat(spool.root(), layout::alive(name).c_str(), O_RDONLY | O_NOFOLLOW));
  struct stat about{};
  if (!alive || sys::fstat(alive.get(), &about) != 0) return std::nullopt;
  OwnerSeen owner{name, writer->host, writer->pid};
  owner.heartbeat_age_ms = std::max<int64_t>(0, now_ms() - ms_of(about.st_mtim));
  owner.here = spool.is_here(*writer);
  if (owner.here) {
    const bool held = sys::flock(alive.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    owner.life = held ? OwnerSeen::Life::alive : OwnerSeen::Life::dead;
  } else {
    owner.life =
        owner.heartbeat_age_ms < lease.count() ? OwnerSeen::Life::alive : OwnerSeen::Life::silent;
  }
  return Sight{std::move(owner), ns_of(about.st_mtim)};
}

Result<std::vector<Sight>> see_all(const Spool& spool, std::chrono::milliseconds lease) {
  const auto names = list_names(spool.root(), std::string(name_of(State::processing)));
  if (!names) return names.error();
  std::vector<Sight> owners;
  for (const std::string& name : *names) {
    if (auto owner = see(spool, name, lease)) owners.push_back(std::move(*owner));
  }
  return owners;
}

}  // namespace

std::vector<std::string> names_in(const Spool& spool, const std::string& folder) {
  auto names = list_names(spool.root(), folder);
  return names ? std::move(*names) : std::vector<std::string>();
}

int64_t count_alive(const std::vector<OwnerSeen>& owners) {
  return std::count_if(owners.begin(), owners.end(), [](const OwnerSeen& owner) {
    const bool unseen = owner.life == OwnerSeen::Life::unseen;
    return owner.life == OwnerSeen::Life::alive || (unseen && owner.beat_lately);
  });
}

Result<std::vector<OwnerSeen>> see_owners(const Spool& spool, std::chrono::milliseconds lease) {
  auto sights = see_all(spool, lease);
  if (!sights) return sights.error();
  std::vector<OwnerSeen> owners;
  for (Sight& sight : *sights) owners.push_back(std::move(sight.owner));
  return owners;
}

void OwnersWatch::judge(OwnerSeen& owner, int64_t mark_ns, std::chrono::milliseconds lease) {
  const int64_t now = sys::monotonic_ms();
  const auto [at, is_new] = seen_.try_emplace(owner.name, Seen{mark_ns, now});
  Seen& seen = at->second;
  if (seen.mark_ns != mark_ns) seen = {mark_ns, now, true};
  owner.beat_lately = owner.life == OwnerSeen::Life::alive;
  owner.heartbeat_age_ms = now - seen.since_ms;
  if (!is_new && owner.heartbeat_age_ms >= lease.count()) {
    owner.life = OwnerSeen::Life::silent;
  } else {
    owner.life = seen.beat ? OwnerSeen::Life::alive : OwnerSeen::Life::unseen;
  }
}

Result<std::vector<OwnerSeen>> OwnersWatch::look(const Spool& spool,
                                                 std::chrono::milliseconds lease) {
  auto sights = see_all(spool, lease);
  if (!sights) return sights.error();
  std::vector<OwnerSeen> owners;
  for (Sight& sight : *sights) {
    if (!sight.owner.here) judge(sight.owner, sight.mark_ns, lease);
    owners.push_back(std::move(sight.owner));
  }
  return owners;
}

}  // namespace imgq
