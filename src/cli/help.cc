#include "src/cli/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/util/text.h"

namespace imgq::cli {
namespace {

constexpr size_t kTextColumn = 26;

// "  -o, --output DIR      text, wrapped under itself"
std::string entry(const std::string& left, std::string_view text) {
  std::string out = "  " + left;
  if (columns(out) + 2 > kTextColumn)
    out += "\n" + std::string(kTextColumn, ' ');
  else
    out += std::string(kTextColumn - columns(out), ' ');
  return out + wrapped(text, kTextColumn, kHelpColumns - kTextColumn) + "\n";
}

std::string left_of(const OptionDoc& option) {
  std::string out;
  const bool has_short = !option.names.empty() && option.names[0].size() == 2;
  if (!has_short) out = "    ";
  for (size_t i = 0; i < option.names.size(); ++i) out += (i == 0 ? "" : ", ") + option.names[i];
  return option.value.empty() ? out : out + " " + option.value;
}

std::string usage_of(const std::string& words, const std::vector<ArgumentDoc>& arguments,
                     std::string_view options) {
  std::string line = fmt::format("Usage: {} {}", words, options);
  for (const ArgumentDoc& argument : arguments) {
    const std::string name = argument.name + (argument.many ? "..." : "");
    line += argument.required ? fmt::format(" {}", name) : fmt::format(" [{}]", name);
  }
  return line + "\n";
}

// Example commands in one column, what they do in another where both fit.
std::string examples_of(const std::vector<std::string>& examples) {
  std::string out;
  for (const std::string& example : examples) {
    const size_t mark = example.find("  # ");
    const std::string command = "  " + example.substr(0, mark);
    if (mark == std::string::npos) {
      out += command + "\n";
      continue;
    }
    const std::string_view what = std::string_view(example).substr(mark + 2);
    constexpr size_t kColumn = 43;
    const bool beside = columns(command) + 2 <= kColumn && kColumn + what.size() <= kHelpColumns;
    out += beside ? fmt::format("{:<43}{}\n", command, what)
                  : fmt::format("  {}\n{}\n", wrapped(what, 4, kHelpColumns - 4), command);
  }
  return out;
}

std::string options_of(const std::vector<OptionDoc>& options) {
  std::vector<std::string> groups;
  for (const OptionDoc& option : options) {
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end()) {
      groups.push_back(option.group);
    }
  }
  std::string out;
  for (const std::string& group : groups) {
    out += fmt::format("\n{}:\n", group);
    for (const OptionDoc& option : options) {
      if (option.group == group) out += entry(left_of(option), option.text);
    }
  }
  return out;
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find("\n\n"), text.size());
    out += "\n" + wrapped(text.substr(0, end), 0, kHelpColumns) + "\n";
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

}  // namespace

std::string wrapped(std::string_view text, size_t indent, size_t width) {
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (used > 0 && used + 1 + columns(word) > width) {
      out += "\n" + std::string(indent, ' ');
      used = 0;
    }
    if (used > 0) {
      out += ' ';
      ++used;
    }
    out += word;
    used += columns(word);
  }
  return out;
}

std::string program_help(const CommandDoc& program) {
  std::string out = fmt::format("{} - {}\n\nExamples:\n{}\n{}", program.name, program.summary,
                                examples_of(program.examples),
                                usage_of(program.name, {}, "[OPTION...] COMMAND ..."));
  out += "\nCommands:\n";
  for (const CommandDoc& command : program.commands) out += entry(command.name, command.summary);
  return out + options_of(program.options) + paragraphs(program.more);
}

std::string command_help(const CommandDoc& program, const CommandDoc& command) {
  const std::string words = fmt::format("{} {}", program.name, command.name);
  std::string out = wrapped(fmt::format("{} - {}", words, command.summary), 2, kHelpColumns) + "\n";
  if (!command.examples.empty()) out += "\nExamples:\n" + examples_of(command.examples);
  out += "\n" + usage_of(words, command.arguments, "[OPTION...]");
  if (!command.arguments.empty()) {
    out += "\nArguments:\n";
    for (const ArgumentDoc& argument : command.arguments) {
      out += entry(argument.name, argument.text);
    }
  }
  out += options_of(command.options) + options_of(program.options);
  return out + paragraphs(command.more);
}

}  // namespace imgq::cli
