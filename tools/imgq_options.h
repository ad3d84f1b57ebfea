#ifndef IMGQ_TOOLS_IMGQ_OPTIONS_H_
#define IMGQ_TOOLS_IMGQ_OPTIONS_H_

#include <functional>
#include <map>
#include <string>

#include "src/cli/session.h"

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
}

// The options of imgq: what they are called and where they go. Sole user of CLI11 are the files
// imgq_*.cc here.
namespace imgq::tools {

struct Globals {
  std::string spool;
  std::string config;
  std::string colour = "auto";
  bool quiet = false;
  bool verbose = false;
  bool json = false;
};

// A defined subcommand: what runs once the options are read.
using Command = std::function<Exit(const cli::Session&)>;
using Commands = std::map<std::string, Command>;

// Put the subcommands into `app`; each writes into structs that live as long as its Command.
// A value's name carries what completes it: "FORMAT:jpeg png", "DIR:@dir", "FILE:@file".
void define_globals(CLI::App& app, Globals& globals);
void define_work_commands(CLI::App& app, Globals& globals, Commands& commands);
void define_job_commands(CLI::App& app, Globals& globals, Commands& commands);
void define_care_commands(CLI::App& app, Globals& globals, Commands& commands);

// The whole program, but for the catch.
Exit imgq(int count, char** arguments);

}  // namespace imgq::tools

#endif  // IMGQ_TOOLS_IMGQ_OPTIONS_H_
