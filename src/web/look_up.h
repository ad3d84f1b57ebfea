#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "spool/query.h"
#include "src/http/exchange.h"
#include "src/web/site.h"

namespace imgq::web {

// What `show` makes of the job that a path's segment names, or the reply that says why there is
// none:
//   404  no such id
//   410  an id older than the shortest retention: a job of that age has been purged, if there ever
//        was one. (Nothing is kept of a purged job, but its id tells when it was made.)
Reply with_job(const Site& site, std::string_view id,
               const std::function<Reply(const JobView&)>& show);

// The 404 or 410 for an id that has no job.
Reply no_job(const Site& site, const JobId& id);

// A small query number: `fallback` when missing, nothing when it is none or out of range.
std::optional<int64_t> number_parameter(const Head& head, std::string_view name, int64_t low,
                                        int64_t high, int64_t fallback);

// True when the request already has what this tag stands for (If-None-Match, weakly compared).
bool has_already(const Head& head, std::string_view etag);

}  // namespace imgq::web
