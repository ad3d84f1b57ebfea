#include "src/cli/spool_choice.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "spool/list.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/jobs/owners.h"
#include "src/util/text.h"
#include "src/util/unanswered.h"

namespace imgq::cli {
namespace {

bool may_write(const std::string& path) {
  const Asking asking("stat");
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode) &&
         ::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) == 0;
}

}  // namespace

SpoolChoice choose_spool(const std::string& own, const std::string& system,
                         std::chrono::milliseconds lease) {
  const bool eligible = ::geteuid() != 0 && own != system && may_write(system);
  if (eligible && !is_served_at(own, lease)) return {SpoolChoice::Whose::system, system, own};
  return {SpoolChoice::Whose::own, own, system};
}

bool is_served_at(const std::string& path, std::chrono::milliseconds lease) {
  const auto spool = Spool::open(path);
  Heartbeats seen;
  const auto owners =
      spool ? see_owners(*spool, lease, seen) : Result<std::vector<OwnerSeen>>(spool.error());
  return owners && may_serve(*owners);
}

std::string unserved_words(const Spool& spool, std::chrono::milliseconds lease) {
  Heartbeats seen;
  const auto owners = see_owners(spool, lease, seen);
  const std::string where = printable(spool.path());
  if (owners && all_cordoned(*owners)) {
    return fmt::format(
        "every host with a daemon for {} is cordoned: jobs wait there; to go on: "
        "imgq uncordon HOST",
        where);
  }
  if (owners && may_serve(*owners)) return "";
  return fmt::format("no daemon serves {}: jobs wait there; to start one: {}", where,
                     start_words(spool.path()));
}

std::string start_words(const std::string& path) {
  return path == kSystemSpool ? "systemctl start imgqd"
                              : fmt::format("imgqd --spool {}", printable(path));
}

int64_t waiting_jobs(const std::string& path) {
  const auto spool = Spool::open(path);
  if (!spool) return 0;
  int64_t waiting = 0;
  for (const State state : {State::staging, State::delayed}) {
    const auto jobs = list(*spool, state, Order::oldest_first, std::numeric_limits<size_t>::max());
    if (jobs) waiting += static_cast<int64_t>(jobs->size());
  }
  return waiting;
}

}  // namespace imgq::cli
