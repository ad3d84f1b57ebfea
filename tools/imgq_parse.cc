// From the command line to one subcommand; help, completion and every usage error.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>

#include "src/cli/help.h"
#include "src/supervise/engine.h"
#include "src/util/text.h"
#include "src/util/units.h"
#include "tools/imgq_options.h"

namespace imgq::tools {
namespace {

using cli::ArgumentDoc;
using cli::CommandDoc;
using cli::OptionDoc;

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// "FORMAT:jpeg png" -> FORMAT, and what completes it.
struct ValueName {
  std::string name;
  std::vector<std::string> choices;
};

ValueName value_name(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t colon = type.find(':');
  if (colon == std::string::npos) return {type, {}};
  return {type.substr(0, colon), split_words(std::string_view(type).substr(colon + 1))};
}

OptionDoc describe_option(const CLI::Option& option) {
  OptionDoc doc;
  for (const std::string& name : option.get_snames()) doc.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) doc.names.push_back("--" + name);
  doc.text = option.get_description();
  doc.group = option.get_group();
  if (option.get_expected_max() > 0) {
    ValueName value = value_name(option);
    doc.value = std::move(value.name);
    doc.choices = std::move(value.choices);
  }
  return doc;
}

// A footer holds examples, an empty line, and paragraphs.
void describe_footer(const std::string& footer, CommandDoc& doc) {
  size_t begin = 0;
  while (begin < footer.size() && footer[begin] != '\n') {
    const size_t end = std::min(footer.find('\n', begin), footer.size());
    doc.examples.push_back(footer.substr(begin, end - begin));
    begin = std::min(end + 1, footer.size());
  }
  if (begin < footer.size()) doc.more = footer.substr(begin + 1);
}

CommandDoc describe(const CLI::App& app) {
  CommandDoc doc;
  doc.name = app.get_name();
  doc.summary = app.get_description();
  describe_footer(app.get_footer(), doc);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    if (!option->get_positional()) {
      doc.options.push_back(describe_option(*option));
      continue;
    }
    ArgumentDoc argument;
    argument.name = option->get_name(true);
    argument.text = option->get_description();
    argument.required = option->get_required();
    argument.many = option->get_expected_max() > 1;
    argument.choices = value_name(*option).choices;
    doc.arguments.push_back(argument);
  }
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (!command->get_group().empty()) doc.commands.push_back(describe(*command));
  }
  return doc;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

Exit usage(std::string_view message) {
  cli::Console console(cli::Loudness::normal, cli::When::never);
  console.error(message);
  return Exit::usage;
}

Exit print(std::string_view text) {
  cli::Console console(cli::Loudness::normal, cli::When::never);
  console.put(text);
  if (console.flush()) return Exit::ok;
  console.error("cannot write to stdout");
  return Exit::io_error;
}

// The first argument that is neither an option of the program nor the value of one.
std::string first_word(const CLI::App& app, const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--" || word.empty() || word[0] != '-' || word == "-") return word;
    const CLI::Option* option = app.get_option_no_throw(word);
    if (option == nullptr && word.find('=') == std::string::npos) return "";  // told by the parse
    if (option != nullptr && option->get_expected_max() > 0) ++i;
  }
  return "";
}

const CLI::App* command_named(const CLI::App& app, const std::string& name) {
  const auto all = app.get_subcommands(nullptr);
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&name](const CLI::App* one) { return one->get_name() == name; });
  return found == all.end() ? nullptr : *found;
}

Exit unknown_command(const CLI::App& app, const std::string& word) {
  return usage(fmt::format("unknown command '{}'{}; 'imgq help' lists them",
                           printable(shortened(word, 80)), hint_for(word, command_names(app))));
}

Exit print_help(const CLI::App& app, const std::string& name) {
  const CommandDoc program = describe(app);
  if (name.empty()) return print(cli::program_help(program));
  const CLI::App* command = command_named(app, name);
  if (command == nullptr) return unknown_command(app, name);
  return print(cli::command_help(program, describe(*command)));
}

// CLI11 takes "[a,b]" for a list of two, where many values may stand; file names may look so. A
// byte after the bracket keeps it from that; every value has it taken off again.
constexpr char kGuard = '\x01';

std::string guarded(std::string word) {
  const bool needed = !word.empty() && (word.back() == ']' || word.back() == kGuard);
  return needed ? word + kGuard : word;
}

std::string unguarded(std::string value) {
  if (!value.empty() && value.back() == kGuard) value.pop_back();
  return value;
}

void unguard_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() > 0) option->transform(unguarded);
  }
  for (CLI::App* command : app.get_subcommands(nullptr)) unguard_values(*command);
}

// What CLI11 did not take, in our words.
Exit explain_extras(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  const std::vector<std::string> extras = app.remaining(true);
  const std::string word = extras.empty() ? "" : unguarded(extras.front());
  const std::string where = chosen.empty() ? "imgq" : "imgq " + chosen.front()->get_name();
  std::vector<std::string> known;
  const auto collect = [&known](const CLI::App& from) {
    for (const CLI::Option* option : from.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
  };
  collect(app);
  if (!chosen.empty()) collect(*chosen.front());
  const std::string option = word.substr(0, word.find('='));
  if (!word.empty() && word[0] == '-') {
    return usage(fmt::format("unknown option '{}'{}; see '{} --help'",
                             printable(shortened(option, 80)), hint_for(option, known), where));
  }
  return usage(fmt::format("unexpected argument '{}'; see '{} --help'",
                           printable(shortened(word, 80)), where));
}

// The option that was given an empty value, as by a variable that is not set; "" for none.
std::string emptied_option(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() || option->get_expected_max() == 0) continue;
    if (option->count() > 0 && option->results().back().empty()) return option->get_name();
  }
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? "" : emptied_option(*chosen.front());
}

// The same as "--size=", where CLI11 would take the next word; "" for none.
std::string option_without_value(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--") break;
    const bool option = word.size() > 3 && word.compare(0, 2, "--") == 0;
    if (option && word.find('=') == word.size() - 1) return word.substr(0, word.size() - 1);
  }
  return "";
}

std::string one_line(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), kGuard), text.end());
  std::replace(text.begin(), text.end(), '\n', ' ');
  return printable(text);
}

Result<cli::When> colour_of(const std::string& word) {
  if (word == "auto") return cli::When::automatic;
  if (word == "always") return cli::When::always;
  if (word == "never") return cli::When::never;
  return Error{
      EINVAL,
      fmt::format("--color: '{}' is not auto, always or never", printable(shortened(word, 40))),
      ""};
}

std::string absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  std::error_code error;
  const auto here = std::filesystem::current_path(error);
  return error ? path : (here / path).string();
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

// Configuration and console for the subcommand, then the subcommand.
Exit run_chosen(const Globals& globals, const std::string& name, const Command& command) {
  const auto colour = colour_of(globals.colour);
  if (!colour) return usage(colour.error().action);
  if (globals.quiet && globals.verbose) return usage("--quiet and --verbose exclude each other");
  const cli::Loudness loudness = globals.quiet     ? cli::Loudness::quiet
                                 : globals.verbose ? cli::Loudness::verbose
                                                   : cli::Loudness::normal;
  cli::Console console(loudness, *colour);
  ConfigSources sources;
  if (!globals.config.empty()) sources.file = globals.config;
  auto config = load_config(sources);
  if (!config) {
    const Error& error = config.error();
    console.error(
        cli::about(error.path, error.code == 0 ? error.action : cli::cause_text(error.code)));
    return Exit::bad_config;
  }
  cli::Session session{console, std::move(*config), globals.json};
  if (!globals.spool.empty()) {
    session.config.spool = absolute(globals.spool);
    session.config.origin["spool"] = "--spool";
  }
  choose_spool(session, name);
  const Exit exit = command(session);
  if (console.flush()) return exit;
  console.error("cannot write to stdout");
  return exit == Exit::ok ? Exit::io_error : exit;
}

Exit print_version(bool verbose) {
  const Exit exit = print(fmt::format("imgq {}\n", IMGQ_VERSION));
  if (exit != Exit::ok || !verbose) return exit;
  (void)usage(supervise::tell_libraries().text());  // it came back
  return Exit::some_failed;
}

void define_help(CLI::App& app, std::string& topic, Commands& commands) {
  CLI::App* help = app.add_subcommand("help", "explain a command");
  help->footer("imgq help submit  # the same as imgq submit --help");
  help->add_option("COMMAND", topic, "the command to explain")
      ->type_name(fmt::format("COMMAND:{}", fmt::join(command_names(app), " ")));
  commands["help"] = nullptr;
}

void define_completion(CLI::App& app, std::string& shell) {
  CLI::App* completion = app.add_subcommand("completion", "print a script that completes imgq");
  completion->group("");  // hidden
  completion->add_option("SHELL", shell, "bash, zsh or fish")->required();
}

Exit print_completion(const CLI::App& app, const std::string& shell) {
  const CommandDoc program = describe(app);
  if (shell == "bash") return print(completion_script(cli::Shell::bash, program));
  if (shell == "zsh") return print(completion_script(cli::Shell::zsh, program));
  if (shell == "fish") return print(completion_script(cli::Shell::fish, program));
  return usage(fmt::format("'{}' is not bash, zsh or fish", printable(shortened(shell, 40))));
}

void set_up(CLI::App& app) {
  app.name("imgq");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.set_help_flag("");
  app.fallthrough();
  app.require_subcommand(0, 1);  // a file may be named like a command
  app.footer(
      "imgq run -o thumbs photos/  # thumbnails of a folder, no set-up\n"
      "imgq submit photo.jpg  # a job for imgqd; prints its id\n"
      "imgq submit *.jpg | imgq get --wait -o thumbs/ -\n"
      "imgq list --state failed  # what went wrong\n"
      "\n"
      "Exit status: 0 all well; 1 some job failed or is unknown; 64 usage; 65 bad image; 66 no "
      "input; 69 spool unavailable; 70 a bug; 73 cannot create; 74 input or output failed; 75 try "
      "later; 77 permission; 78 configuration; 130 interrupted.");
}

void add_help_flags(CLI::App& app, bool& help, bool& version) {
  app.add_flag("-h,--help", help, "this help")->group("Everywhere");
  app.add_flag("-V,--version", version, "print the version; with -v the libraries', too")
      ->group("Everywhere");
}

}  // namespace

Exit imgq(int count, char** arguments) {
  CLI::App app{"thumbnails by the batch, from a spool of files"};
  Globals globals;
  Commands commands;
  std::string topic, shell;
  bool help = false, version = false;
  set_up(app);
  define_globals(app, globals);
  add_help_flags(app, help, version);
  define_work_commands(app, globals, commands);
  define_job_commands(app, globals, commands);
  define_care_commands(app, globals, commands);
  define_help(app, topic, commands);
  define_completion(app, shell);
  unguard_values(app);

  const std::vector<std::string> words(arguments + 1, arguments + count);
  const std::string first = first_word(app, words);
  if (!first.empty() && command_named(app, first) == nullptr) return unknown_command(app, first);
  const std::string bare = option_without_value(words);
  if (!bare.empty()) return usage(printable(shortened(bare, 80)) + ": needs a value");
  try {
    std::vector<std::string> reversed;
    std::transform(words.rbegin(), words.rend(), std::back_inserter(reversed), guarded);
    app.parse(reversed);
  } catch (const CLI::ExtrasError&) {
    return help ? print_help(app, first) : explain_extras(app);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string name = error.what();
    return help ? print_help(app, first)
                : usage(name.substr(0, name.find(':')) + ": needs a value");
  } catch (const CLI::ParseError& error) {
    return help ? print_help(app, first) : usage(one_line(error.what()));
  }
  if (help) return print_help(app, first);
  if (version) return print_version(globals.verbose);
  if (first.empty()) {
    (void)usage("no command given; 'imgq help' lists them");
    return Exit::usage;
  }
  const std::string emptied = emptied_option(app);
  if (!emptied.empty()) return usage(emptied + ": needs a value");
  if (first == "help") return print_help(app, topic);
  if (first == "completion") return print_completion(app, shell);
  return run_chosen(globals, first, commands[first]);
}

}  // namespace imgq::tools
