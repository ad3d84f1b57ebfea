#include <algorithm>
#include <string>
#include <utility>

#include "spool/control.h"
#include "spool/list.h"
#include "src/http/problem.h"
#include "src/util/json.h"
#include "src/web/job_json.h"
#include "src/web/look_up.h"
#include "src/web/routes.h"
#include "src/web/spool_problem.h"
#include "src/web/submission.h"

namespace imgq::web::routes {
namespace {

constexpr int64_t kMaxWaitSeconds = 60;

Reply json_reply(int status, const std::string& body) {
  return {.status = status, .text = body + "\n"};
}

// {"jobs":[...]} of jobs that are JSON already.
std::string jobs_json(const std::vector<std::string>& jobs) {
  std::string out = "{\"jobs\":[";
  for (const std::string& job : jobs) out += (&job == jobs.data() ? "" : ",") + job;
  return out + "]}";
}

std::string fresh_json(const Site& site, const Arrived& file) {
  const JobId& id = file.job->id;
  if (file.job->existing) {
    if (auto known = find(site.spool, id)) return job_json(*known, base_of(site));
  }
  const std::string self = base_of(site) + job_address(id);
  Json out{{"id", id.text()}, {"state", "staging"}, {"links", Json{{"self", self}}}};
  put_bytes(out, "name", file.name);
  return dump_json(out);
}

// Printable characters, so many at most; nothing for any other.
std::optional<std::string> key_of(const Head& head) {
  const std::string* key = head.field("idempotency-key");
  if (key == nullptr) return "";
  const bool printable =
      std::all_of(key->begin(), key->end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
  if (key->empty() || key->size() > kMaxKeyBytes || !printable) return std::nullopt;
  return *key;
}

Reply accepted(const Site& site, const Upload& taken) {
  std::vector<std::string> jobs;
  for (const Arrived& file : taken.files) jobs.push_back(fresh_json(site, file));
  const bool one = taken.files.size() == 1 && taken.refused.empty();
  Reply reply = json_reply(202, one ? jobs.front() : jobs_json(jobs));
  const std::string address = base_of(site) + job_address(taken.files.front().job->id);
  reply.fields = {{"Location", address}, {"Retry-After", "1"}};
  return reply;
}

// Waits until the job has ended, the client has gone or `seconds` are over.
void wait_for_end(Site& site, const Asked& asked, const JobId& id, int64_t seconds) {
  const Permit permit = take_permit(site.held.long_polls, site.options.max_held);
  if (!permit) return;  // too many wait: this one hears how it stands now and asks again
  const int64_t until = sys::monotonic_ms() + seconds * 1000;
  for (int64_t step = 20; sys::monotonic_ms() < until; step = std::min<int64_t>(step * 2, 250)) {
    const auto ended = has_ended(site.spool, id);
    if (!ended || *ended) return;
    const int64_t left = until - sys::monotonic_ms();
    if (left <= 0 || !asked.client_stays(std::min(step, left))) return;
  }
}

Reply job_reply(const Site& site, const Asked& asked, const JobView& job, const std::string& body) {
  const std::string etag = job_etag(job, base_of(site));
  if (has_already(asked.head, etag)) return {.status = 304, .fields = {{"ETag", etag}}};
  Reply reply = json_reply(200, body);
  reply.fields = {{"ETag", etag}, {"Cache-Control", "no-cache"}};
  if (!job.outcome) reply.fields.emplace_back("Retry-After", "1");
  return reply;
}

// Why a job's control (cancel, retry, purge) did nothing.
Reply not_done(const Site& site, const JobId& id, const Error& error) {
  if (error.code == EBUSY) return problem(409, "cannot " + error.action, "wrong_state");
  if (error.code == ENOENT) return no_job(site, id);
  if (error.code == EAGAIN) return problem(503, "the job is moving: try again", "moving", 1);
  return problem_of(error);
}

Reply purge_reply(const Site& site, const JobId& id) {
  const Status done = purge(site.spool, id);
  if (!done) return not_done(site, id, done.error());
  return json_reply(200, dump_json(Json{{"id", id.text()}, {"purged", true}}));
}

std::optional<State> state_named(std::string_view name) {
  for (const State state : kAllStates) {
    if (name_of(state) == name) return state;
  }
  return std::nullopt;
}

Result<std::vector<Listed>> newest_of(const Spool& spool, const std::vector<State>& states,
                                      size_t limit) {
  std::vector<Listed> all;
  for (const State state : states) {
    auto some = list(spool, state, Order::newest_first, limit);
    if (!some) return some.error();
    all.insert(all.end(), some->begin(), some->end());
  }
  return merged(std::move(all), Order::newest_first, limit);
}

}  // namespace

Reply submit_jobs(Site& site, const Asked& asked) {
  auto key = key_of(asked.head);
  if (!key)
    return problem(
        400, "an Idempotency-Key is 1 to " + std::to_string(kMaxKeyBytes) + " printable characters",
        "bad_key");
  if (const auto objection = check_query(asked.head)) return reply_to(*objection);
  Terms terms;
  terms.key = std::move(*key);
  auto taken = take_upload(site, asked, terms);
  if (auto* objection = std::get_if<Objection>(&taken)) return reply_to(*objection);
  return accepted(site, std::get<Upload>(taken));
}

Reply list_jobs(Site& site, const Asked& asked) {
  const auto limit = number_parameter(asked.head, "limit", 1, 500, 50);
  if (!limit) return problem(400, "limit is a number from 1 to 500", "bad_request");
  std::vector<State> states(std::begin(kAllStates), std::end(kAllStates));
  if (const std::string* name = asked.head.parameter("state")) {
    const auto state = state_named(*name);
    if (!state) {
      return problem(400,
                     "state is staging, delayed, processing, completed, failed, hold or cancelled",
                     "bad_request");
    }
    states = {*state};
  }
  const auto newest = newest_of(site.spool, states, static_cast<size_t>(*limit));
  if (!newest) return problem_of(newest.error());
  std::vector<std::string> jobs;
  for (const Listed& one : *newest) {
    if (const auto job = find(site.spool, one.id)) jobs.push_back(job_json(*job, base_of(site)));
  }
  return json_reply(200, jobs_json(jobs));
}

Reply show_job(Site& site, const Asked& asked) {
  const auto seconds = number_parameter(asked.head, "wait", 0, kMaxWaitSeconds, 0);
  if (!seconds) return problem(400, "wait is a number of seconds from 0 to 60", "bad_request");
  const std::string& id = asked.head.path[2];
  const auto show = [&](const JobView& job) {
    return job_reply(site, asked, job, job_json(job, base_of(site)));
  };
  return with_job(site, id, [&](const JobView& job) {
    if (*seconds == 0 || job.outcome) return show(job);
    wait_for_end(site, asked, job.ticket.id, *seconds);
    return with_job(site, id, show);
  });
}

Reply show_record(Site& site, const Asked& asked) {
  return with_job(site, asked.head.path[1], [&](const JobView& job) {
    return job_reply(site, asked, job, record_json(job, base_of(site)));
  });
}

// DELETE cancels, or purges where it says so; POST to its "retry" retries.
Reply control_job(Site& site, const Asked& asked) {
  const auto id = JobId::parse(asked.head.path[2]);
  if (!id) return problem(404, "this is not a job's id", "no_job");
  const bool remove = asked.head.method == "DELETE";
  const std::string* purged = asked.head.parameter("purge");
  if (remove && purged != nullptr && *purged != "true" && *purged != "false") {
    return problem(400, "purge is true or false", "bad_request");
  }
  if (remove && purged != nullptr && *purged == "true") return purge_reply(site, *id);
  const auto done = remove ? cancel(site.spool, *id) : retry(site.spool, *id);
  if (!done) return not_done(site, *id, done.error());
  return json_reply(200, dump_json(Json{{"id", id->text()}, {"state", name_of(*done)}}));
}

}  // namespace imgq::web::routes
