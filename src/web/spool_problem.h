#pragma once

#include "src/http/exchange.h"
#include "src/util/error.h"

namespace imgq::web {

// An error of the spool as a reply: 507 when there is no room (Retry-After 30), 503 when it is
// read-only or out of reach, 500 otherwise. No path of this machine is told.
Reply problem_of(const Error& error);

}  // namespace imgq::web
