#pragma once

#include <optional>
#include <string>

#include "src/http/exchange.h"
#include "src/web/site.h"

// Pages of other origins that may use /v1 (imgq-httpd --allow-origin), as the Fetch standard has it
// (CORS). By default there are none, and replies say nothing of it.
namespace imgq::web {

// A page of an allowed origin asks, and for an address under /v1.
bool is_guest(const Head& head, const SiteOptions& options);

// The answer to a guest's browser that asks before its page does (a preflight), which it does
// without a token; nothing for any other request.
//   methods  of the address: "OPTIONS, GET, HEAD"
std::optional<Reply> preflight(const Head& head, const SiteOptions& options,
                               const std::string& methods);

// Has the guest's browser hand the reply to its page.
void share(const Head& head, const SiteOptions& options, Reply& reply);

}  // namespace imgq::web
