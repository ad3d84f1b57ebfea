#include "tools/usage_words.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::tools {
namespace {

std::string unknown_words(const CLI::App& app, const std::string& word) {
  if (word.empty() || word[0] != '-') {
    return "unexpected argument '" + printable(shortened(word, 80)) + "'";
  }
  const std::string option = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const CLI::Option* each : app.get_options()) {
    for (const std::string& name : each->get_lnames()) known.push_back("--" + name);
  }
  return "unknown option '" + printable(shortened(option, 80)) + "'" + hint_for(option, known);
}

}  // namespace

std::string usage_words(const CLI::App& app, const CLI::ParseError& error) {
  std::string words = error.what();
  const std::vector<std::string> extras = app.remaining();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !extras.empty()) {
    words = unknown_words(app, extras.front());
  } else if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    words.replace(std::min(words.find(':'), words.size()), std::string::npos, ": needs a value");
  }
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words + "; see '" + app.get_name() + " --help'";
}

}  // namespace imgq::tools
