#include "src/web/submission.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "spool/records.h"
#include "spool/spool.h"
#include "spool/submit.h"
#include "spool/types.h"
#include "src/http/problem.h"
#include "src/util/json.h"
#include "src/util/log.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::web {
namespace {

// The query's word, else the form's, else null.
class Words {
 public:
  Words(const Head& head, const std::map<std::string, std::string>& form)
      : head_(head), form_(form) {}

  const std::string* find(const std::string& name) const {
    if (const std::string* asked = head_.parameter(name)) return asked;
    const auto found = form_.find(name);
    return found == form_.end() || found->second.empty() ? nullptr : &found->second;
  }

 private:
  const Head& head_;
  const std::map<std::string, std::string>& form_;
};

template <class T>
Status set(T& into, Result<T> parsed) {
  if (!parsed) return parsed.error();
  into = *parsed;
  return Ok{};
}

Status set_size(Rendition& rendition, const std::string& word) {
  const auto box = parse_box(word);
  if (!box) return box.error();
  rendition.width_px = box->width_px;
  rendition.height_px = box->height_px;
  return Ok{};
}

Status set_quality(Rendition& rendition, const std::string& word) {
  const auto quality = parse_count(word, 1, 100);
  if (!quality) return quality.error();
  rendition.quality = static_cast<int>(*quality);
  return Ok{};
}

Status set_enlarge(Rendition& rendition, const std::string& word) {
  if (word != "true" && word != "false") {
    return bad_data(fmt::format("'{}' is not true or false", printable(shortened(word, 80))), "");
  }
  rendition.enlarge = word == "true" ? Enlarge::allow : Enlarge::never;
  return Ok{};
}

Status set_name(Rendition& rendition, const std::string& word) {
  rendition.name = word;  // check() looks at it
  return Ok{};
}

using Setter = Status (*)(Rendition&, const std::string&);

constexpr std::pair<const char*, Setter> kSetters[] = {
    {"size", set_size},
    {"fit", [](Rendition& to, const std::string& word) { return set(to.fit, parse_fit(word)); }},
    {"anchor",
     [](Rendition& to, const std::string& word) { return set(to.anchor, parse_anchor(word)); }},
    {"format",
     [](Rendition& to, const std::string& word) { return set(to.format, parse_format(word)); }},
    {"quality", set_quality},
    {"enlarge", set_enlarge},
    {"name", set_name},
};

Result<Request> single(const Words& words) {
  Request request;
  for (const auto& [name, setter] : kSetters) {
    const std::string* word = words.find(name);
    if (word == nullptr) continue;
    if (Status done = setter(request.renditions.front(), *word); !done) {
      return bad_data(fmt::format("{}: {}", name, done.error().action), "request");
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
  const Json whole{{"renditions", std::move(*parsed)}};
  return parse_request(dump_json(whole), "request");
}

Objection too_many_waiting(const Site& site) {
  const int64_t most = site.options.max_waiting;
  return {
      429, "too_many_waiting",
      fmt::format("{} {} already: try again later", most, most == 1 ? "job waits" : "jobs wait")};
}

Objection spool_refused(const Error& error) {
  log::line(log::Level::error, "an upload could not be submitted", {{"why", error.text()}});
  if (error.code == ENOSPC || error.code == EDQUOT) {
    return {507, "no_room", "the spool has no room: try again later"};
  }
  if (is_pausing(error)) return {503, "unavailable", "the spool cannot be written now"};
  return {500, "internal", "the job could not be submitted: see the server's log"};
}

UploadRules rules_for(Site& site, const Terms& terms) {
  UploadRules rules;
  rules.max_file_bytes = site.config.limits.max_file_bytes;
  rules.max_body_bytes = site.options.max_body_bytes;
  rules.min_free_bytes = site.config.min_free_bytes;
  rules.formats = site.config.limits.formats;
  rules.on_bad_file = terms.on_bad_file;
  rules.fields = terms.fields;
  using Digests = UploadRules::Digests;
  rules.digests = terms.key.empty() ? Digests::none : Digests::make;
  rules.further_files = &site.further_files;
  rules.max_further_files = site.options.max_further_files;
  return rules;
}

std::vector<Draft> drafts_of(const Site& site, Upload& upload, const Request& request,
                             const std::string& key) {
  std::vector<Draft> drafts;
  for (Arrived& file : upload.files) {
    Draft draft;
    draft.name = file.name;
    draft.request = to_json(request);
    draft.key = key;
    draft.sha256 = file.sha256;
    draft.max_attempts = site.config.max_attempts;
    draft.source.emplace(std::move(file.file));
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

std::variant<Taken, Objection> submit_upload(Site& site, Upload upload, const Request& request,
                                             const Terms& terms) {
  Taken taken;
  taken.refused = std::move(upload.refused);
  taken.fields = std::move(upload.values);
  const auto answers = site.committer.submit(drafts_of(site, upload, request, terms.key));
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) return spool_refused(answers[i].error());
    const Arrived& file = upload.files[i];
    if (answers[i]->existing && !is_same(site, answers[i]->id, to_json(request), file)) {
      return Objection{409, "key_reused", "this Idempotency-Key was used for something else"};
    }
    site.metrics.add_received(file.size_bytes);
    taken.jobs.push_back({file.name, *answers[i]});
  }
  return taken;
}

}  // namespace

Result<Request> request_of(const Config& config, const Head& head,
                           const std::map<std::string, std::string>& form) {
  const Words words(head, form);
  if (const std::string* preset = words.find("preset")) return of_preset(config, *preset);
  if (const std::string* json = words.find("renditions")) return of_json(*json);
  bool any = false;
  for (const auto& [name, setter] : kSetters) any = any || words.find(name) != nullptr;
  if (!any && config.presets.contains("default")) return of_preset(config, "default");
  return single(words);
}

std::variant<Taken, Objection> take_upload(Site& site, const Asked& asked, const Terms& terms) {
  const auto view = site.spool_view.view();
  if (view->in(State::staging) + view->in(State::delayed) >= site.options.max_waiting) {
    return too_many_waiting(site);
  }
  // What the query asks is looked at before the body is read; a form's fields only after it.
  if (auto asked_for = request_of(site.config, asked.head, {}); !asked_for) {
    return Objection{400, "bad_request", asked_for.error().action};
  }
  const std::string* name = asked.head.parameter("filename");
  auto received = receive(site.spool, rules_for(site, terms), asked, name ? *name : "");
  if (auto* objection = std::get_if<Objection>(&received)) return std::move(*objection);
  Upload& upload = std::get<Upload>(received);
  if (!terms.key.empty() && upload.files.size() > 1) {
    return Objection{400, "bad_key", "with an Idempotency-Key, send one image a request"};
  }
  const auto request = request_of(site.config, asked.head, upload.values);
  if (!request) return Objection{400, "bad_request", request.error().action};
  return submit_upload(site, std::move(upload), *request, terms);
}

std::optional<Objection> check_query(const Head& head) {
  std::vector<std::string> known = {"preset", "renditions", "filename"};
  for (const auto& [name, setter] : kSetters) known.emplace_back(name);
  for (const auto& [name, value] : head.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return Objection{400, "bad_request",
                     fmt::format("unknown query field '{}'{}", printable(shortened(name, 80)),
                                 hint_for(name, known))};
  }
  return std::nullopt;
}

Reply reply_to(const Objection& objection) {
  Reply reply = problem(objection.status, objection.detail, objection.code);
  if (objection.status == 429 || objection.status == 503 || objection.status == 507) {
    reply.fields.emplace_back("Retry-After", "30");
  }
  return reply;
}

}  // namespace imgq::web
