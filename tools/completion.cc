// Completion: the shells ask the program itself what may stand in a place.
#include "src/util/text.h"
#include "tools/options.h"

namespace imgq::tools {
namespace {

constexpr const char* kBash = R"(# bash completion, made by 'imgq completion bash'
_imgq() {
  local offered word=${COMP_WORDS[COMP_CWORD]}
  mapfile -t offered < <("${COMP_WORDS[0]##*/}" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case ${offered[0]-} in
    @file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    @dir) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    *) COMPREPLY=("${offered[@]%%$'\t'*}") ;;
  esac
}
complete -F _imgq imgq imgqd imgq-httpd
)";

constexpr const char* kZsh = R"(#compdef imgq imgqd imgq-httpd
# zsh completion, made by 'imgq completion zsh'
_imgq() {
  local -a offered
  offered=("${(@f)$($service --complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case $offered[1] in
    @file) _files ;;
    @dir) _files -/ ;;
    ?*) offered=("${(@)offered/$'\t'/:}"); _describe word offered ;;
  esac
}
if [[ $funcstack[1] == _imgq ]]; then
  _imgq "$@"
else
  compdef _imgq imgq imgqd imgq-httpd
fi
)";

constexpr const char* kFish = R"(# fish completion, made by 'imgq completion fish'
function __imgq_offers
  set -l words (commandline -opc) (commandline -ct)
  set -l offered ($words[1] --complete $words[2..-1] 2>/dev/null)
  switch "$offered[1]"
    case @file
      __fish_complete_path "$words[-1]"
    case @dir
      __fish_complete_directories "$words[-1]"
    case '*'
      printf '%s\n' $offered
  end
end
for program in imgq imgqd imgq-httpd
  complete -c $program -f -a '(__imgq_offers)'
end
)";

struct Named {
  std::string name;
  const Option* option;
};

void add_names(const Command& command, std::vector<Named>& names) {
  for (const Group& group : command.groups) {
    for (const Option& option : group.options) {
      if (option.text.empty()) continue;
      for (const std::string& name : split(option.names, ',')) names.push_back({name, &option});
    }
  }
}

// The option of that name, when it takes a value.
const Option* taker(const std::vector<Named>& names, std::string_view name) {
  for (const Named& one : names) {
    if (one.name == name && !one.option->value.empty()) return one.option;
  }
  return nullptr;
}

// The word that is typed, and what stands before it.
struct Place {
  const Command* command;  // nullptr: one that is not known
  std::vector<Named> names = {};
  const Option* open = nullptr;       // its value is typed
  std::string stem = "", typed = "";  // "--mode=" and "fi", or "" and what is typed
};

Place place_of(const Command& program, const std::vector<std::string>& words) {
  Place place{&program};
  add_names(program, place.names);
  for (size_t i = 0; i + 1 < words.size() && place.command != nullptr; ++i) {
    if (words[i] == "=") continue;  // a word of its own to bash
    if (place.open != nullptr) {
      place.open = nullptr;
    } else if (words[i][0] == '-') {
      place.open = taker(place.names, words[i]);
    } else if (!place.command->commands.empty()) {
      place.command = find_command(program, words[i]);
      if (place.command != nullptr) add_names(*place.command, place.names);
    }
  }
  const std::string last = words.empty() || words.back() == "=" ? "" : words.back();
  const size_t stem = place.open == nullptr ? last.find('=') + 1 : 0;
  if (stem > 0) place.open = taker(place.names, last.substr(0, stem - 1));
  place.stem = last.substr(0, stem);
  place.typed = last.substr(stem);
  return place;
}

// A line for a word that begins as what is typed.
std::string line_of(const Place& place, const std::string& word, const std::string& text) {
  return word.rfind(place.typed, 0) == 0 ? place.stem + word + "\t" + text + "\n" : "";
}

std::string lines_of(const Place& place, const std::string& offer) {
  if (offer[0] == '@') return offer + "\n";
  std::string lines;
  for (const std::string& word : split(offer, ' ')) lines += line_of(place, word, "");
  return lines;
}

}  // namespace

std::string offers(const Command& program, const std::vector<std::string>& words) {
  const Place place = place_of(program, words);
  if (place.command == nullptr) return "";
  if (place.open != nullptr) return lines_of(place, place.open->offer);
  std::string lines;
  if (place.typed[0] == '-') {
    for (const Named& one : place.names) lines += line_of(place, one.name, one.option->text);
    return lines;
  }
  for (const Command& one : place.command->commands) {
    if (!one.summary.empty()) lines += line_of(place, one.name, one.summary);
  }
  return lines + lines_of(place, place.command->operands.offer);
}

std::string completion_script(const std::string& shell) {
  return shell == "bash" ? kBash : shell == "zsh" ? kZsh : shell == "fish" ? kFish : "";
}

}  // namespace imgq::tools
