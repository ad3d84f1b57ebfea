#ifndef IMGQ_SRC_WEB_JOB_JSON_H_
#define IMGQ_SRC_WEB_JOB_JSON_H_

#include <string>

#include "spool/json.h"
#include "spool/query.h"
#include "src/web/board.h"

// Jobs as clients see them. Included by .cc files only, as json.h is.
namespace imgq::web {

// {"id","state","attempts","submitted_at","name","links",...}, "results" when completed, "error"
// when failed or cancelled, "retry_at" and the last try's "error" when delayed.
Json job_json(const JobView& job);

// The same with all that is recorded: request, tries, owner, what the worker found.
Json record_json(const JobView& job);

// {"jobs":{"staging":0,...},"oldest_waiting_since","completed_last_minute","daemons","spool_up"}
Json counts_json(const View& view);

// A result's media type by what our encoder wrote; "application/octet-stream" for anything else.
std::string result_type(const ResultFile& result);

// Changes whenever the job's JSON does.
std::string job_etag(const JobView& job);

// The job's address: "/v1/jobs/<id>".
std::string job_address(const JobId& id);

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_JOB_JSON_H_
