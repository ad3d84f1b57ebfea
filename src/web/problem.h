#ifndef IMGQ_SRC_WEB_PROBLEM_H_
#define IMGQ_SRC_WEB_PROBLEM_H_

#include <string_view>

#include "spool/error.h"
#include "src/web/exchange.h"

namespace imgq::web {

// What a status means: "Not Found".
std::string_view reason_of(int status);

// An error as RFC 9457 writes it: {"type":"about:blank","title":"Not Found","status":404,
// "detail":"..."}, application/problem+json. `code`, when there is one, is a word of
// src/base/verdict.h or one of ours, for programs.
Reply problem(int status, std::string_view detail, std::string_view code = {});

// The same for an error of the spool: 507 when there is no room (Retry-After 30), 503 when it is
// read-only or out of reach, 500 otherwise. No path of this machine is told.
Reply problem_of(const Error& error);

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_PROBLEM_H_
