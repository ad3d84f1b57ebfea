#pragma once

#include <string_view>

#include "src/http/exchange.h"

namespace imgq::web {

// What a status means: "Not Found".
std::string_view reason_of(int status);

// An error as RFC 9457 writes it: {"type":"about:blank","title":"Not Found","status":404,
// "detail":"..."}, application/problem+json. `code`, when there is one, is a word of
// the program that answers, for programs.
Reply problem(int status, std::string_view detail, std::string_view code = {});

}  // namespace imgq::web
