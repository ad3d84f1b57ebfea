// Completion scripts for bash, zsh and fish, from the command's own definitions.
#include <fmt/format.h>

#include "src/cli/help.h"

namespace imgq::cli {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

bool is_words(const std::vector<std::string>& choices) {
  return !choices.empty() && choices[0][0] != '@';
}

std::string names_of(const CommandDoc& command) {
  std::string out;
  for (const OptionDoc& option : command.options) out += joined(option.names, " ") + " ";
  return out;
}

std::string command_names(const CommandDoc& program) {
  std::vector<std::string> names;
  for (const CommandDoc& command : program.commands) names.push_back(command.name);
  return joined(names, " ");
}

// ---- bash: one function; what the word before wants decides, then the command.

std::string bash_value(const std::vector<std::string>& choices) {
  if (is_words(choices)) {
    return fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")",
                       joined(choices, " "));
  }
  const bool directories = !choices.empty() && choices[0] == "@dir";
  const bool files = !choices.empty() && choices[0] == "@file";
  if (directories) return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$word\")";
  if (files) return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")";
  return "COMPREPLY=()";
}

std::string bash_options(const CommandDoc& command, std::string_view prefix) {
  std::string out;
  for (const OptionDoc& option : command.options) {
    if (option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) {
      patterns.push_back(fmt::format("{}{}", prefix, name));
    }
    out +=
        fmt::format("    {}) {}; return ;;\n", joined(patterns, "|"), bash_value(option.choices));
  }
  return out;
}

std::string bash_script(const CommandDoc& program) {
  std::string values, words, globals_with_value;
  for (const OptionDoc& option : program.options) {
    if (!option.value.empty()) {
      globals_with_value += (globals_with_value.empty() ? "" : "|") + joined(option.names, "|");
    }
  }
  for (const CommandDoc& command : program.commands) {
    values += bash_options(command, command.name + ":");
    const bool plain = command.arguments.empty();
    const std::string argument = plain ? "COMPREPLY=()" : bash_value(command.arguments[0].choices);
    words += fmt::format(
        "    {})\n      options='{}'\n      [[ $word == -* ]] || {{ {}; return; }}\n"
        "      ;;\n",
        command.name, names_of(command), argument);
  }
  return fmt::format(
      R"(# bash completion for {0}, made by '{0} completion bash'
_{0}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command='' options='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      {1}) ((i++)) ;;
      -*) ;;
      *) command=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  case $before in
{2}  esac
  case $command:$before in
{3}  esac
  case $command in
    '')
      options='{4}'
      [[ $word == -* ]] || {{ mapfile -t COMPREPLY < <(compgen -W '{5}' -- "$word"); return; }}
      ;;
{6}  esac
  mapfile -t COMPREPLY < <(compgen -W "$options {4}" -- "$word")
}}
complete -F _{0} {0}
)",
      program.name, globals_with_value, bash_options(program, ""), values, names_of(program),
      command_names(program), words);
}

// ---- zsh: _arguments for the program, then for the command.

std::string zsh_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == '[' || c == ']' || c == ':' || c == '\\')
      out += fmt::format("\\{}", c);
    else
      out += c;
  }
  return out;
}

std::string zsh_action(const std::vector<std::string>& choices) {
  if (is_words(choices)) return fmt::format("({})", joined(choices, " "));
  if (!choices.empty() && choices[0] == "@dir") return "_files -/";
  if (!choices.empty() && choices[0] == "@file") return "_files";
  return " ";
}

std::string zsh_options(const CommandDoc& command) {
  std::string out;
  for (const OptionDoc& option : command.options) {
    for (const std::string& name : option.names) {
      out += fmt::format("    '{}[{}]", name, zsh_quoted(option.text));
      if (!option.value.empty()) {
        out += fmt::format(":{}:{}", zsh_quoted(option.value), zsh_action(option.choices));
      }
      out += "'\n";
    }
  }
  return out;
}

std::string zsh_script(const CommandDoc& program) {
  std::string commands, cases;
  for (const CommandDoc& command : program.commands) {
    commands += fmt::format("    '{}:{}'\n", command.name, zsh_quoted(command.summary));
    std::string arguments;
    for (const ArgumentDoc& argument : command.arguments) {
      arguments += fmt::format("        '{}:{}:{}'\n", argument.many ? "*" : "",
                               zsh_quoted(argument.name), zsh_action(argument.choices));
    }
    cases += fmt::format("    {})\n      options+=(\n{}{}      )\n      ;;\n", command.name,
                         zsh_options(command), arguments);
  }
  return fmt::format(
      R"(#compdef {0}
# zsh completion for {0}, made by '{0} completion zsh'
_{0}() {{
  local curcontext=$curcontext state line
  local -a commands options
  local -A opt_args
  commands=(
{1}  )
  options=(
{2}  )
  _arguments -C -S $options '1:command:->command' '*::argument:->argument' && return
  case $state in
    command) _describe 'command' commands; return ;;
  esac
  case $words[1] in
{3}  esac
  _arguments -S $options
}}
if [[ $funcstack[1] == _{0} ]]; then
  _{0} "$@"
else
  compdef _{0} {0}
fi
)",
      program.name, commands, zsh_options(program), cases);
}

// ---- fish: one line for each option of each command.

std::string fish_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string fish_option(const std::string& program, const std::string& condition,
                        const OptionDoc& option) {
  std::string out = fmt::format("complete -c {}{}", program, condition);
  for (const std::string& name : option.names) {
    out += name.size() == 2 ? fmt::format(" -s {}", name.substr(1))
                            : fmt::format(" -l {}", name.substr(2));
  }
  if (!option.value.empty()) {
    const bool files = !option.choices.empty() && option.choices[0][0] == '@';
    out += files ? " -r -F" : " -x";
    if (is_words(option.choices)) out += fmt::format(" -a '{}'", joined(option.choices, " "));
  }
  return out + fmt::format(" -d '{}'\n", fish_quoted(option.text));
}

std::string fish_script(const CommandDoc& program) {
  const std::string names = command_names(program);
  std::string out = fmt::format(
      "# fish completion for {0}, made by '{0} completion fish'\n"
      "complete -c {0} -f\n",
      program.name);
  for (const OptionDoc& option : program.options) out += fish_option(program.name, "", option);
  for (const CommandDoc& command : program.commands) {
    out += fmt::format("complete -c {} -n 'not __fish_seen_subcommand_from {}' -a {} -d '{}'\n",
                       program.name, names, command.name, fish_quoted(command.summary));
    const std::string condition = fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
    for (const OptionDoc& option : command.options) {
      out += fish_option(program.name, condition, option);
    }
    for (const ArgumentDoc& argument : command.arguments) {
      if (is_words(argument.choices)) {
        out += fmt::format("complete -c {}{} -a '{}'\n", program.name, condition,
                           joined(argument.choices, " "));
      } else if (!argument.choices.empty()) {
        out += fmt::format("complete -c {}{} -F\n", program.name, condition);
      }
    }
  }
  return out;
}

}  // namespace

std::string completion_script(Shell shell, const CommandDoc& program) {
  switch (shell) {
    case Shell::bash:
      return bash_script(program);
    case Shell::zsh:
      return zsh_script(program);
    case Shell::fish:
      return fish_script(program);
  }
  return "";
}

}  // namespace imgq::cli
