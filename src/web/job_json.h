#ifndef IMGQ_SRC_WEB_JOB_JSON_H_
#define IMGQ_SRC_WEB_JOB_JSON_H_

#include <string>

#include "spool/query.h"
#include "src/web/spool_view.h"

// Jobs as clients see them, in JSON.
namespace imgq::web {

// {"id","state","attempts","submitted_at","name","links",...}, "results" when completed, "error"
// when failed or cancelled, "retry_at" and the last try's error as "last_error" when delayed.
std::string job_json(const JobView& job);

// The same with all that is recorded: request, tries, owner, what the worker found.
std::string record_json(const JobView& job);

// {"id","results":[...]}, of a completed job.
std::string results_json(const JobView& job);

// {"jobs":{"staging":0,...},"oldest_waiting_since","completed_last_minute","daemons","spool_up"}
std::string counts_json(const View& view);

// A result's size in pixels, as its record has it.
struct Pixels {
  int64_t width = 0, height = 0;
};
Pixels pixels_of(const ResultFile& result);

// A result's media type by what our encoder wrote; "application/octet-stream" for anything else.
std::string result_type(const ResultFile& result);

// Changes whenever the job's JSON does.
std::string job_etag(const JobView& job);

// The job's address: "/v1/jobs/<id>".
std::string job_address(const JobId& id);

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_JOB_JSON_H_
