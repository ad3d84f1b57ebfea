#ifndef IMGQ_SRC_WEB_SPOOL_PROBLEM_H_
#define IMGQ_SRC_WEB_SPOOL_PROBLEM_H_

#include "src/http/exchange.h"
#include "src/util/error.h"

namespace imgq::web {

// An error of the spool as a reply: 507 when there is no room (Retry-After 30), 503 when it is
// read-only or out of reach, 500 otherwise. No path of this machine is told.
Reply problem_of(const Error& error);

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_SPOOL_PROBLEM_H_
