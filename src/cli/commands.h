#pragma once

#include <string>
#include <vector>

#include "src/cli/gather.h"
#include "src/cli/request_options.h"
#include "src/cli/session.h"

// The subcommands: the options as typed, and what is done. Each is in a file of its name, but
// cancel, retry, hold and release are in control.cc, init and config in setup.cc, log in events.cc,
// and `imgq run` is in src/run/run.h.
namespace imgq::cli {

struct SubmitOptions {
  FileOptions files;
  RequestOptions request;
  std::string name;  // for the image on stdin; default "stdin"
  std::string key;   // idempotency key, for one file
  bool dedupe = false;
  bool link = false;  // hard link instead of a copy
  bool hold = false;
  bool wait = false;
  std::string timeout;  // of --wait
  bool print0 = false;
};

// Brings images into the spool and prints one id each, in the order of the arguments, as soon as
// the job is durable. Ids of 256 files at a time: they share their syncs.
//   exit  ok; some_failed when some could not be submitted; no_input or bad_image when none could
Exit submit_command(const Session& session, const SubmitOptions& options);

// The state of one job as a word; of several, "ID STATE" a line. JSON: an object a line.
//   ids   job ids, as gather_ids takes them: here and below
//   exit  ok; some_failed when a job is unknown; usage when something is no id
Exit status_command(const Session& session, const std::vector<std::string>& ids);

struct WaitOptions {
  std::vector<std::string> ids;
  std::string timeout;
};

// Waits until all jobs have ended, with a bar on a terminal; tells of each that did not complete,
// and when no daemon runs.
//   exit  ok all completed; some_failed; try_later when the time was over first
Exit wait_command(const Session& session, const WaitOptions& options);

struct GetOptions {
  std::vector<std::string> ids;
  std::string output = ".";  // a directory, a file, or "-"
  std::string rendition;     // only this one
  bool wait = false;
  std::string timeout;
  bool print0 = false;
  bool overwrite = false;  // files of other content in a directory
};

// Copies results out of the spool, each whole or not at all, and prints where they are. What has
// the same content already is left as it is.
//   exit  ok; some_failed when a job is unknown or did not complete; usage; cannot_create, also for
//         a file of other content that is in the way in a directory
Exit get_command(const Session& session, const GetOptions& options);

struct ListOptions {
  std::string state;                    // one state's word; empty: all
  std::string limit;                    // how many; empty: 100 in the table, else all
  bool newest = false, oldest = false;  // default newest
  bool ids_only = false;
};

// "ID STATE AGE NAME" a line; JSON: an object a line, as of `status`. What programs read is whole
// where no limit is given; the table says on stderr when there is more.
Exit list_command(const Session& session, const ListOptions& options);

// All that is known of jobs, or of image files.
//   names  job ids and files; a file that looks like an id: ./NAME
//   exit   ok; some_failed; bad_image; no_input
Exit info_command(const Session& session, const std::vector<std::string>& names);

enum class Act { cancel, retry, hold, release };

// Does one thing to each job; JSON: {"id","state"} a line.
//   exit  ok; some_failed when a job is unknown or in a state that does not allow it
Exit control_command(const Session& session, Act act, const std::vector<std::string>& ids);

enum class Cordoning { on, off };

// Has the daemons of hosts claim nothing, or again; JSON: {"host","cordoned","changed"} a line.
//   hosts  none: this one
//   exit   ok, also when nothing had to be changed; usage when something is no host's name
Exit cordon_command(const Session& session, Cordoning what, std::vector<std::string> hosts);

struct PurgeOptions {
  std::vector<std::string> ids;
  std::string older;  // a duration: jobs that ended longer ago
  std::string state;  // with older: completed, failed or cancelled; default all three
  bool dry_run = false;
  bool force = false;  // no question
};

// Forgets ended jobs and removes their files; prints the ids. Asks first on a terminal.
Exit purge_command(const Session& session, const PurgeOptions& options);

struct StatsOptions {
  bool age = false;         // only the age of the oldest waiting job, in seconds; 0 for none
  bool prometheus = false;  // text exposition format 0.0.4, for the textfile collector
};

// How many jobs are in each state, the oldest waiting one, the room left.
Exit stats_command(const Session& session, const StatsOptions& options);

struct TopOptions {
  std::string interval = "1";
  bool once = false;
};

// A live view of the spool, full screen on a terminal until q or Ctrl-C; elsewhere one look.
Exit top_command(const Session& session, const TopOptions& options);

struct LogOptions {
  bool follow = false;
  std::string number = "10";  // how many of the past
};

// Ended jobs in the order of their end, from their records: "TIME ID STATE NAME[: CAUSE]".
// Following looks once a second, also for jobs that other hosts end.
Exit log_command(const Session& session, const LogOptions& options);

struct DoctorOptions {
  std::string also;  // the spool by another mount of its file system; "" for none
};

// Says what is wrong with this machine, spool and configuration, in plain words, and what to do.
//   exit  ok nothing is bad; some_failed
Exit doctor_command(const Session& session, const DoctorOptions& options);

struct FsckOptions {
  bool repair = false;
};

// Checks every file of the spool, prints what is not as FORMAT.md says.
//   exit  ok clean, or all mended; some_failed something is left
Exit fsck_command(const Session& session, const FsckOptions& options);

// Prints the configuration in force, each value with its origin.
Exit config_command(const Session& session);

struct InitOptions {
  bool shared = false;  // 2770, for the members of a group
  std::string group;    // with shared; default "imgq" where there is such a group
};

// Makes the spool, or leaves the one that is there as it is.
//   exit  ok; cannot_create, no_permission, spool_unavailable (something else is there)
Exit init_command(const Session& session, const InitOptions& options);

}  // namespace imgq::cli
