#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/http/exchange.h"
#include "src/web/site.h"

namespace imgq::web {

// The client's address: that of who is connected or, where that is a trusted proxy, what it says in
// X-Forwarded-For; of several the last that is no trusted proxy's own.
std::string client_address(const Asked& asked, const SiteOptions& options);

// A line for a request that was answered, when the log shows such (log.level = "debug").
void log_request(const Asked& asked, const SiteOptions& options, std::string_view route, int status,
                 int64_t took_ms);

}  // namespace imgq::web
