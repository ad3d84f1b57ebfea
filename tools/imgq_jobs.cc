// The commands about jobs.
#include "tools/imgq_options.h"

namespace imgq::tools {
namespace {

Operands ids(std::vector<std::string>& into) {
  return {"ID", "a job's id; -, or none, reads ids from stdin", &into};
}

Option each_as_json(Options& all) {
  return json_option(all, "print an object for each job, one a line");
}

Command status_command(Options& o) {
  return {
      "status",
      "print the state of jobs",
      "imgq status ID  # one word\n"
      "imgq status --json ID | jq .results",
      "States: staging (waiting), delayed (waits to be tried again), processing, completed, "
      "failed, hold, cancelled. Of one job the word is printed, of several ID and word, one a "
      "line.\n\n"
      "Exit status: 0; 1 a job is unknown; 64 something is no job id; 69 no spool.",
      {{"Output", {each_as_json(o)}}},
      ids(o.ids),
      [&o](const cli::Session& session) { return cli::status_command(session, o.ids); },
  };
}

Command wait_command(Options& all) {
  cli::WaitOptions& o = all.wait;
  return {
      "wait",
      "wait until jobs have ended",
      "imgq submit *.jpg | imgq wait\n"
      "imgq wait --timeout 5min ID",
      "Exit status: 0 all completed; 1 some failed, were cancelled or are unknown; 75 the time was "
      "over first.",
      {{"Options",
        {{"-t,--timeout", &o.timeout, "wait at most so long, as in 30s or 5min", "DURATION"}}},
       {"Output", {each_as_json(all)}}},
      ids(o.ids),
      [&o](const cli::Session& session) { return cli::wait_command(session, o); },
  };
}

Command get_command(Options& all) {
  cli::GetOptions& o = all.get;
  return {
      "get",
      "copy results out of the spool",
      "imgq get ID  # into this directory\n"
      "imgq get -o thumb.jpg ID\n"
      "imgq get -o - --rendition small ID | display\n"
      "imgq submit *.jpg | imgq get --wait -o thumbs/ -",
      "Results are named after the submitted file: photo.jpg, or photo.NAME.jpg when there are "
      "several. Their paths are printed. In a directory, a file of that name with other content "
      "is in the way unless --overwrite is given; -o FILE replaces FILE.\n\n"
      "Exit status: 0; 1 a job is unknown or did not complete; 73 a file cannot be written; 75 the "
      "time was over first.",
      {{"Output",
        {{"-o,--output", &o.output, "a directory, a file, or - for stdout [this directory]", "PATH",
          "@file"},
         {"--rendition", &o.rendition, "only the result of this name", "NAME"},
         {"--overwrite", &o.overwrite, "replace files that are in the way"},
         {"--print0", &o.print0, "each path is followed by NUL"},
         each_as_json(all)}},
       {"Options",
        {{"-w,--wait", &o.wait, "wait for the jobs first"},
         {"-t,--timeout", &o.timeout, "wait at most so long", "DURATION"}}}},
      ids(o.ids),
      [&o](const cli::Session& session) { return cli::get_command(session, o); },
  };
}

Command list_command(Options& all) {
  cli::ListOptions& o = all.list;
  return {
      "list",
      "list jobs",
      "imgq list  # a table of the newest 100\n"
      "imgq list --state failed --ids | imgq retry\n"
      "imgq list --state staging --oldest --limit 10",
      "",
      {{"Options",
        {{"--state", &o.state, "only jobs of this state", "STATE",
          "staging delayed processing completed failed hold cancelled"},
         {"-n,--limit", &o.limit, "at most so many [100, with --ids or --json all]", "N"},
         {"--newest", &o.newest, "newest first [default]"},
         {"--oldest", &o.oldest, "oldest first"}}},
       {"Output", {{"--ids", &o.ids_only, "print ids only"}, each_as_json(all)}}},
      {},
      [&o](const cli::Session& session) { return cli::list_command(session, o); },
  };
}

Command info_command(Options& o) {
  return {
      "info",
      "tell all about a job or an image",
      "imgq info photo.jpg  # size, format, profile, placeholder\n"
      "imgq info ID  # attempts, causes, results",
      "The image is read in a confined worker. A file that is named like a job id is ./NAME.\n\n"
      "Exit status: 0; 1 a job is unknown; 65 not an image that can be read; 66 no such file.",
      {{"Output", {each_as_json(o)}}},
      {"WHAT", "a job's id or an image", &o.names, "@file"},
      [&o](const cli::Session& session) { return cli::info_command(session, o.names); },
  };
}

Command control_command(Options& all, cli::Act act, const char* name, const char* summary,
                        const char* examples, const std::string& more) {
  return {
      name,
      summary,
      examples,
      more +
          "\n\nExit status: 0; 1 a job is unknown or in a state that does not allow it; 64 "
          "something is no job id.",
      {{"Output", {each_as_json(all)}}},
      ids(all.ids),
      [&all, act](const cli::Session& s) { return cli::control_command(s, act, all.ids); },
  };
}

Command purge_command(Options& all) {
  cli::PurgeOptions& o = all.purge;
  return {
      "purge",
      "forget ended jobs and remove their files",
      "imgq purge ID\n"
      "imgq purge --older 7d --state completed --dry-run\n"
      "imgq purge --older 30d --force\n"
      "imgq list --state failed --ids | imgq purge --force",
      "Prints the ids of what was removed. It asks first; where it cannot, as in scripts, --force "
      "or --dry-run must be given.\n\n"
      "Exit status: 0; 1 a job is unknown or has not ended; 64 usage.",
      {{"Options",
        {{"--older", &o.older, "jobs that ended longer ago, as in 36h or 7d", "DURATION"},
         {"--state", &o.state, "with --older: completed, failed or cancelled", "STATE",
          "completed failed cancelled"},
         {"-n,--dry-run", &o.dry_run, "only print what would be removed"},
         {"--force", &o.force, "do not ask"}}},
       {"Output", {each_as_json(all)}}},
      ids(o.ids),
      [&o](const cli::Session& session) { return cli::purge_command(session, o); },
  };
}

}  // namespace

std::vector<Command> job_commands(Options& options) {
  return {
      status_command(options),
      wait_command(options),
      get_command(options),
      list_command(options),
      info_command(options),
      control_command(options, cli::Act::cancel, "cancel", "end jobs that have not ended",
                      "imgq cancel ID\n"
                      "imgq list --state staging --ids | imgq cancel",
                      "A job that is being processed is dropped by its worker."),
      control_command(options, cli::Act::retry, "retry", "try failed jobs again",
                      "imgq retry ID\n"
                      "imgq list --state failed --ids | imgq retry",
                      "A delayed job is tried at once. A completed job stays completed."),
      control_command(options, cli::Act::hold, "hold", "keep waiting jobs from being processed",
                      "imgq hold ID", "Held jobs wait for 'imgq release'."),
      control_command(options, cli::Act::release, "release", "let held jobs be processed",
                      "imgq release ID\n"
                      "imgq list --state hold --ids | imgq release",
                      ""),
      purge_command(options),
  };
}

}  // namespace imgq::tools
