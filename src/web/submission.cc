#include "src/web/submission.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "spool/records.h"
#include "spool/spool.h"
#include "spool/submit.h"
#include "src/base/request.h"
#include "src/http/problem.h"
#include "src/util/json.h"
#include "src/util/log.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::web {
namespace {

const std::string* find(const Wishes& wishes, std::string_view name) {
  const auto found = wishes.find(name);
  return found == wishes.end() ? nullptr : &found->second;
}

Result<Request> single(const Wishes& wishes) {
  Request request;
  for (const RenditionField& field : kRenditionFields) {
    const std::string* text = find(wishes, field.name);
    if (text == nullptr) continue;
    if (Status done = field.set(request.renditions.front(), *text); !done) {
      return bad_data(fmt::format("{}: {}", field.name, done.error().action), "request");
    }
  }
  if (Status good = check(request); !good) return good.error();
  return request;
}

Result<Request> of_preset(const Config& config, const std::string& name) {
  const auto found = config.presets.find(name);
  if (found == config.presets.end()) return bad_data("there is no such preset", "request");
  Request request;
  request.renditions = found->second;
  request.preset = name;
  return request;
}

Result<Request> of_json(const std::string& renditions) {
  auto parsed = parse_json(renditions, "request");
  if (!parsed) return bad_data("renditions: " + parsed.error().action, "request");
  return request_from(Json{{"renditions", std::move(*parsed)}});
}

// Nothing asked for: the preset "default" when there is one, else what the old service made.
Result<Request> request_of(const Config& config, const Wishes& wishes) {
  if (const std::string* preset = find(wishes, "preset")) return of_preset(config, *preset);
  if (const std::string* json = find(wishes, "renditions")) return of_json(*json);
  if (wishes.empty() && config.presets.contains("default")) return of_preset(config, "default");
  return single(wishes);
}

// The form's wishes where the query is silent; what was left empty is none.
Wishes together(Wishes query, const Wishes& form) {
  for (const auto& [name, text] : form) {
    if (!text.empty()) query.try_emplace(name, text);
  }
  return query;
}

// Of an upload to the old service's address, which knew none, nothing.
Wishes query_wishes(const Head& head, const Terms& terms) {
  Wishes wishes;
  if (terms.fields == Terms::Fields::only_file) return wishes;
  for (const auto& [name, text] : head.query) {
    if (is_wish(name)) wishes.try_emplace(name, text);
  }
  return wishes;
}

Objection spool_refused(const Error& error) {
  log::line(log::Level::error, "an upload could not be submitted", {{"why", error.text()}});
  if (error.code == ENOSPC || error.code == EDQUOT) {
    return {507, "no_room", "the spool has no room: try again later"};
  }
  if (is_pausing(error)) return {503, "unavailable", "the spool cannot be written now"};
  return {500, "internal", "the job could not be submitted: see the server's log"};
}

std::vector<Draft> drafts_of(const Site& site, Upload& upload, const std::string& request,
                             const std::string& key) {
  std::vector<Draft> drafts;
  for (Arrived& file : upload.files) {
    Draft draft;
    draft.name = file.name;
    draft.request = request;
    draft.key = key;
    draft.sha256 = file.sha256;
    draft.max_attempts = site.config.max_attempts;
    draft.source = std::move(file.file);
    drafts.push_back(std::move(draft));
  }
  return drafts;
}

// A key names one job: the same image and the same request, or it is a mistake of the client's.
bool is_same(const Site& site, const JobId& id, const std::string& request, const Arrived& file) {
  const auto job = find(site.spool, id);
  if (!job) return true;  // it is gone or unreadable: nothing to hold against the client
  const Source& known = job->ticket.source;
  // Other submitters make no digest: then the size must do.
  const bool same_bytes = known.sha256.empty() || known.sha256 == file.sha256;
  return job->ticket.request == request && known.size_bytes == file.size_bytes && same_bytes;
}

std::variant<Upload, Objection> submit_upload(Site& site, Upload upload, const std::string& request,
                                              const Terms& terms) {
  const auto answers = site.committer.submit(drafts_of(site, upload, request, terms.key));
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) return spool_refused(answers[i].error());
    Arrived& file = upload.files[i];
    if (answers[i]->existing && !is_same(site, answers[i]->id, request, file)) {
      return Objection{409, "key_reused", "this Idempotency-Key was used for something else"};
    }
    site.metrics.add_received(file.size_bytes);
    file.job = *answers[i];
  }
  return upload;
}

}  // namespace

std::variant<Upload, Objection> take_upload(Site& site, const Asked& asked, const Terms& terms) {
  const int64_t most = site.options.max_waiting;
  if (site.spool_view.view()->figures.counts.waiting() >= most) {
    const char* noun = most == 1 ? "job waits" : "jobs wait";
    return Objection{429, "too_many_waiting",
                     fmt::format("{} {} already: try again later", most, noun)};
  }
  // What the query asks is looked at before the body is read; a form's fields only after it.
  const Wishes query = query_wishes(asked.head, terms);
  auto request = request_of(site.config, query);
  if (!request) return Objection{400, "bad_request", request.error().action};
  const std::string* name = asked.head.parameter("filename");
  auto received = receive(site, terms, asked, name ? *name : "");
  if (auto* objection = std::get_if<Objection>(&received)) return std::move(*objection);
  Upload& upload = std::get<Upload>(received);
  if (!terms.key.empty() && upload.files.size() > 1) {
    return Objection{400, "bad_key", "with an Idempotency-Key, send one image a request"};
  }
  const Wishes all = together(query, upload.wishes);
  if (all.size() > query.size()) request = request_of(site.config, all);
  if (!request) return Objection{400, "bad_request", request.error().action};
  return submit_upload(site, std::move(upload), to_json(*request), terms);
}

std::optional<Objection> check_query(const Head& head) {
  std::vector<std::string> known = field_names();
  known.insert(known.end(), {"preset", "renditions", "filename"});
  for (const auto& [name, value] : head.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return Objection{400, "bad_request",
                     fmt::format("unknown query field '{}'{}", printable(shortened(name, 80)),
                                 hint_for(name, known))};
  }
  return std::nullopt;
}

Reply reply_to(const Objection& objection) {
  const int status = objection.status;
  const bool passes = status == 429 || status == 503 || status == 507;
  return problem(status, objection.detail, objection.code, passes ? 30 : 0);
}

}  // namespace imgq::web
