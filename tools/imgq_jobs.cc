// Options of the subcommands about jobs.
#include <CLI/CLI.hpp>
#include <memory>

#include "src/cli/control.h"
#include "src/cli/get.h"
#include "src/cli/info.h"
#include "src/cli/list.h"
#include "src/cli/status.h"
#include "src/cli/wait.h"
#include "tools/imgq_options.h"

namespace imgq::tools {
namespace {

constexpr const char* kIds = "a job's id; -, or none, reads ids from stdin";
constexpr const char* kStates = "STATE:staging delayed processing completed failed hold cancelled";

void add_json(CLI::App& command, Globals& globals) {
  command.add_flag("--json", globals.json, "print an object for each job, one a line")
      ->group("Output");
}

void define_status(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::StatusOptions>();
  CLI::App* command = app.add_subcommand("status", "print the state of jobs");
  command->footer(
      "imgq status ID  # one word\n"
      "imgq status --json ID | jq .results\n"
      "\n"
      "States: staging (waiting), delayed (waits to be tried again), processing, completed, "
      "failed, "
      "hold, cancelled. Of one job the word is printed, of several ID and word, one a line.\n\n"
      "Exit status: 0; 1 a job is unknown; 64 something is no job id; 69 no spool.");
  command->add_option("ID", options->ids, kIds);
  add_json(*command, globals);
  commands["status"] = [options](const cli::Session& session) {
    return cli::status_command(session, *options);
  };
}

void define_wait(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::WaitOptions>();
  CLI::App* command = app.add_subcommand("wait", "wait until jobs have ended");
  command->footer(
      "imgq submit *.jpg | imgq wait\n"
      "imgq wait --timeout 5min ID\n"
      "\n"
      "Exit status: 0 all completed; 1 some failed, were cancelled or are unknown; 75 the time was "
      "over first.");
  command->add_option("ID", options->ids, kIds);
  command->add_option("-t,--timeout", options->timeout, "wait at most so long, as in 30s or 5min")
      ->type_name("DURATION")
      ->group("Options");
  add_json(*command, globals);
  commands["wait"] = [options](const cli::Session& session) {
    return cli::wait_command(session, *options);
  };
}

void define_get(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::GetOptions>();
  CLI::App* command = app.add_subcommand("get", "copy results out of the spool");
  command->footer(
      "imgq get ID  # into this directory\n"
      "imgq get -o thumb.jpg ID\n"
      "imgq get -o - --rendition small ID | display\n"
      "imgq submit *.jpg | imgq get --wait -o thumbs/ -\n"
      "\n"
      "Results are named after the submitted file: photo.jpg, or photo.NAME.jpg when there are "
      "several. Their paths are printed. In a directory, a file of that name with other content "
      "is in the way unless --overwrite is given; -o FILE replaces FILE.\n\n"
      "Exit status: 0; 1 a job is unknown or did not complete; 73 a file cannot be written; 75 the "
      "time was over first.");
  command->add_option("ID", options->ids, kIds);
  command
      ->add_option("-o,--output", options->output,
                   "a directory, a file, or - for stdout [this directory]")
      ->type_name("PATH:@file")
      ->group("Output");
  command->add_option("--rendition", options->rendition, "only the result of this name")
      ->type_name("NAME")
      ->group("Output");
  command->add_flag("--overwrite", options->overwrite, "replace files that are in the way")
      ->group("Output");
  command->add_flag("--print0", options->print0, "each path is followed by NUL")->group("Output");
  add_json(*command, globals);
  command->add_flag("-w,--wait", options->wait, "wait for the jobs first")->group("Options");
  command->add_option("-t,--timeout", options->timeout, "wait at most so long")
      ->type_name("DURATION")
      ->group("Options");
  commands["get"] = [options](const cli::Session& session) {
    return cli::get_command(session, *options);
  };
}

void define_list(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::ListOptions>();
  CLI::App* command = app.add_subcommand("list", "list jobs");
  command->footer(
      "imgq list  # a table of the newest 100\n"
      "imgq list --state failed --ids | imgq retry\n"
      "imgq list --state staging --oldest --limit 10");
  command->add_option("--state", options->state, "only jobs of this state")
      ->type_name(kStates)
      ->group("Options");
  command
      ->add_option("-n,--limit", options->limit, "at most so many [100, with --ids or --json all]")
      ->type_name("N")
      ->group("Options");
  command->add_flag("--newest", options->newest, "newest first [default]")->group("Options");
  command->add_flag("--oldest", options->oldest, "oldest first")->group("Options");
  command->add_flag("--ids", options->ids_only, "print ids only")->group("Output");
  add_json(*command, globals);
  commands["list"] = [options](const cli::Session& session) {
    return cli::list_command(session, *options);
  };
}

struct ControlText {
  cli::Act act;
  const char* name;
  const char* summary;
  const char* more;
};

void define_control(CLI::App& app, Globals& globals, Commands& commands, const ControlText& text) {
  const auto options = std::make_shared<cli::ControlOptions>();
  CLI::App* command = app.add_subcommand(text.name, text.summary);
  command->footer(text.more);
  command->add_option("ID", options->ids, kIds);
  add_json(*command, globals);
  commands[text.name] = [options, act = text.act](const cli::Session& session) {
    return cli::control_command(session, act, *options);
  };
}

void define_controls(CLI::App& app, Globals& globals, Commands& commands) {
  constexpr const char* kExit =
      "Exit status: 0; 1 a job is unknown or in a state that does not allow it; 64 something is no "
      "job id.";
  const std::string exits = kExit;
  const ControlText all[] = {
      {cli::Act::cancel, "cancel", "end jobs that have not ended",
       "imgq cancel ID\n"
       "imgq list --state staging --ids | imgq cancel\n"
       "\nA job that is being processed is dropped by its worker.\n\n"},
      {cli::Act::retry, "retry", "try failed jobs again",
       "imgq retry ID\n"
       "imgq list --state failed --ids | imgq retry\n"
       "\nA delayed job is tried at once. A completed job stays completed.\n\n"},
      {cli::Act::hold, "hold", "keep waiting jobs from being processed",
       "imgq hold ID\n\nHeld jobs wait for 'imgq release'.\n\n"},
      {cli::Act::release, "release", "let held jobs be processed",
       "imgq release ID\n"
       "imgq list --state hold --ids | imgq release\n\n"},
  };
  for (const ControlText& one : all) {
    const std::string more = one.more + exits;
    define_control(app, globals, commands, {one.act, one.name, one.summary, more.c_str()});
  }
}

void define_purge(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::PurgeOptions>();
  CLI::App* command = app.add_subcommand("purge", "forget ended jobs and remove their files");
  command->footer(
      "imgq purge ID\n"
      "imgq purge --older 7d --state completed --dry-run\n"
      "imgq purge --older 30d --force\n"
      "imgq list --state failed --ids | imgq purge --force\n"
      "\n"
      "Prints the ids of what was removed. It asks first; where it cannot, as in scripts, --force "
      "or "
      "--dry-run must be given.\n\n"
      "Exit status: 0; 1 a job is unknown or has not ended; 64 usage.");
  command->add_option("ID", options->ids, kIds);
  command->add_option("--older", options->older, "jobs that ended longer ago, as in 36h or 7d")
      ->type_name("DURATION")
      ->group("Options");
  command->add_option("--state", options->state, "with --older: completed, failed or cancelled")
      ->type_name("STATE:completed failed cancelled")
      ->group("Options");
  command->add_flag("-n,--dry-run", options->dry_run, "only print what would be removed")
      ->group("Options");
  command->add_flag("--force", options->force, "do not ask")->group("Options");
  add_json(*command, globals);
  commands["purge"] = [options](const cli::Session& session) {
    return cli::purge_command(session, *options);
  };
}

void define_info(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::InfoOptions>();
  CLI::App* command = app.add_subcommand("info", "tell all about a job or an image");
  command->footer(
      "imgq info photo.jpg  # size, format, profile, placeholder\n"
      "imgq info ID  # attempts, causes, results\n"
      "\n"
      "The image is read in a confined worker. A file that is named like a job id is "
      "./NAME.\n\n"
      "Exit status: 0; 1 a job is unknown; 65 not an image that can be read; 66 no such file.");
  command->add_option("WHAT", options->names, "a job's id or an image")->type_name("WHAT:@file");
  add_json(*command, globals);
  commands["info"] = [options](const cli::Session& session) {
    return cli::info_command(session, *options);
  };
}

}  // namespace

void define_job_commands(CLI::App& app, Globals& globals, Commands& commands) {
  define_status(app, globals, commands);
  define_wait(app, globals, commands);
  define_get(app, globals, commands);
  define_list(app, globals, commands);
  define_info(app, globals, commands);
  define_controls(app, globals, commands);
  define_purge(app, globals, commands);
}

}  // namespace imgq::tools
