// Help as text, from a program's tables.
#include <fmt/format.h>

#include <algorithm>

#include "src/util/text.h"
#include "tools/options.h"

namespace imgq::tools {
namespace {

constexpr size_t kTextColumn = 26;

// Text broken at blanks so that no line is longer than `width`, all but the first indented.
std::string wrapped(std::string_view text, size_t indent, size_t width) {
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const bool fits = used == 0 || used + 1 + columns(word) <= width;
    if (!fits) out += "\n" + std::string(indent, ' ');
    if (fits && used > 0) out += ' ';
    used = (fits && used > 0 ? used + 1 : 0) + columns(word);
    out += word;
  }
  return out;
}

// "  -o, --output DIR      text, wrapped under itself"
std::string entry(const std::string& left, std::string_view text) {
  const bool beside = columns(left) + 4 <= kTextColumn;
  return fmt::format("  {}{}{}{}\n", left, beside ? "" : "\n",
                     std::string(beside ? kTextColumn - 2 - columns(left) : kTextColumn, ' '),
                     wrapped(text, kTextColumn, kHelpColumns - kTextColumn));
}

std::string entry_of(const Option& option) {
  std::string left = option.names[1] == '-' ? "    " : "";
  for (const char c : option.names) left += c == ',' ? ", " : std::string(1, c);
  return entry(option.value.empty() ? left : left + " " + option.value, option.text);
}

// Lines of example commands in one column, what they do in another where both fit.
std::string examples_of(std::string_view lines) {
  constexpr size_t kColumn = 43;
  std::string out = "\nExamples:\n";
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const size_t mark = std::min(line.find("  # "), line.size());
    const std::string command = fmt::format("  {}", line.substr(0, mark));
    const std::string_view what = line.substr(std::min(mark + 2, line.size()));
    const bool beside = columns(command) + 2 <= kColumn && kColumn + what.size() <= kHelpColumns;
    if (what.empty()) {
      out += command + "\n";
    } else if (beside) {
      out += fmt::format("{:<43}{}\n", command, what);
    } else {
      out += fmt::format("  {}\n{}\n", wrapped(what, 4, kHelpColumns - 4), command);
    }
  }
  return out;
}

std::string options_of(const Command& command) {
  std::string out;
  for (const Group& group : command.groups) {
    out += fmt::format("\n{}:\n", group.title);
    for (const Option& option : group.options) out += option.text.empty() ? "" : entry_of(option);
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

std::string help_text(const Command& program, const Command& command) {
  const bool whole = &program == &command;
  const std::string words = whole ? program.name : program.name + " " + command.name;
  const Operands& operands = command.operands;
  std::string out = wrapped(fmt::format("{} - {}", words, command.summary), 2, kHelpColumns) + "\n";
  out += examples_of(command.examples);
  out += fmt::format("\nUsage: {} [OPTION...]", words);
  if (!operands.name.empty()) {
    out += fmt::format(" [{}{}]", operands.name, operands.many ? "..." : "");
  }
  out += command.commands.empty() ? "\n" : " COMMAND ...\n\nCommands:\n";
  for (const Command& one : command.commands) {
    if (!one.summary.empty()) out += entry(one.name, one.summary);
  }
  if (!operands.name.empty()) out += "\nArguments:\n" + entry(operands.name, operands.text);
  out += options_of(command) + (whole ? "" : options_of(program));
  return out + paragraphs(command.more);
}

}  // namespace imgq::tools
