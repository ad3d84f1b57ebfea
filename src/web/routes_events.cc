#include <fmt/format.h>

#include <map>
#include <string>

#include "src/http/problem.h"
#include "src/web/job_json.h"
#include "src/web/routes.h"

// Server-sent events (WHATWG HTML, 9.2): "counts" when a number changed, "job" for each of the
// newest jobs that is new or changed. A stream begins with all of both, so a client that comes back
// needs no history; each event's id is the view's number.
namespace imgq::web::routes {
namespace {

constexpr int64_t kHeartbeatMs = 10'000;
constexpr int64_t kStepMs = 250;

std::string event(std::string_view kind, uint64_t id, const std::string& data) {
  return fmt::format("event: {}\nid: {}\ndata: {}\n\n", kind, id, data);
}

// What one client has been told.
class Teller {
 public:
  // Everything in `view` that this client does not know.
  std::string news(const View& view, const std::string& base) {
    std::string out;
    const std::string counts = counts_json(view);
    if (counts != counts_) out += event("counts", view.number, counts);
    counts_ = counts;
    std::map<JobId, std::string> told;
    for (auto job = view.jobs.rbegin(); job != view.jobs.rend(); ++job) {
      std::string text = job_json(*job, base);
      const auto known = told_.find(job->ticket.id);
      if (known == told_.end() || known->second != text) out += event("job", view.number, text);
      told.emplace(job->ticket.id, std::move(text));
    }
    told_ = std::move(told);
    return out;
  }

 private:
  std::string counts_;
  std::map<JobId, std::string> told_;
};

void tell(Site& site, const ClientStays& client_stays, const StreamWrite& write) {
  Teller teller;
  const std::string base = base_of(site);
  int64_t silent_since = sys::monotonic_ms();
  auto view = site.spool_view.view();
  if (!write("retry: 2000\n\n")) return;
  for (;;) {
    std::string text = teller.news(*view, base);
    if (text.empty() && sys::monotonic_ms() - silent_since >= kHeartbeatMs) text = ": beat\n\n";
    if (!text.empty()) {
      if (!write(text)) return;
      silent_since = sys::monotonic_ms();
    }
    if (!client_stays(0) || site.spool_view.closed()) return;
    view = site.spool_view.wait_newer(view->number, kStepMs);
  }
}

}  // namespace

Reply events(Site& site, const Asked&) {
  const Permit permit = take_permit(site.held.streams, site.options.max_held);
  if (!permit) {
    return problem(503, "too many event streams are open: poll instead", "too_many_streams", 10);
  }
  return {.type = "text/event-stream",
          .fields = {{"X-Accel-Buffering", "no"}},  // or nginx keeps events back
          .stream = [&site, permit](const ClientStays& client_stays, const StreamWrite& write) {
            tell(site, client_stays, write);
          }};
}

}  // namespace imgq::web::routes
