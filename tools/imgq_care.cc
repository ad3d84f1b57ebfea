// The commands that look after the spool.
#include "tools/imgq_options.h"

namespace imgq::tools {
namespace {

Command stats_command(Options& all) {
  cli::StatsOptions& o = all.stats;
  return {
      "stats",
      "count the jobs of each state",
      "imgq stats\n"
      "imgq stats --age  # seconds the oldest job has waited\n"
      "imgq stats --prometheus >/var/lib/prometheus/node-exporter/imgq.prom",
      "",
      {{"Output",
        {{"--age", &o.age, "only the age of the oldest waiting job in seconds; 0 for none"},
         {"--prometheus", &o.prometheus, "as metrics, for the node exporter's textfile collector"},
         json_option(all, "as one object")}}},
      {},
      [&o](const cli::Session& session) { return cli::stats_command(session, o); },
  };
}

Command top_command(Options& all) {
  cli::TopOptions& o = all.top;
  return {
      "top",
      "watch the spool live",
      "imgq top  # q leaves\n"
      "imgq top --once  # one look, as text",
      "Shows the jobs of each state, the pace, how long the oldest job has waited, each daemon "
      "with what it is processing, and the last failures.",
      {{"Options",
        {{"--interval", &o.interval, "look so often [1s]", "DURATION"},
         {"--once", &o.once, "look once"}}},
       {"Output", {json_option(all, "look once, as one object")}}},
      {},
      [&o](const cli::Session& session) { return cli::top_command(session, o); },
  };
}

Command cordon_command(Options& all, cli::Cordoning what, const char* name, const char* summary,
                       const char* examples, const char* more) {
  return {
      name,
      summary,
      examples,
      more,
      {{"Output", {json_option(all, "print an object for each host, one a line")}}},
      {"HOST", "a host as 'imgq top' shows it; none: this one", &all.hosts},
      [&all, what](const cli::Session& session) {
        return cli::cordon_command(session, what, all.hosts);
      },
  };
}

Command log_command(Options& all) {
  cli::LogOptions& o = all.log;
  return {
      "log",
      "print jobs as they end",
      "imgq log  # the last 10\n"
      "imgq log -f  # and what ends from now on\n"
      "imgq log -f --json | jq 'select(.state == \"failed\")'",
      "",
      {{"Options",
        {{"-f,--follow", &o.follow, "go on with what ends from now on"},
         {"-n,--number", &o.number, "how many of the past [10]", "N"}}},
       {"Output", {json_option(all, "print an object for each job, one a line")}}},
      {},
      [&o](const cli::Session& session) { return cli::log_command(session, o); },
  };
}

Command doctor_command(Options& all) {
  cli::DoctorOptions& o = all.doctor;
  return {
      "doctor",
      "say what is wrong, and the cure",
      "imgq doctor\n"
      "imgq -q doctor  # only what is not good\n"
      "imgq doctor --also /mnt/b/spool  # and whether hosts may share its file system",
      "Exit status: 0 nothing is bad; 1 something is.",
      {{"Options",
        {{"--also", &o.also, "the same spool by another mount of its file system: try the two",
          "DIR"}}},
       {"Output", {json_option(all, "as one object")}}},
      {},
      [&o](const cli::Session& session) { return cli::doctor_command(session, o); },
  };
}

Command fsck_command(Options& all) {
  cli::FsckOptions& o = all.fsck;
  return {
      "fsck",
      "check the spool, and mend it",
      "imgq fsck  # reports only\n"
      "imgq fsck --repair",
      "Safe while daemons run. Mends by moving; what cannot be read goes to corrupt/, nothing is "
      "deleted.\n\n"
      "Exit status: 0 nothing is wrong; 1 something is left.",
      {{"Options", {{"--repair", &o.repair, "mend what can be mended"}}},
       {"Output", {json_option(all, "as one object")}}},
      {},
      [&o](const cli::Session& session) { return cli::fsck_command(session, o); },
  };
}

Command config_command(Options& all) {
  return {
      "config",
      "print the configuration in force",
      "imgq config  # each value with where it came from\n"
      "imgq --config new.toml config  # check a file",
      "Read in this order, later ones win: /etc/imgq/imgq.toml, /etc/imgq/imgq.toml.d/*.toml, "
      "$XDG_CONFIG_HOME/imgq/imgq.toml, environment (IMGQ_DAEMON_WORKERS for daemon.workers), "
      "options.\n\n"
      "Exit status: 0; 78 something in it is wrong; the line and column are told.",
      {{"Output", {json_option(all, "as one object")}}},
      {},
      cli::config_command,
  };
}

Command init_command(Options& all) {
  cli::InitOptions& o = all.init;
  return {
      "init",
      "make a spool",
      "imgq init  # one's own, in $XDG_STATE_HOME/imgq\n"
      "imgq --spool /var/spool/imgq init --shared",
      "Exit status: 0 there is a spool now; 69 something else is there; 73 or 77 it cannot be "
      "made.",
      {{"Options",
        {{"--shared", &o.shared, "for the members of a group (mode 2770)"},
         {"--group", &o.group, "with --shared: this group [imgq, where there is one]", "GROUP"}}},
       {"Output", {json_option(all, "as one object")}}},
      {},
      [&o](const cli::Session& session) { return cli::init_command(session, o); },
  };
}

}  // namespace

std::vector<Command> care_commands(Options& options) {
  return {
      stats_command(options),
      top_command(options),
      log_command(options),
      cordon_command(options, cli::Cordoning::on, "cordon", "have a host claim no more jobs",
                     "imgq cordon  # this host\n"
                     "imgq cordon web2 && imgq top  # until it is idle",
                     "Its daemons end what they have and publish it, claim nothing more, and go on "
                     "with all else. It lasts until 'imgq uncordon', whatever is restarted.\n\n"
                     "Exit status: 0, also when it was cordoned already; 64 no host's name; 69 no "
                     "spool."),
      cordon_command(options, cli::Cordoning::off, "uncordon", "let a host claim jobs again",
                     "imgq uncordon web2",
                     "Its daemons claim again within a second.\n\n"
                     "Exit status: 0, also when it was not cordoned; 64 no host's name; 69 no "
                     "spool."),
      doctor_command(options),
      fsck_command(options),
      config_command(options),
      init_command(options),
  };
}

}  // namespace imgq::tools
