#include "src/web/request_log.h"

#include <algorithm>

#include "src/http/header_value.h"
#include "src/http/listen.h"
#include "src/util/log.h"

namespace imgq::web {
namespace {

// All values of X-Forwarded-For, as one list: each proxy adds who asked it at its end.
std::string forwarded_for(const Head& head) {
  std::string out;
  for (const auto& [name, value] : head.fields) {
    if (name == "x-forwarded-for") out += (out.empty() ? "" : ",") + value;
  }
  return out;
}

}  // namespace

std::string client_address(const Asked& asked, const SiteOptions& options) {
  const auto& trusted = options.trusted_proxies;
  const std::string list = forwarded_for(asked.head);
  std::string_view rest = list;
  std::string address = asked.peer;
  while (!rest.empty() && std::find(trusted.begin(), trusted.end(), address) != trusted.end()) {
    const size_t comma = rest.rfind(',');
    const size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
    const std::string_view next = trimmed(rest.substr(begin));
    if (!is_ip_address(next)) break;
    address = next;
    rest = rest.substr(0, begin == 0 ? 0 : comma);
  }
  return address;
}

void log_request(const Asked& asked, const SiteOptions& options, std::string_view route, int status,
                 int64_t took_ms) {
  if (!log::shows(log::Level::debug)) return;
  log::line(log::Level::debug, "answered",
            {{"method", asked.head.method},
             {"route", std::string(route)},
             {"status", std::to_string(status)},
             {"ms", std::to_string(took_ms)},
             {"from", client_address(asked, options)}});
}

}  // namespace imgq::web
