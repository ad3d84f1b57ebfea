#include "src/http/problem.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "src/util/json.h"

namespace imgq::web {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 25> kReasons = {{
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
}};

std::string_view reason_of(int status) {
  const auto* found = std::find_if(kReasons.begin(), kReasons.end(),
                                   [status](const auto& pair) { return pair.first == status; });
  return found == kReasons.end() ? "Error" : found->second;
}

}  // namespace

Reply problem(int status, std::string_view detail, std::string_view code, int again_seconds) {
  Json body{{"type", "about:blank"},
            {"title", reason_of(status)},
            {"status", status},
            {"detail", detail}};
  if (!code.empty()) body["code"] = code;
  Reply reply{.status = status, .type = "application/problem+json", .text = dump_json(body) + "\n"};
  if (again_seconds > 0) reply.fields.emplace_back("Retry-After", std::to_string(again_seconds));
  return reply;
}

}  // namespace imgq::web
