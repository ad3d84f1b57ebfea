#pragma once

#include "src/util/error.h"

namespace imgq {

// Every exit code of every program, after sysexits.h(3head). Documented in imgq(1), EXIT STATUS.
enum class Exit {
  ok = 0,
  some_failed = 1,  // some job failed, or is unknown
  usage = 64,
  bad_image = 65,          // all that was asked for failed on its data
  no_input = 66,           // a named file is missing or unreadable
  spool_unavailable = 69,  // missing, foreign, of another version; no worker
  bug = 70,
  cannot_create = 73,
  io_error = 74,
  try_later = 75,  // full, read-only, timed out waiting
  no_permission = 77,
  bad_config = 78,
  interrupted = 130,
};

// The exit code for an error of the spool.
Exit exit_for(const Error& error);

}  // namespace imgq
