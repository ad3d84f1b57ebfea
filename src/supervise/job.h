#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "spool/owner.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "src/base/limits.h"
#include "src/base/request.h"
#include "src/base/verdict.h"
#include "src/base/watermark.h"

namespace imgq::supervise {

// A claimed job on its way through the supervisor.
struct Job {
  Job(Claim taken, std::shared_ptr<Owner> taker)
      : claim(std::move(taken)), owner(std::move(taker)) {}

  Claim claim;
  std::shared_ptr<Owner> owner;  // the instance that claimed it: it may be lost meanwhile
  Request request;
  Fd source;
  std::vector<TempFile> results;  // one a rendition, in order
  struct OpenWatermark {
    Fd file;
    Watermark look;
  };
  std::vector<OpenWatermark> watermarks;  // of the renditions that name one, in order
  Slot slot = Slot::normal;
  bool fresh_worker = false;  // only for a worker that has done nothing yet
};
using JobPtr = std::unique_ptr<Job>;

// What preparing led to: ready to run (neither), or judged already, or the spool refused.
struct Prepared {
  JobPtr job;
  std::optional<Verdict> verdict;
  std::optional<Error> trouble;
};

// Reads the request, opens the source and its watermarks, makes the files for the results. Blocks:
// not for the loop.
Prepared prepare(const Spool& spool, const std::shared_ptr<Owner>& owner, Claim claim,
                 const Watermarks& watermarks);

// Empties the result files for another go, after the worker that wrote them is gone.
Status reset_results(Job& job);

}  // namespace imgq::supervise
