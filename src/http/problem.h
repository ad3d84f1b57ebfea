#pragma once

#include <string_view>

#include "src/http/exchange.h"

namespace imgq::web {

// An error as RFC 9457 writes it: {"type":"about:blank","title":"Not Found","status":404,
// "detail":"..."}, application/problem+json. `code`, when there is one, is a word of
// the program that answers, for programs. `again_seconds`: when to ask again (Retry-After); 0: not.
Reply problem(int status, std::string_view detail, std::string_view code = {},
              int again_seconds = 0);

}  // namespace imgq::web
