#pragma once

#include <string>

#include "src/cli/gather.h"
#include "src/cli/request_options.h"
#include "src/cli/session.h"

namespace imgq::cli {

struct RunOptions {
  FileOptions files;
  RequestOptions request;
  std::string output = "thumbs";
  std::string manifest;  // a JSON file about all results; "-" is stdout
  std::string workers;
  std::string shard;  // the part that is made here, of several; empty: all
  std::string sync = "batch";
  std::string watermark, watermark_place, watermark_opacity;  // a file, and how it lies
  bool overwrite = false;     // files in the way that imgq has not made
  bool prune = false;         // results whose sources are gone
  bool dry_run = false;       // only say what would be done
  bool retry_failed = false;  // also what is known to be bad
  bool strict = false;        // nothing to do is an error
  bool print = false, print0 = false;
};

// Makes the renditions of files and of all images below directories, beside each other in one
// output directory, without a daemon: a private spool in OUTPUT/.imgq is worked off by the same
// engine. What is up to date is left alone, and so is what is known to be bad; what was interrupted
// goes on where it was.
// The runs of all shards may be at work in one output directory, each with a spool and a done file
// of its own.
//   exit  ok; some_failed; bad_image all failed; no_input nothing could be read; cannot_create;
//         try_later no room, or another run is at work in the same place; interrupted
Exit run_command(const Session& session, const RunOptions& options);

}  // namespace imgq::cli
