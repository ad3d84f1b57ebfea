#include <algorithm>
#include <cerrno>
#include <string>

#include "spool/query.h"
#include "spool/records.h"
#include "spool/types.h"
#include "src/http/problem.h"
#include "src/jobs/job_view.h"
#include "src/util/log.h"
#include "src/web/job_json.h"
#include "src/web/look_up.h"
#include "src/web/routes.h"
#include "src/web/spool_problem.h"

namespace imgq::web::routes {
namespace {

// The reply for a job that has no results to give.
Reply no_results(const JobView& job) {
  if (job.state == State::failed) {
    return problem(409, "the job has failed: " + job.outcome->cause.message, "failed");
  }
  if (job.state == State::cancelled) return problem(409, "the job was cancelled", "cancelled");
  return problem(409, "the job is not completed yet", "not_completed", 1);
}

bool is_completed(const JobView& job) {
  return job.outcome && job.outcome->ending == Ending::completed;
}

// The result of that name; without a name the one called "thumb", else the first.
const ResultFile* choose(const std::vector<ResultFile>& results, std::string_view name) {
  const std::string_view wanted = name.empty() ? "thumb" : name;
  const auto found = std::find_if(results.begin(), results.end(), [&](const ResultFile& result) {
    return result.rendition == wanted;
  });
  if (found != results.end()) return &*found;
  return name.empty() && !results.empty() ? &results.front() : nullptr;
}

// "My photo.JPG" and "thumb" make "My_photo-thumb.jpg": nothing that could end the header's quotes
// or mean something to a shell or a path.
std::string download_name(const JobView& job, const ResultFile& result) {
  std::string stem = job.ticket.name.substr(0, std::min(job.ticket.name.rfind('.'), size_t{80}));
  for (char& c : stem) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_';
    if (!plain) c = '_';
  }
  if (stem.empty()) stem = "image";
  const size_t dot = result.file.rfind('.');
  const std::string extension = dot == std::string::npos ? "" : result.file.substr(dot);
  return stem + "-" + result.rendition + extension;
}

Reply file_reply(const Asked& asked, const JobView& job, const ResultFile& result, Fd file) {
  Reply reply;
  const std::string etag = "\"" + result.sha256 + "\"";
  reply.fields.emplace_back("ETag", etag);
  // A published result never changes, and its address is never used for another.
  reply.fields.emplace_back("Cache-Control", "private, max-age=86400, immutable");
  if (has_already(asked.head, etag)) {
    reply.status = 304;
    return reply;
  }
  const bool download = asked.head.parameter("download") != nullptr;
  reply.fields.emplace_back("Content-Disposition", std::string(download ? "attachment" : "inline") +
                                                       "; filename=\"" +
                                                       download_name(job, result) + "\"");
  reply.type = result_type(result);
  reply.file = FileBody{std::move(file), result.size_bytes};
  return reply;
}

Reply result_reply(const Site& site, const Asked& asked, const JobView& job,
                   std::string_view name) {
  if (!is_completed(job)) return no_results(job);
  const ResultFile* result = choose(job.outcome->results, name);
  if (result == nullptr) return problem(404, "the job has no result of this name", "no_result");
  auto file = open_result(site.spool, job.ticket.id, *result);
  if (!file && file.error().code == ENOENT) {
    return problem(410, "the result is no longer kept", "gone");
  }
  if (!file) {
    log::line(log::Level::error, "a result cannot be sent",
              {{"job", job.ticket.id.text()}, {"why", file.error().text()}});
    return problem_of(file.error());
  }
  return file_reply(asked, job, *result, std::move(*file));
}

}  // namespace

Reply list_results(Site& site, const Asked& asked) {
  return with_job(site, asked.head.path[2], [&site](const JobView& job) {
    if (!is_completed(job)) return no_results(job);
    return Reply{.text = results_json(job, base_of(site))};
  });
}

// /v1/jobs/ID/results/NAME, /result/ID/NAME, /result/ID
Reply send_result(Site& site, const Asked& asked) {
  const auto& path = asked.head.path;
  const bool old = path[0] == "result";
  const std::string& id = old ? path[1] : path[2];
  const std::string name = old ? (path.size() > 2 ? path[2] : "") : path[4];
  return with_job(site, id,
                  [&](const JobView& job) { return result_reply(site, asked, job, name); });
}

}  // namespace imgq::web::routes
