#ifndef IMGQ_TOOLS_USAGE_WORDS_H_
#define IMGQ_TOOLS_USAGE_WORDS_H_

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
class ParseError;
}  // namespace CLI

namespace imgq::tools {

// What is wrong with a daemon's command line, in one line of our own words.
std::string usage_words(const CLI::App& app, const CLI::ParseError& error);

}  // namespace imgq::tools

#endif  // IMGQ_TOOLS_USAGE_WORDS_H_
