#include <string>

#include "spool/control.h"
#include "src/http/problem.h"
#include "src/util/text.h"
#include "src/web/assets.h"
#include "src/web/look_up.h"
#include "src/web/page.h"
#include "src/web/routes.h"
#include "src/web/spool_problem.h"
#include "src/web/submission.h"

namespace imgq::web::routes {
namespace {

constexpr const char* kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

// Back to the page, which then shows what became of it.
//   page  the way to it from the address that was asked, for a proxy may have cut off its beginning
Reply see_page(const std::string& page, const std::string& query) {
  return {.status = 303, .fields = {{"Location", page + query}}};
}

// What a form without a script was sent back to the page with.
std::string notice_of(const Head& head) {
  if (head.parameter("refused") != nullptr) {
    const auto taken = number_parameter(head, "taken", 0, 99, 0).value_or(0);
    const auto refused = number_parameter(head, "refused", 0, 99, 0).value_or(0);
    std::string out = counted(taken, "image") + " taken in";
    if (refused == 1) out += ", 1 file refused: it is no image that is read here";
    if (refused > 1) {
      out += ", " + counted(refused, "file") + " refused: they are no images that are read here";
    }
    return out + ".";
  }
  if (head.parameter("none") != nullptr) return "No file was chosen.";
  if (head.parameter("large") != nullptr) return "Not taken in: a file is too large.";
  if (head.parameter("full") != nullptr) return "Not taken in: there is no room. Try again later.";
  if (head.parameter("moved") != nullptr) return "The job had moved on; nothing was changed.";
  return "";
}

// Empty for what the page has no sentence for.
std::string query_for(const Objection& objection) {
  if (objection.code == "no_file") return "?none=1";
  if (objection.status == 413) return "?large=1";
  return objection.status == 507 || objection.status == 503 ? "?full=1" : "";
}

}  // namespace

Reply page(Site& site, const Asked& asked) {
  const Choice choice(asked.head.query.begin(), asked.head.query.end());
  // "no-referrer" would make a form's Origin "null", which is refused.
  return {.type = "text/html; charset=utf-8",
          .text = page_html(site, notice_of(asked.head), choice),
          .fields = {{"Content-Security-Policy", kPagePolicy}, {"Referrer-Policy", "same-origin"}}};
}

Reply page_upload(Site& site, const Asked& asked) {
  Terms terms;
  terms.on_bad_file = OnBadFile::skip;
  auto taken = take_upload(site, asked, terms);
  if (const auto* objection = std::get_if<Objection>(&taken)) {
    const std::string query = query_for(*objection);
    return query.empty() ? reply_to(*objection) : see_page("./", query);
  }
  site.spool_view.refresh();  // so that the page shows them
  const auto& done = std::get<Upload>(taken);
  return see_page("./", "?taken=" + std::to_string(done.files.size()) + "&refused=" +
                            std::to_string(done.refused.size()) + choice_query("&", done.wishes));
}

Reply page_action(Site& site, const Asked& asked) {
  const auto id = JobId::parse(asked.head.path[1]);
  const std::string& verb = asked.head.path[2];
  if (!id || (verb != "retry" && verb != "cancel")) {
    return problem(404, "there is nothing at this address", "no_route");
  }
  const auto done = verb == "retry" ? retry(site.spool, *id) : cancel(site.spool, *id);
  if (!done && done.error().code == ENOENT) return no_job(site, *id);
  if (!done && done.error().code != EBUSY && done.error().code != EAGAIN) {
    return problem_of(done.error());
  }
  site.spool_view.refresh();
  return see_page("../../", done ? "" : "?moved=1");
}

Reply page_asset(Site&, const Asked& asked) {
  const auto asset = [](const char* type, std::string_view text) -> Reply {
    return {.type = type, .text = std::string(text), .fields = {{"Cache-Control", "no-cache"}}};
  };
  const std::string& name = asked.head.path[0];
  if (name == "page.js") return asset("text/javascript; charset=utf-8", assets::kPageJs);
  if (name == "page.css") return asset("text/css; charset=utf-8", assets::kPageCss);
  return asset("image/svg+xml", assets::kIconSvg);
}

}  // namespace imgq::web::routes
