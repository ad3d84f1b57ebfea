#include <array>
#include <iterator>
#include <string>

#include "src/http/header_value.h"
#include "src/util/json.h"
#include "src/web/routes.h"
#include "src/web/submission.h"

// The old service's replies, to the byte: their words, their order, their statuses.
namespace imgq::web::routes {
namespace {

Reply old_reply(int status, const std::string& result, const std::string& id = "") {
  Reply reply;
  reply.status = status;
  reply.text = "{\"result\":" + dump_json(Json(result));
  if (!id.empty()) reply.text += ",\"file_id\":" + dump_json(Json(id));
  reply.text += "}";
  return reply;
}

Reply old_objection(const Objection& objection) {
  if (objection.code == "no_file") return old_reply(400, "file key not found in request");
  if (objection.code == "empty_file") return old_reply(400, "Empty file received");
  if (objection.status == 500) return old_reply(500, "Couldn't insert into Queue");
  Reply reply = old_reply(objection.status, objection.detail);
  for (auto& field : reply_to(objection).fields) reply.fields.push_back(field);
  return reply;
}

bool is_form(const Head& head) {
  const std::string* type = head.field("content-type");
  return type != nullptr && lower(*type).starts_with("multipart/form-data");
}

// Indexed by State. The old stages had no word for an end that is not a completion.
constexpr std::array<std::string_view, std::size(kAllStates)> kStages = {
    "STAGING STAGE", "STAGING STAGE", "PROCESSING STAGE", "COMPLETION STAGE",
    "FAILED STAGE",  "STAGING STAGE", "FAILED STAGE"};

}  // namespace

Reply old_upload(Site& site, const Asked& asked) {
  if (!is_form(asked.head)) return old_reply(400, "file key not found in request");
  Terms terms;
  terms.fields = Terms::Fields::only_file;
  auto taken = take_upload(site, asked, terms);
  if (auto* objection = std::get_if<Objection>(&taken)) return old_objection(*objection);
  const auto& job = std::get<Upload>(taken).files.front().job;
  return old_reply(200, "File Uploaded successfully !!", job->id.text());
}

Reply old_status(Site& site, const Asked& asked) {
  const std::string& text = asked.head.path[1];
  const auto id = JobId::parse(text);
  if (!id) return old_reply(400, "ID NOT FOUND !!", text);
  const auto job = find(site.spool, *id);
  if (!job && job.error().code == ENOENT) return old_reply(400, "ID NOT FOUND !!", text);
  if (!job) return old_reply(500, "the job's record cannot be read", text);
  Reply reply = old_reply(200, std::string(kStages[static_cast<size_t>(job->state)]), text);
  if (job->outcome && job->outcome->ending != Ending::completed) {
    reply.text.pop_back();
    reply.text += ",\"reason\":" + dump_json(Json(job->outcome->cause.message)) + "}";
  }
  return reply;
}

Reply old_heartbeat(Site&, const Asked&) { return old_reply(200, "beating"); }

}  // namespace imgq::web::routes
