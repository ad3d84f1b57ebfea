#include "spool/room.h"
#include "spool/temp_file.h"
#include "src/jobs/metric_text.h"
#include "src/util/json.h"
#include "src/web/assets.h"
#include "src/web/routes.h"
#include "src/web/spool_problem.h"

namespace imgq::web::routes {

// The process answers; nothing more is meant.
Reply livez(Site&, const Asked&) { return {.text = "{\"status\":\"ok\"}"}; }

// Uploads can be taken: the spool can be written and has room. A daemon need not run for that; how
// many do is told.
Reply readyz(Site& site, const Asked&) {
  const auto probe = TempFile::create(site.spool);
  const auto room = site.spool.room();
  if (!probe) return problem_of(probe.error());
  if (!room) return problem_of(room.error());
  if (const auto kept = require_room(site.spool, site.config.min_free_bytes); !kept) {
    return problem_of(kept.error());
  }
  return {.text = dump_json(Json{{"status", "ok"},
                                 {"free_bytes", room->free_bytes},
                                 {"daemons", site.spool_view.view()->figures.daemons}})};
}

Reply metrics(Site& site, const Asked&) {
  MetricText out(site.spool.path());
  write_metrics(*site.spool_view.view(), is_answering(site), out);
  site.metrics.write(out);
  return {.type = "text/plain; version=0.0.4; charset=utf-8", .text = out.take()};
}

Reply description(Site& site, const Asked& asked) {
  if (asked.head.path[0] != "openapi.json") return {.text = std::string(assets::kImgqSchemaJson)};
  std::string text(assets::kOpenapiJson);
  if (site.options.public_url) {
    constexpr std::string_view here = "\"url\": \"/\"";
    text.replace(text.find(here), here.size(), "\"url\": \"" + base_of(site) + "\"");
  }
  return {.text = std::move(text)};
}

}  // namespace imgq::web::routes
