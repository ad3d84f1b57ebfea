#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spool/types.h"
#include "src/base/limits.h"
#include "src/base/request.h"
#include "src/base/watermark.h"
#include "src/util/error.h"

namespace imgq {

// A directory whose files become jobs (hot folder).
struct HotFolder {
  enum class After { keep, move, remove };
  std::string directory;
  std::string preset;
  After after = After::keep;
  std::string move_to;      // After::move
  std::string results;      // where results go once the job completed; empty: nowhere
  int settle_seconds = 3;   // a file that was written there counts when untouched so long
  bool subfolders = false;  // what is in folders of it, too
  std::vector<std::string> unfinished = {"*.part",       "*.partial",  "*.tmp",      "*.crdownload",
                                         "*.opdownload", "*.filepart", "*.download", "*~"};
  std::string spool;  // for the daemon of this spool alone; empty: of any
};

// All settings, merged: default < /etc/imgq/imgq.toml < /etc/imgq/imgq.toml.d/*.toml
// < $XDG_CONFIG_HOME/imgq/imgq.toml < IMGQ_* environment; flags are laid over it by the programs.
// Documented in imgq.toml(5); each member is a key, named in the comment.
struct Config {
  std::string spool;                      // spool
  std::string spool_uuid;                 // spool_uuid: the only one that may be there; empty: any
  std::chrono::seconds io_timeout{60};    // io_timeout: a command waits for one call; 0: for ever
  std::chrono::seconds io_stalled{10};    // io_stalled: programs that go on tell of one, and wait
  int workers = 0;                        // daemon.workers; 0: the CPUs that it may use
  int max_attempts = 3;                   // jobs.max_attempts
  std::chrono::seconds retry_first{10};   // jobs.retry_first
  std::chrono::seconds retry_max{600};    // jobs.retry_max
  std::chrono::seconds lease{30};         // daemon.lease
  std::chrono::milliseconds poll{2000};   // daemon.poll: scan at least so often
  std::chrono::seconds mend_after{3600};  // daemon.mend_after: of jobs without a token
  std::string sync = "batch";             // daemon.sync: full, batch, none
  bool keep_source = false;  // jobs.keep_source: keep the submitted image when completed
  int64_t max_upload_bytes = 64LL << 20;  // limits.max_upload_bytes: over HTTP
  uint64_t min_free_bytes = 64ULL << 20;  // daemon.min_free: below it claims and submissions pause
  std::chrono::seconds keep_completed{7 * 86400};  // retention.completed
  std::chrono::seconds keep_failed{30 * 86400};    // retention.failed
  int64_t keep_jobs = 0;                           // retention.jobs; 0: no limit
  int64_t keep_bytes = 0;                          // retention.bytes; 0: no limit
  std::string hook;                                // daemon.hook: program run after a job ended
  std::string log_level = "info";                  // log.level
  std::string log_style = "text";                  // log.style: text, json
  Limits limits;                                   // [limits] ..., [formats] heic avif jxl tiff
  std::map<std::string, std::vector<Rendition>> presets;  // [preset.NAME.RENDITION] ...
  std::vector<HotFolder> hot_folders;                     // [[intake]]
  Watermarks watermarks;                                  // [watermark.NAME] ...

  // Where each key's value came from: "limits.max_pixels" -> "/etc/imgq/imgq.toml:12",
  // "IMGQ_SPOOL", "default".
  std::map<std::string, std::string> origin;

  // Files that were passed over, and why: "/home/a/.config/imgq/imgq.toml is passed over: ...".
  std::vector<std::string> warnings;
};

// Bytes of a file that may be sent over HTTP: no more than any file may have.
inline int64_t largest_upload(const Config& config) {
  return std::min(config.max_upload_bytes, config.limits.max_file_bytes);
}

// full, batch or none, as daemon.sync and --sync are written.
std::optional<Sync> sync_named(std::string_view word);

// Whether what goes to a hot folder's `move_to` or `results` comes back to it, be it by way of
// others.
//   same_place  whether two paths are one directory
bool goes_round(const std::vector<HotFolder>& hot_folders, const HotFolder& start,
                const std::function<bool(const std::string&, const std::string&)>& same_place);

struct ConfigSources {
  std::optional<std::string> file;  // --config FILE: read instead of the usual files; must exist
  bool read_environment = true;
  std::string system_directory = "/etc/imgq";  // imgq.toml and imgq.toml.d/*.toml in it
};

// A file that another than root or this user could have written is passed over, with a warning;
// the folders above it count where it was found and not named. See src/jobs/config_trust.h.
// Environment variables are the keys in capitals with _ for the dot: IMGQ_SPOOL,
// IMGQ_DAEMON_WORKERS, IMGQ_LOG_LEVEL. A preset or an [[intake]] of a later file replaces one of
// the same name, or is added.
//   errors  code 0: action "line 3, column 5: unknown key 'workres'; did you mean 'workers'?",
//           path: the file;
//           ENOENT for a --config file that is missing
Result<Config> load_config(const ConfigSources& sources);

// One setting as it is in force.
struct Setting {
  std::string key;     // "daemon.workers"
  std::string value;   // as TOML: 4, "30s", true
  std::string origin;  // see Config::origin
  std::string meaning;
};
std::vector<Setting> settings_of(const Config& config);

// The whole effective configuration as TOML, each line with its origin as a comment.
std::string show_config(const Config& config);

// The user's own spool: $XDG_STATE_HOME/imgq (~/.local/state/imgq). In force when nothing names
// another; the command then looks for the system's first (src/cli/spool_choice.h).
std::string default_spool();

}  // namespace imgq
