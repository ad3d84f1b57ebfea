#include "tools/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>

#include "src/util/standard_files.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::tools {
namespace {

std::string need_value(const std::string& value) { return value.empty() ? "needs a value" : ""; }

void define(CLI::App& app, const Option& option) {
  if (bool* const* flag = std::get_if<bool*>(&option.into)) {
    app.add_flag(option.names, **flag)->take_last();
    return;
  }
  const auto set = [into = option.into](const CLI::results_t& values) {
    if (std::string* const* last = std::get_if<std::string*>(&into)) **last = values.back();
    if (const auto* all = std::get_if<std::vector<std::string>*>(&into)) {
      (*all)->push_back(values.back());
    }
    return true;
  };
  app.add_option(option.names, set)->check(need_value)->trigger_on_parse();
}

void define(CLI::App& app, const Command& command) {
  app.set_help_flag("");  // ours is one of the options
  app.allow_extras();
  for (const Group& group : command.groups) {
    for (const Option& option : group.options) define(app, option);
  }
}

Error wrong(std::string what) { return {EINVAL, std::move(what), ""}; }

// CLI11 takes the next word where "--size=" stands.
Status check_values(int count, char** words) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word.rfind("--", 0) != 0 || word.find('=') != word.size() - 1) continue;
    const std::string_view name = word.substr(0, word.size() - 1);
    return wrong(printable(shortened(name, 80)) + ": needs a value");
  }
  return Ok{};
}

//   result  what is no option; of a prefix_command all from the first such word on
Result<std::vector<std::string>> read_options(CLI::App& app, int count, char** words) {
  if (auto checked = check_values(count, words); !checked) return checked.error();
  try {
    app.parse(count, words);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string name = error.what();
    return wrong(name.substr(0, name.find(':')) + ": needs a value");
  } catch (const CLI::ParseError& error) {
    return wrong(printable(error.what()));
  }
  return app.remaining();
}

bool is_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

Error unexpected(const CLI::App& app, const std::string& word) {
  std::string what = fmt::format("unexpected argument '{}'", printable(shortened(word, 80)));
  if (is_option(word)) {
    std::vector<std::string> known;
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    const std::string name = word.substr(0, word.find('='));
    what =
        fmt::format("unknown option '{}'{}", printable(shortened(name, 80)), hint_for(name, known));
  }
  return wrong(fmt::format("{}; see '{} --help'", what, app.get_name()));
}

// Puts the words that are no options where they go.
//   after  those behind "--", which may look like options
Status take_operands(const CLI::App& app, const Operands& operands,
                     const std::vector<std::string>& words, const std::vector<std::string>& after) {
  std::vector<std::string> all = words;
  all.insert(all.end(), after.begin(), after.end());
  const size_t most = operands.into == nullptr ? 0 : operands.many ? all.size() : 1;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i >= most || (i < words.size() && is_option(words[i]))) return unexpected(app, all[i]);
  }
  if (most > 0) *operands.into = std::move(all);
  return Ok{};
}

}  // namespace

Exit complain(const Command& program, const std::string& what, Exit exit) {
  (void)std::fprintf(stderr, "%s: %s\n", program.name.c_str(),
                     what.c_str());  // nobody else to tell
  return exit;
}

Exit complain_of_command(const Command& program, const std::string& name) {
  std::vector<std::string> known;
  for (const Command& command : program.commands) known.push_back(command.name);
  return complain(program,
                  fmt::format("unknown command '{}'{}; '{} help' lists them",
                              printable(shortened(name, 80)), hint_for(name, known), program.name));
}

Exit print(const Command& program, const std::string& text) {
  const bool whole = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return whole ? Exit::ok : complain(program, "cannot write to stdout", Exit::io_error);
}

int run_program(const char* name, const std::function<Exit()>& run) {
  fill_standard_files();
  try {
    return static_cast<int>(run());
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "%s: a bug: %s\n", name, error.what());  // nobody else to tell
    return static_cast<int>(Exit::bug);
  }
}

const Command* find_command(const Command& program, const std::string& name) {
  const auto& all = program.commands;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&name](const Command& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Chosen read_command_line(const Command& program, const bool& help, int count, char** words) {
  if (count > 1 && std::strcmp(words[1], "--complete") == 0) {
    return {nullptr, print(program, offers(program, {words + 2, words + count}))};
  }
  char** const end = std::find_if(words, words + count,
                                  [](const char* word) { return std::strcmp(word, "--") == 0; });
  const std::vector<std::string> after(std::min(end + 1, words + count), words + count);
  const Command* command = &program;
  CLI::App app{"", program.name};
  CLI::App* reader = &app;
  define(app, program);
  app.prefix_command(!program.commands.empty());
  auto left = read_options(app, static_cast<int>(end - words), words);
  CLI::App own;
  if (left && !program.commands.empty() && !left->empty() && !is_option(left->front())) {
    command = find_command(program, left->front());
    if (command == nullptr) return {nullptr, complain_of_command(program, left->front())};
    char** const start = end - left->size();
    own.name(program.name + " " + command->name);
    define(own, program);
    define(own, *command);
    reader = &own;
    left = read_options(own, static_cast<int>(end - start), start);
  }
  if (help) return {nullptr, print(program, help_text(program, *command))};
  if (!left) return {nullptr, complain(program, left.error().action)};
  const auto taken = take_operands(*reader, command->operands, *left, after);
  if (!taken) return {nullptr, complain(program, taken.error().action)};
  return {command};
}

}  // namespace imgq::tools
