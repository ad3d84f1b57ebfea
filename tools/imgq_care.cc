// Options of the program, and of the subcommands that look after the spool.
#include <CLI/CLI.hpp>
#include <memory>

#include "src/cli/doctor.h"
#include "src/cli/events.h"
#include "src/cli/fsck.h"
#include "src/cli/setup.h"
#include "src/cli/stats.h"
#include "src/cli/top.h"
#include "tools/imgq_options.h"

namespace imgq::tools {
namespace {

void define_stats(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::StatsOptions>();
  CLI::App* command = app.add_subcommand("stats", "count the jobs of each state");
  command->footer(
      "imgq stats\n"
      "imgq stats --age  # seconds the oldest job has waited\n"
      "imgq stats --prometheus >/var/lib/prometheus/node-exporter/imgq.prom");
  command
      ->add_flag("--age", options->age,
                 "only the age of the oldest waiting job in seconds; 0 for none")
      ->group("Output");
  command
      ->add_flag("--prometheus", options->prometheus,
                 "as metrics, for the node exporter's textfile collector")
      ->group("Output");
  command->add_flag("--json", globals.json, "as one object")->group("Output");
  commands["stats"] = [options](const cli::Session& session) {
    return cli::stats_command(session, *options);
  };
}

void define_top(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::TopOptions>();
  CLI::App* command = app.add_subcommand("top", "watch the spool live");
  command->footer(
      "imgq top  # q leaves\n"
      "imgq top --once  # one look, as text\n"
      "\n"
      "Shows the jobs of each state, the pace, how long the oldest job has waited, each daemon "
      "with "
      "what it is processing, and the last failures.");
  command->add_option("--interval", options->interval, "look so often [1s]")
      ->type_name("DURATION")
      ->group("Options");
  command->add_flag("--once", options->once, "look once")->group("Options");
  command->add_flag("--json", globals.json, "look once, as one object")->group("Output");
  commands["top"] = [options](const cli::Session& session) {
    return cli::top_command(session, *options);
  };
}

void define_log(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::LogOptions>();
  CLI::App* command = app.add_subcommand("log", "print jobs as they end");
  command->footer(
      "imgq log  # the last 10\n"
      "imgq log -f  # and what ends from now on\n"
      "imgq log -f --json | jq 'select(.state == \"failed\")'");
  command->add_flag("-f,--follow", options->follow, "go on with what ends from now on")
      ->group("Options");
  command->add_option("-n,--number", options->number, "how many of the past [10]")
      ->type_name("N")
      ->group("Options");
  command->add_flag("--json", globals.json, "print an object for each job, one a line")
      ->group("Output");
  commands["log"] = [options](const cli::Session& session) {
    return cli::log_command(session, *options);
  };
}

void define_doctor(CLI::App& app, Globals& globals, Commands& commands) {
  CLI::App* command = app.add_subcommand("doctor", "say what is wrong, and the cure");
  command->footer(
      "imgq doctor\n"
      "imgq -q doctor  # only what is not good\n"
      "\n"
      "Exit status: 0 nothing is bad; 1 something is.");
  command->add_flag("--json", globals.json, "as one object")->group("Output");
  commands["doctor"] = [](const cli::Session& session) { return cli::doctor_command(session); };
}

void define_fsck(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::FsckOptions>();
  CLI::App* command = app.add_subcommand("fsck", "check the spool, and mend it");
  command->footer(
      "imgq fsck  # reports only\n"
      "imgq fsck --repair\n"
      "\n"
      "Safe while daemons run. Mends by moving; what cannot be read goes to corrupt/, nothing is "
      "deleted.\n\n"
      "Exit status: 0 nothing is wrong; 1 something is left.");
  command->add_flag("--repair", options->repair, "mend what can be mended")->group("Options");
  command->add_flag("--json", globals.json, "as one object")->group("Output");
  commands["fsck"] = [options](const cli::Session& session) {
    return cli::fsck_command(session, *options);
  };
}

void define_config(CLI::App& app, Globals& globals, Commands& commands) {
  CLI::App* command = app.add_subcommand("config", "print the configuration in force");
  command->footer(
      "imgq config  # each value with where it came from\n"
      "imgq --config new.toml config  # check a file\n"
      "\n"
      "Read in this order, later ones win: /etc/imgq/imgq.toml, /etc/imgq/imgq.toml.d/*.toml, "
      "$XDG_CONFIG_HOME/imgq/imgq.toml, environment (IMGQ_DAEMON_WORKERS for daemon.workers), "
      "options.\n\n"
      "Exit status: 0; 78 something in it is wrong; the line and column are told.");
  command->add_flag("--json", globals.json, "as one object")->group("Output");
  commands["config"] = [](const cli::Session& session) { return cli::config_command(session); };
}

void define_init(CLI::App& app, Globals& globals, Commands& commands) {
  const auto options = std::make_shared<cli::InitOptions>();
  CLI::App* command = app.add_subcommand("init", "make a spool");
  command->footer(
      "imgq init  # one's own, in $XDG_STATE_HOME/imgq\n"
      "imgq --spool /var/spool/imgq init --shared\n"
      "\n"
      "Exit status: 0 there is a spool now; 69 something else is there; 73 or 77 it cannot be "
      "made.");
  command->add_flag("--shared", options->shared, "for the members of a group (mode 2770)")
      ->group("Options");
  command
      ->add_option("--group", options->group,
                   "with --shared: this group [imgq, where there is one]")
      ->type_name("GROUP")
      ->group("Options");
  command->add_flag("--json", globals.json, "as one object")->group("Output");
  commands["init"] = [options](const cli::Session& session) {
    return cli::init_command(session, *options);
  };
}

}  // namespace

void define_globals(CLI::App& app, Globals& globals) {
  app.add_option("--spool", globals.spool,
                 "the spool [$IMGQ_SPOOL; else the system's, or one's own]")
      ->type_name("DIR:@dir")
      ->group("Everywhere");
  app.add_option("--config", globals.config, "read this configuration and no other")
      ->type_name("FILE:@file")
      ->group("Everywhere");
  app.add_flag("-q,--quiet", globals.quiet, "say only what went wrong")->group("Everywhere");
  app.add_flag("-v,--verbose", globals.verbose, "say more")->group("Everywhere");
  app.add_option("--color", globals.colour, "auto, always or never [auto]")
      ->type_name("WHEN:auto always never")
      ->group("Everywhere");
}

void define_care_commands(CLI::App& app, Globals& globals, Commands& commands) {
  define_stats(app, globals, commands);
  define_top(app, globals, commands);
  define_log(app, globals, commands);
  define_doctor(app, globals, commands);
  define_fsck(app, globals, commands);
  define_config(app, globals, commands);
  define_init(app, globals, commands);
}

}  // namespace imgq::tools
