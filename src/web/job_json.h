#pragma once

#include <string>

#include "spool/query.h"
#include "src/web/spool_view.h"

// Jobs as clients see them: those of src/jobs/job_view.h, with their addresses, which begin with
// `base`: "https://img.example.org/imgq", or "" for those of this server.
namespace imgq::web {

// A job_object in brief, with "links"; each result has its "url".
std::string job_json(const JobView& job, const std::string& base);

// The same in full.
std::string record_json(const JobView& job, const std::string& base);

// {"id","results":[...]}, of a completed job.
std::string results_json(const JobView& job, const std::string& base);

// counts_object with "completed_last_minute" and "spool_up".
std::string counts_json(const View& view);

// Changes whenever the job's JSON does.
std::string job_etag(const JobView& job, const std::string& base);

// The job's address on this server: "/v1/jobs/<id>".
std::string job_address(const JobId& id);

}  // namespace imgq::web
