#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "src/base/exit_code.h"

namespace imgq::cli {
struct Session;
}

// A program's command line as one table: what is read, told by --help and completed in a shell.
namespace imgq::tools {

struct Option {
  std::string names;                                                  // "-o,--output"
  std::variant<bool*, std::string*, std::vector<std::string>*> into;  // bool: a switch
  std::string text;                                                   // empty: not told of
  std::string value = "";                                             // "DIR"
  std::string offer = "";  // words that the value may be, or "@file", "@dir"
};

struct Group {
  std::string title;
  std::vector<Option> options;
};

struct Operands {
  std::string name = "", text = "";
  std::vector<std::string>* into = nullptr;  // nullptr: there are none
  std::string offer = "";
  bool many = true;
};

struct Command {
  std::string name;      // "imgq", "submit"
  std::string summary;   // one line; empty: not told of
  std::string examples;  // "imgq submit a.jpg  # what it does", one a line
  std::string more;      // paragraphs, separated by empty lines
  std::vector<Group> groups;
  Operands operands = {};
  std::function<Exit(const cli::Session&)> run = nullptr;
  std::vector<Command> commands = {};  // a program's
};

// Reads a command line into where the tables say; a usage error is told in one line.
//   help    where the program's table has --help, which is answered
//   result  the chosen command, or the program when none was named; nullptr: all is said, `exit`
struct Chosen {
  const Command* command = nullptr;
  Exit exit = Exit::ok;
};
Chosen read_command_line(const Command& program, const bool& help, int count, char** words);

// The command of that name; nullptr for none.
const Command* find_command(const Command& program, const std::string& name);

// An error of usage, or another, in one line on stderr: "imgqd: what".
Exit complain(const Command& program, const std::string& what, Exit exit = Exit::usage);
Exit complain_of_command(const Command& program, const std::string& name);

// Text on stdout.
//   exit  ok; io_error, which has been told
Exit print(const Command& program, const std::string& text);

// Runs a program from its main(); a bug is told.
int run_program(const char* name, const std::function<Exit()>& run);

// Help of a program, or of one of its commands (the program's options at the end), in lines of at
// most kHelpColumns.
inline constexpr size_t kHelpColumns = 80;
std::string help_text(const Command& program, const Command& command);

// What may stand in the place of the last of the words, those after the program's name: one a line,
// what it means after a tab; or "@file", "@dir": the shell knows them.
std::string offers(const Command& program, const std::vector<std::string>& words);

// What a shell is to run so that it completes all three programs by asking them for offers().
//   result  empty: it is not bash, zsh or fish
std::string completion_script(const std::string& shell);

}  // namespace imgq::tools
