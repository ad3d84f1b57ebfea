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

constexpr int64_t kLookAgainMs = 200;
constexpr int64_t kFiveBeatsMs = 10'000;

OwnerSeen::Life life_here(const Fd& alive) {
  const bool held = sys::flock(alive.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  return held ? OwnerSeen::Life::alive : OwnerSeen::Life::dead;
}

// Nothing when its folder or its .alive is gone.
std::optional<OwnerSeen> see(const Spool& spool, const std::string& name,
                             std::chrono::milliseconds lease, Heartbeats& seen) {
  const auto writer = layout::parse_writer(name);
  if (!writer) return std::nullopt;
  const Fd alive(
      sys::openat(spool.root(), layout::alive(name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat about{};
  if (!alive || sys::fstat(alive.get(), &about) != 0) return std::nullopt;
  OwnerSeen owner{name, writer->host, writer->pid, spool.is_here(*writer)};
  owner.told = told_by(alive.get(), about);
  if (owner.here) {
    owner.life = life_here(alive);
    owner.heartbeat_age_ms = std::max<int64_t>(0, now_ms() - ms_of(about.st_mtim));
    return owner;
  }
  const auto still = seen.still(name, ns_of(about.st_mtim), sys::monotonic_ms());
  owner.heartbeat_age_ms = still.count();
  owner.life = seen.beats(name) ? OwnerSeen::Life::alive : OwnerSeen::Life::unseen;
  if (seen.beats(name) && owner.told.clock_ahead_ms) {
    owner.ahead_of_here_ms = ms_of(about.st_mtim) - (now_ms() - still.count());
  }
  if (still >= lease) owner.life = OwnerSeen::Life::silent;
  return owner;
}

bool is_unseen(const OwnerSeen& owner) { return owner.life == OwnerSeen::Life::unseen; }
bool is_alive(const OwnerSeen& owner) { return owner.life == OwnerSeen::Life::alive; }
bool may_live(const OwnerSeen& owner) { return is_alive(owner) || is_unseen(owner); }

}  // namespace

std::vector<std::string> names_in(const Spool& spool, const std::string& folder) {
  auto names = list_names(spool.root(), folder);
  return names ? std::move(*names) : std::vector<std::string>();
}

bool stands_still(const OwnerSeen& owner) {
  return is_alive(owner) && owner.heartbeat_age_ms >= kFiveBeatsMs;
}

int64_t count_alive(const std::vector<OwnerSeen>& owners) {
  return std::count_if(owners.begin(), owners.end(), is_alive);
}

bool may_serve(const std::vector<OwnerSeen>& owners) {
  return std::any_of(owners.begin(), owners.end(), may_live);
}

bool all_cordoned(const std::vector<OwnerSeen>& owners) {
  return may_serve(owners) && std::all_of(owners.begin(), owners.end(), [](const OwnerSeen& owner) {
           return owner.cordoned || !may_live(owner);
         });
}

Result<std::vector<OwnerSeen>> see_owners(const Spool& spool, std::chrono::milliseconds lease,
                                          Heartbeats& seen) {
  auto names = list_names(spool.root(), std::string(name_of(State::processing)));
  if (!names) return names.error();
  std::sort(names->begin(), names->end());
  seen.forget_all_but(*names);
  std::vector<OwnerSeen> owners;
  for (const std::string& name : *names) {
    auto owner = see(spool, name, lease, seen);
    if (!owner) continue;
    owner->cordoned =
        std::binary_search(names->begin(), names->end(), layout::cordon_name(owner->host));
    owners.push_back(std::move(*owner));
  }
  return owners;
}

Result<std::vector<OwnerSeen>> watch_owners(const Spool& spool, std::chrono::milliseconds lease,
                                            Heartbeats& seen) {
  auto owners = see_owners(spool, lease, seen);
  const int64_t until = sys::monotonic_ms() + kTwoBeats.count();
  while (owners && std::any_of(owners->begin(), owners->end(), is_unseen)) {
    if (sys::monotonic_ms() >= until) break;
    sys::sleep_ms(kLookAgainMs);
    owners = see_owners(spool, lease, seen);
  }
  return owners;
}

}  // namespace imgq
