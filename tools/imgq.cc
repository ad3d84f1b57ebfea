// imgq, the command: from the command line to one subcommand.
#include <fmt/format.h>

#include <filesystem>

#include "src/cli/apart.h"
#include "src/cli/wait.h"
#include "src/supervise/engine.h"
#include "src/util/text.h"
#include "src/util/units.h"
#include "tools/imgq_options.h"

namespace imgq::tools {
namespace {

Command program_table(Options& o) {
  Command program{
      "imgq",
      "thumbnails by the batch, from a spool of files",
      "imgq run -o thumbs photos/  # thumbnails of a folder, no set-up\n"
      "imgq submit photo.jpg  # a job for imgqd; prints its id\n"
      "imgq submit *.jpg | imgq get --wait -o thumbs/ -\n"
      "imgq list --state failed  # what went wrong",
      "Exit status: 0 all well; 1 some job failed or is unknown; 64 usage; 65 bad image; 66 no "
      "input; 69 spool unavailable; 70 a bug; 73 cannot create; 74 input or output failed; 75 try "
      "later; 77 permission; 78 configuration; 130 interrupted.",
      {{"Everywhere",
        {{"--spool", &o.spool, "the spool [$IMGQ_SPOOL; else the system's, or one's own]", "DIR",
          "@dir"},
         {"--config", &o.config, "read this configuration and no other", "FILE", "@file"},
         {"--io-timeout", &o.io_timeout,
          "give up when its file system has no answer for so long [1min]; 0s: never", "DURATION"},
         {"-q,--quiet", &o.quiet, "say only what went wrong"},
         {"-v,--verbose", &o.verbose, "say more"},
         {"--color", &o.colour, "auto, always or never [auto]", "WHEN", "auto always never"},
         {"-h,--help", &o.help, "this help"},
         {"-V,--version", &o.version, "print the version; with -v the libraries', too"}}}}};
  for (const auto& table : {work_commands(o), job_commands(o), care_commands(o)}) {
    program.commands.insert(program.commands.end(), table.begin(), table.end());
  }
  std::string names;
  for (const Command& command : program.commands) names += command.name + " ";
  program.commands.push_back({"help",
                              "explain a command",
                              "imgq help submit  # the same as imgq submit --help",
                              "",
                              {},
                              {"COMMAND", "the command to explain", &o.topic, names, false}});
  program.commands.push_back({"completion", "", "", "", {}, {"SHELL", "", &o.shell, "", false}});
  return program;
}

Exit print_help(const Command& program, const std::vector<std::string>& topic) {
  const Command* command = topic.empty() ? &program : find_command(program, topic.front());
  return command == nullptr ? complain_of_command(program, topic.front())
                            : print(program, help_text(program, *command));
}

Exit print_completion(const Command& program, const std::vector<std::string>& shell) {
  const std::string name = shell.empty() ? "" : shell.front();
  const std::string script = completion_script(name);
  if (!script.empty()) return print(program, script);
  return complain(program,
                  fmt::format("'{}' is not bash, zsh or fish", printable(shortened(name, 40))));
}

Exit print_version(const Command& program, bool verbose) {
  const Exit exit = print(program, "imgq " IMGQ_VERSION "\n");
  if (exit != Exit::ok || !verbose) return exit;
  return complain(program, supervise::tell_libraries().text(), Exit::some_failed);  // it came back
}

Result<cli::When> colour_of(const std::string& word) {
  if (word == "auto") return cli::When::automatic;
  if (word == "always") return cli::When::always;
  if (word == "never") return cli::When::never;
  return cli::usage_error(
      fmt::format("--color: '{}' is not auto, always or never", printable(shortened(word, 40))));
}

std::string absolute(const std::string& path) {
  std::error_code error;
  const auto found = std::filesystem::absolute(path, error);
  return error ? path : found.string();
}

// The spool that nobody named: the system's or the user's own, and what `init` makes is the user's.
void choose_spool(cli::Session& session, const std::string& command) {
  Config& config = session.config;
  if (config.origin["spool"] != "default") return;
  session.chosen = cli::SpoolChoice{cli::SpoolChoice::Whose::own, config.spool, {}};
  if (command == "init") return;
  session.chosen = cli::choose_spool(config.spool, cli::kSystemSpool, config.lease);
  config.spool = session.chosen->path;
  const bool system = session.chosen->whose == cli::SpoolChoice::Whose::system;
  if (system) config.origin["spool"] = "default, the system's";
}

bool is_without_spool(const Command& command) {
  return command.name == "run" || command.name == "info" || command.name == "config";
}

// When the spool's file system did not answer.
std::string advice_for(const Command& command) {
  return command.name == "submit"
             ? "what has no id yet may have been accepted; repeat it with the same --key"
             : "try again later";
}

// The subcommand, with its configuration.
Exit run_configured(const Options& options, const Command& command, cli::Session& session) {
  cli::Console& console = session.console;
  ConfigSources sources;
  if (!options.config.empty()) sources.file = options.config;
  auto config = load_config(sources);
  if (!config) {
    const Error& error = config.error();
    console.error(
        cli::about(error.path, error.code == 0 ? error.action : cli::cause_text(error.code)));
    return Exit::bad_config;
  }
  for (const std::string& warning : config->warnings) console.note(warning);
  session.config = std::move(*config);
  if (options.io_timeout.empty()) cli::set_io_timeout(session.config.io_timeout);
  if (!options.spool.empty()) {
    session.config.spool = absolute(options.spool);
    session.config.origin["spool"] = "--spool";
  }
  choose_spool(session, command.name);
  const Exit exit = command.run(session);
  if (console.flush()) return exit;
  console.error("cannot write to stdout");
  return exit == Exit::ok ? Exit::io_error : exit;
}

// Console and patience for the subcommand, then the subcommand.
Exit run_chosen(const Command& program, const Options& options, const Command& command) {
  const auto colour = colour_of(options.colour);
  if (!colour) return complain(program, colour.error().action);
  if (options.quiet && options.verbose) {
    return complain(program, "--quiet and --verbose exclude each other");
  }
  auto timeout = Result<std::chrono::seconds>(Config().io_timeout);  // until the file is read
  if (!options.io_timeout.empty()) timeout = parse_duration(options.io_timeout);
  if (!timeout) return complain(program, "--io-timeout: " + timeout.error().action);
  const cli::Loudness loudness = options.quiet     ? cli::Loudness::quiet
                                 : options.verbose ? cli::Loudness::verbose
                                                   : cli::Loudness::normal;
  cli::Console console(loudness, *colour);
  cli::Session session{console, {}, options.json};
  const auto run = [&] { return run_configured(options, command, session); };
  if (is_without_spool(command) || timeout->count() == 0) return run();
  cli::set_io_timeout(*timeout);
  return cli::run_apart(
      [&](const std::string& why) {
        const std::string& spool = session.config.spool;
        const std::string told = fmt::format("{}: {}", why, advice_for(command));
        console.error(spool.empty() ? told : cli::about(spool, told));
      },
      run);
}

Exit imgq(int count, char** words) {
  Options options;
  const Command program = program_table(options);
  const Chosen chosen = read_command_line(program, options.help, count, words);
  if (chosen.command == nullptr) return chosen.exit;
  if (options.version) return print_version(program, options.verbose);
  if (chosen.command == &program) {
    return complain(program, "no command given; 'imgq help' lists them");
  }
  if (chosen.command->run) return run_chosen(program, options, *chosen.command);
  return chosen.command->name == "help" ? print_help(program, options.topic)
                                        : print_completion(program, options.shell);
}

}  // namespace
}  // namespace imgq::tools

int main(int count, char** words) {
  return imgq::tools::run_program("imgq", [&] {
    const imgq::Exit exit = imgq::tools::imgq(count, words);
    imgq::cli::die_if_interrupted();
    return exit;
  });
}
