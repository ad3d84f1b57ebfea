#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "spool/spool.h"
#include "src/jobs/config.h"
#include "src/util/unanswered.h"
#include "src/web/committer.h"
#include "src/web/metrics.h"
#include "src/web/public_url.h"
#include "src/web/spool_view.h"

namespace imgq::web {

struct SiteOptions {
  std::string token;                   // whoever does not show it is told nothing; empty: no check
  std::vector<std::string> hosts;      // Host names that are answered, lower case; empty: any
  std::vector<std::string> own_hosts;  // whose pages are ours, by any scheme and port; lower case
  std::vector<std::string> origins;    // whose pages may use /v1 besides: "https://a.example"
  std::vector<std::string> trusted_proxies;  // whose X-Forwarded-For counts, see peer_of
  std::optional<PublicUrl> public_url;
  int64_t max_body_bytes = int64_t{256} << 20;
  int64_t max_waiting = 100'000;  // jobs; more are answered with 429
  int max_held = 64;              // event streams, and as many long polls
  int max_further_files = 512;    // of forms under way, beyond the first of each
};

// One of so many that may be held at once, until its last copy is gone.
using Permit = std::shared_ptr<std::atomic<int>>;

// Null when `most` are held already.
inline Permit take_permit(std::atomic<int>& count, int most) {
  const bool granted = ++count <= most;
  Permit permit(&count, [](std::atomic<int>* held) { --*held; });  // also when it is not granted
  return granted ? permit : nullptr;
}

// What is told once each; after so many different ones, which strangers choose, nothing more is.
class ToldOnce {
 public:
  bool is_new(const std::string& what) {
    constexpr size_t kMost = 100;
    const std::lock_guard lock(mutex_);
    return told_.size() < kMost && told_.insert(what).second;
  }

 private:
  std::mutex mutex_;
  std::set<std::string> told_;
};

// What outlives a site that is replaced: how much is held by requests.
struct Held {
  std::atomic<int> streams{0}, long_polls{0};  // replies that are held open
  std::atomic<int> further_files{0};           // of forms, held open until their job is durable
  ToldOnce strangers;                          // origins that were refused
};

// What the routes work on; all of it may be used from many threads. When the configuration is read
// anew, another takes its place for the requests that come from then on.
struct Site {
  const Spool& spool;
  const Config config;
  const SiteOptions options;
  Committer& committer;
  SpoolView& spool_view;
  Metrics& metrics;
  Held& held;
};

// Whether the spool's file system answers: no call has waited for `io_stalled`.
inline bool is_answering(const Site& site) {
  const auto longest = longest_unanswered();
  return !longest || longest->for_ms < site.config.io_stalled.count() * 1000;
}

// Before the path of an address: "https://img.example.org/imgq", or nothing.
inline std::string base_of(const Site& site) {
  return site.options.public_url ? site.options.public_url->base : "";
}

}  // namespace imgq::web
