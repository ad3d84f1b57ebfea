#pragma once

#include <string>

#include "spool/query.h"
#include "src/web/spool_view.h"

// Jobs as clients see them: those of src/jobs/job_view.h, with their addresses.
namespace imgq::web {

// A job_object in brief, with "links"; each result has its "url".
std::string job_json(const JobView& job);

// The same in full.
std::string record_json(const JobView& job);

// {"id","results":[...]}, of a completed job.
std::string results_json(const JobView& job);

// counts_object with "completed_last_minute" and "spool_up".
std::string counts_json(const View& view);

// Changes whenever the job's JSON does.
std::string job_etag(const JobView& job);

// The job's address: "/v1/jobs/<id>".
std::string job_address(const JobId& id);

}  // namespace imgq::web
