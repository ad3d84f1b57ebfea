#include "src/web/spool_problem.h"

#include <cerrno>

#include "spool/spool.h"
#include "src/http/problem.h"

namespace imgq::web {
namespace {

bool is_full(const Error& error) { return error.code == ENOSPC || error.code == EDQUOT; }

}  // namespace

Reply problem_of(const Error& error) {
  if (is_full(error)) {
    Reply reply = problem(507, "the spool has no room: try again later", "no_room");
    reply.fields.emplace_back("Retry-After", "30");
    return reply;
  }
  if (is_pausing(error) || is_ambiguous(error)) {
    Reply reply = problem(503, "the spool cannot be written now: try again later", "unavailable");
    reply.fields.emplace_back("Retry-After", "30");
    return reply;
  }
  return problem(500, "the spool answered with an error, told in the server's log", "internal");
}

}  // namespace imgq::web
