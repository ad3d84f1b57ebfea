#include "src/web/cross_origin.h"

#include <algorithm>

#include "src/http/header_value.h"

namespace imgq::web {
namespace {

bool is_shared(const Head& head, const SiteOptions& options) {
  return !options.origins.empty() && !head.path.empty() && head.path.front() == "v1";
}

}  // namespace

bool is_guest(const Head& head, const SiteOptions& options) {
  const std::string* origin = head.field("origin");
  return origin != nullptr && is_shared(head, options) &&
         std::any_of(options.origins.begin(), options.origins.end(),
                     [&](const std::string& allowed) { return same_word(allowed, *origin); });
}

std::optional<Reply> preflight(const Head& head, const SiteOptions& options,
                               const std::string& methods) {
  const bool asks = head.method == "OPTIONS" && head.field("access-control-request-method");
  if (!asks || !is_guest(head, options)) return std::nullopt;
  return Reply{.fields = {{"Access-Control-Allow-Methods", methods},
                          {"Access-Control-Allow-Headers",
                           "Authorization, Content-Type, Idempotency-Key, If-None-Match"},
                          {"Access-Control-Max-Age", "600"}}};
}

void share(const Head& head, const SiteOptions& options, Reply& reply) {
  if (!is_shared(head, options)) return;
  reply.fields.emplace_back("Vary", "Origin");
  if (!is_guest(head, options)) return;
  reply.fields.emplace_back("Access-Control-Allow-Origin", *head.field("origin"));
  reply.fields.emplace_back("Access-Control-Expose-Headers",
                            "Content-Disposition, ETag, Location, Retry-After");
}

}  // namespace imgq::web
