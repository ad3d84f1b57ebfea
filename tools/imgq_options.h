#ifndef IMGQ_TOOLS_IMGQ_OPTIONS_H_
#define IMGQ_TOOLS_IMGQ_OPTIONS_H_

#include <functional>
#include <map>
#include <string>

#include "src/cli/doctor.h"
#include "src/cli/info.h"
#include "src/cli/session.h"
#include "src/run/run.h"

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

// What a subcommand needs of the engine.
struct Engines {
  cli::Engine run;
  cli::Inspector inspect;
  cli::WorkerFinder find_worker;
  std::function<Error()> tell_libraries;  // supervise/engine.h
};

// A defined subcommand: what runs once the options are read.
using Command = std::function<Exit(const cli::Session&)>;
using Commands = std::map<std::string, Command>;

// Put the subcommands into `app`; each writes into structs that live as long as its Command.
// A value's name carries what completes it: "FORMAT:jpeg png", "DIR:@dir", "FILE:@file".
void define_globals(CLI::App& app, Globals& globals);
void define_work_commands(CLI::App& app, Globals& globals, const Engines& engines,
                          Commands& commands);
void define_job_commands(CLI::App& app, Globals& globals, const Engines& engines,
                         Commands& commands);
void define_care_commands(CLI::App& app, Globals& globals, const Engines& engines,
                          Commands& commands);

// The whole program, but for the catch.
Exit imgq(int count, char** arguments, const Engines& engines);

}  // namespace imgq::tools

#endif  // IMGQ_TOOLS_IMGQ_OPTIONS_H_
