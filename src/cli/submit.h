#pragma once

#include <string>

#include "src/cli/gather.h"
#include "src/cli/request_options.h"
#include "src/cli/session.h"

namespace imgq::cli {

struct SubmitOptions {
  FileOptions files;
  RequestOptions request;
  std::string name;  // for the image on stdin; default "stdin"
  std::string key;   // idempotency key, for one file
  bool dedupe = false;
  bool link = false;  // hard link instead of a copy
  bool hold = false;
  bool wait = false;
  std::string timeout;  // of --wait
  bool print0 = false;
};

// Brings images into the spool and prints one id each, in the order of the arguments, as soon as
// the job is durable. Ids of 256 files at a time: they share their syncs.
//   exit  ok; some_failed when some could not be submitted; no_input or bad_image when none could
Exit submit_command(const Session& session, const SubmitOptions& options);

}  // namespace imgq::cli
