#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spool/records.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"

namespace imgq {

// A job about to be submitted.
struct Draft {
  std::string name = {};       // the submitter's name for the image, any bytes
  std::string request = "{}";  // JSON object
  std::string key = {};        // idempotency key or empty
  int max_attempts = 3;
  bool held = false;                    // straight to hold/ instead of staging/
  std::optional<TempFile> source = {};  // in tmp/; when there is none, `referenced` counts
  Source referenced = {};               // kind referenced, path, size, mtime
  std::string sha256 = {};              // of the source, when known
  bool takes_key = true;  // else it is only told: the spool's one submitter knows its jobs
};

struct Submitted {
  JobId id;
  bool existing = false;  // the key was known: this is the job submitted with it before
};

// Submits jobs: source and ticket durable under their names, token in staging/, and only then the
// answer; in `batch` and `none` up to 256 drafts share their syncs. Answers are in the order of the
// drafts; a draft whose answer is an Error left nothing behind, save what sweep removes.
//   errors  ENOSPC, EDQUOT, EROFS no room; EINVAL a draft breaks records.h's bounds; EIO a sync
//           failed: none of the group is acknowledged
//   source  FORMAT.md "Submit"
std::vector<Result<Submitted>> submit(const Spool& spool, std::vector<Draft> drafts, Sync sync);

}  // namespace imgq
