#pragma once

#include "src/http/exchange.h"
#include "src/web/site.h"

namespace imgq::web {

// The whole site as a function: finds the route, checks who asks, answers. Unknown paths 404, a
// method that a path does not have 405 with Allow.
Reply answer(Site& site, const Asked& asked);

// Each route, in routes_<part>.cc. `asked.head.path` has the shape that the table in routes.cc
// gives it.
namespace routes {

// The old API, reply by reply as the old service gave them.
Reply old_upload(Site& site, const Asked& asked);
Reply old_status(Site& site, const Asked& asked);
Reply old_heartbeat(Site& site, const Asked& asked);

Reply submit_jobs(Site& site, const Asked& asked);
Reply list_jobs(Site& site, const Asked& asked);
Reply show_job(Site& site, const Asked& asked);
Reply show_record(Site& site, const Asked& asked);
Reply control_job(Site& site, const Asked& asked);

Reply list_results(Site& site, const Asked& asked);
Reply send_result(Site& site, const Asked& asked);

Reply events(Site& site, const Asked& asked);

Reply page(Site& site, const Asked& asked);
Reply page_upload(Site& site, const Asked& asked);
Reply page_action(Site& site, const Asked& asked);
Reply page_asset(Site& site, const Asked& asked);

Reply livez(Site& site, const Asked& asked);
Reply readyz(Site& site, const Asked& asked);
Reply metrics(Site& site, const Asked& asked);
Reply description(Site& site, const Asked& asked);

}  // namespace routes
}  // namespace imgq::web
