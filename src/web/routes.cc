#include "src/web/routes.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "src/http/problem.h"
#include "src/util/sys.h"
#include "src/web/auth.h"
#include "src/web/cross_origin.h"
#include "src/web/request_log.h"

namespace imgq::web {
namespace {

using Answer = Reply (*)(Site&, const Asked&);

enum class Access { open, token };

struct Route {
  std::string_view method;
  std::string_view pattern;  // "*" stands for one segment
  Access access;
  Answer run;
};

constexpr std::array kRoutes = {
    Route{"POST", "uploadFile", Access::token, routes::old_upload},
    Route{"GET", "queryFileStatus/*", Access::token, routes::old_status},
    Route{"GET", "heartbeat", Access::open, routes::old_heartbeat},
    Route{"POST", "v1/jobs", Access::token, routes::submit_jobs},
    Route{"GET", "v1/jobs", Access::token, routes::list_jobs},
    Route{"GET", "v1/jobs/*", Access::token, routes::show_job},
    Route{"DELETE", "v1/jobs/*", Access::token, routes::control_job},
    Route{"POST", "v1/jobs/*/retry", Access::token, routes::control_job},
    Route{"GET", "v1/jobs/*/results", Access::token, routes::list_results},
    Route{"GET", "v1/jobs/*/results/*", Access::token, routes::send_result},
    Route{"GET", "v1/events", Access::token, routes::events},
    Route{"GET", "jobs/*", Access::token, routes::show_record},
    Route{"GET", "result/*", Access::token, routes::send_result},
    Route{"GET", "result/*/*", Access::token, routes::send_result},
    Route{"GET", "", Access::token, routes::page},
    Route{"POST", "", Access::token, routes::page_upload},
    Route{"POST", "jobs/*/*", Access::token, routes::page_action},
    Route{"GET", "page.css", Access::token, routes::page_asset},
    Route{"GET", "page.js", Access::token, routes::page_asset},
    Route{"GET", "icon.svg", Access::token, routes::page_asset},
    Route{"GET", "livez", Access::open, routes::livez},
    Route{"GET", "readyz", Access::open, routes::readyz},
    Route{"GET", "healthz", Access::open, routes::readyz},
    Route{"GET", "metrics", Access::token, routes::metrics},
    Route{"GET", "openapi.json", Access::token, routes::description},
    Route{"GET", "imgq.schema.json", Access::token, routes::description},
};

constexpr std::string_view kNoMethod = "OPTIONS";  // what an address allows that is none of ours

bool matches(std::string_view pattern, const std::vector<std::string>& path) {
  for (const std::string& segment : path) {
    const size_t end = std::min(pattern.find('/'), pattern.size());
    const std::string_view wanted = pattern.substr(0, end);
    if (wanted.empty() || (wanted != "*" && wanted != segment)) return false;
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return pattern.empty();
}

std::string allowed_methods(const std::vector<std::string>& path) {
  std::string out(kNoMethod);
  for (const Route& route : kRoutes) {
    if (!matches(route.pattern, path)) continue;
    out += ", " + std::string(route.method);
    if (route.method == "GET") out += ", HEAD";
  }
  return out;
}

Reply no_route(const Head& head) {
  const std::string allowed = allowed_methods(head.path);
  if (allowed == kNoMethod) return problem(404, "there is nothing at this address", "no_route");
  Reply reply;
  if (head.method != "OPTIONS") reply = problem(405, "this address does not take this method");
  reply.fields.emplace_back("Allow", allowed);
  return reply;
}

const Route* find_route(const Head& head) {
  const std::string_view method = head.method == "HEAD" ? "GET" : std::string_view(head.method);
  const auto* found = std::find_if(kRoutes.begin(), kRoutes.end(), [&](const Route& route) {
    return route.method == method && matches(route.pattern, head.path);
  });
  return found == kRoutes.end() ? nullptr : found;
}

bool uses_spool(const Route& route) {
  return route.run != routes::livez && route.run != routes::metrics &&
         route.run != routes::page_asset && route.run != routes::description &&
         route.run != routes::old_heartbeat;
}

Reply run(Site& site, const Asked& asked, const Route* route) {
  if (auto refused = check_origin(asked.head, site.options, site.held)) return std::move(*refused);
  if (auto said = preflight(asked.head, site.options, allowed_methods(asked.head.path))) {
    return std::move(*said);
  }
  const bool open = route != nullptr && route->access == Access::open;
  if (!open && !site.options.token.empty() && !shows_token(asked.head, site.options.token)) {
    return unauthorized();
  }
  if (route == nullptr) return no_route(asked.head);
  if (uses_spool(*route) && !is_answering(site)) {
    return problem(503, "the spool's file system does not answer: try again later", "no_answer",
                   30);
  }
  return route->run(site, asked);
}

// An address with the prefix of the public one, which the proxy left there, without it. Nothing
// where it is ours as it is, for then the proxy has cut it off.
std::optional<Asked> without_prefix(const Site& site, const Asked& asked) {
  const auto& path = asked.head.path;
  if (!site.options.public_url || allowed_methods(path) != kNoMethod) return std::nullopt;
  const auto& prefix = site.options.public_url->prefix;
  if (prefix.empty() || path.size() < prefix.size() ||
      !std::equal(prefix.begin(), prefix.end(), path.begin())) {
    return std::nullopt;
  }
  Asked ours = asked;
  auto& left = ours.head.path;
  left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(prefix.size()));
  if (left.size() == 1 && left.front().empty()) left.clear();
  return ours;
}

// "/imgq" for "/imgq/", to which the page's addresses are relative.
bool lacks_slash(const Site& site, const Asked& asked) {
  return site.options.public_url && asked.head.path == site.options.public_url->prefix;
}

Reply answer_ours(Site& site, const Asked& asked) {
  const int64_t began = sys::monotonic_ms();
  const Route* route = find_route(asked.head);
  Reply reply = run(site, asked, route);
  share(asked.head, site.options, reply);
  const std::string name = route == nullptr ? "none" : "/" + std::string(route->pattern);
  const int64_t took_ms = sys::monotonic_ms() - began;
  site.metrics.count(name, reply.status, static_cast<double>(took_ms) / 1000);
  log_request(asked, site.options, name, reply.status, took_ms);
  return reply;
}

}  // namespace

Reply answer(Site& site, const Asked& asked) {
  const auto ours = without_prefix(site, asked);
  if (!ours) return answer_ours(site, asked);
  if (lacks_slash(site, asked)) {
    return {.status = 308, .fields = {{"Location", base_of(site) + "/"}}};
  }
  return answer_ours(site, *ours);
}

}  // namespace imgq::web
