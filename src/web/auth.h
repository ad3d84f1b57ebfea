#pragma once

#include <optional>
#include <string>

#include "src/http/exchange.h"
#include "src/web/site.h"

// Who may ask: checked before a route is run.
namespace imgq::web {

// True when the request shows the token, as "Bearer <token>" or, for browsers, as the password of
// Basic. Takes the same time however much of it is right.
bool shows_token(const Head& head, const std::string& token);

// A page of another site must not reach this one through its visitor's browser.
//   421  a Host that is neither an address nor a name that is answered here (DNS rebinding)
//   403  a request that changes something, sent by another origin's page: one whose host is neither
//        that which is asked nor one of ours, and which is no guest (cross_origin.h); the log tells
//        of each such pair once
std::optional<Reply> check_origin(const Head& head, const SiteOptions& options, Held& held);

// 401 with both challenges.
Reply unauthorized();

}  // namespace imgq::web
