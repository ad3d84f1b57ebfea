#ifndef IMGQ_SRC_CLI_HELP_H_
#define IMGQ_SRC_CLI_HELP_H_

#include <string>
#include <string_view>
#include <vector>

// The command's own description as values, its help as text, and scripts that complete it in a
// shell: all from the same definitions.
namespace imgq::cli {

struct OptionDoc {
  std::vector<std::string> names;  // "-o", "--output"; short ones first
  std::string value;               // "DIR"; empty for a switch
  std::string text;
  std::string group;                 // title it stands under
  std::vector<std::string> choices;  // words the value may be; or "@file", "@dir"
};

struct ArgumentDoc {
  std::string name;  // "FILE"
  std::string text;
  bool required = false;
  bool many = false;
  std::vector<std::string> choices;
};

struct CommandDoc {
  std::string name;                   // "imgq", "submit"
  std::string summary;                // one line
  std::string more;                   // paragraphs, separated by empty lines
  std::vector<std::string> examples;  // "imgq submit a.jpg  # what it does"
  std::vector<ArgumentDoc> arguments;
  std::vector<OptionDoc> options;
  std::vector<CommandDoc> commands;  // hidden ones left out
};

inline constexpr size_t kHelpColumns = 80;

// Help of the program itself, or of one of its commands (program's options at the end).
std::string program_help(const CommandDoc& program);
std::string command_help(const CommandDoc& program, const CommandDoc& command);

// Text broken at blanks so that no line is longer than `width`, all but the first indented.
std::string wrapped(std::string_view text, size_t indent, size_t width);

enum class Shell { bash, zsh, fish };
std::string completion_script(Shell shell, const CommandDoc& program);

}  // namespace imgq::cli

#endif  // IMGQ_SRC_CLI_HELP_H_
