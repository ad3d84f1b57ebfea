#include <fmt/format.h>

#include <map>
#include <memory>
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
  std::string news(const View& view) {
    std::string out;
    const std::string counts = counts_json(view);
    if (counts != counts_) out += event("counts", view.number, counts);
    counts_ = counts;
    std::map<JobId, std::string> told;
    for (auto job = view.jobs.rbegin(); job != view.jobs.rend(); ++job) {
      std::string text = job_json(*job);
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

void tell(Site& site, Client& client, const StreamWrite& write) {
  Teller teller;
  int64_t silent_since = sys::monotonic_ms();
  auto view = site.spool_view.view();
  if (!write("retry: 2000\n\n")) return;
  for (;;) {
    std::string text = teller.news(*view);
    if (text.empty() && sys::monotonic_ms() - silent_since >= kHeartbeatMs) text = ": beat\n\n";
    if (!text.empty()) {
      if (!write(text)) return;
      silent_since = sys::monotonic_ms();
    }
    if (!client.wait(0)) return;
    view = site.spool_view.wait_newer(view->number, kStepMs);
  }
}

}  // namespace

Reply events(Site& site, const Asked&) {
  auto permit = Permit::take(site.streams, site.options.max_held);
  if (!permit) {
    Reply reply = problem(503, "too many event streams are open: poll instead", "too_many_streams");
    reply.fields.emplace_back("Retry-After", "10");
    return reply;
  }
  Reply reply;
  reply.type = "text/event-stream";
  reply.fields.emplace_back("X-Accel-Buffering", "no");  // or nginx keeps events back
  // std::function wants copies: the permit is shared, and given back with the last of them.
  reply.stream = [&site, permit = std::make_shared<Permit>(std::move(*permit))](
                     Client& client, const StreamWrite& write) { tell(site, client, write); };
  return reply;
}

}  // namespace imgq::web::routes
