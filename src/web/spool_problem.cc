#include "src/web/spool_problem.h"

#include <cerrno>

#include "spool/spool.h"
#include "src/http/problem.h"

namespace imgq::web {

Reply problem_of(const Error& error) {
  if (error.code == ENOSPC || error.code == EDQUOT) {
    return problem(507, "the spool has no room: try again later", "no_room", 30);
  }
  if (is_pausing(error) || is_ambiguous(error)) {
    return problem(503, "the spool cannot be written now: try again later", "unavailable", 30);
  }
  return problem(500, "the spool answered with an error, told in the server's log", "internal");
}

}  // namespace imgq::web
