#include "src/web/auth.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "src/http/header_value.h"
#include "src/http/problem.h"
#include "src/util/base64.h"
#include "src/util/digest.h"
#include "src/util/log.h"
#include "src/util/text.h"
#include "src/web/cross_origin.h"

namespace imgq::web {
namespace {

// Digests are compared, in full, so that the time tells neither the length nor a right beginning.
bool same_secret(std::string_view a, std::string_view b) {
  const std::string x = sha256_hex(a);
  const std::string y = sha256_hex(b);
  unsigned difference = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(x[i]) ^ static_cast<unsigned char>(y[i]));
  }
  return difference == 0;
}

std::optional<std::string> password_of(std::string_view basic) {
  auto pair = base64_decoded(basic);
  if (!pair) return std::nullopt;
  const size_t colon = pair->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return pair->substr(colon + 1);
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_address(std::string_view name) {
  if (name.starts_with('[')) return name.ends_with(']');
  return !name.empty() && name.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_answered(const std::string& host, const SiteOptions& options) {
  const std::string name = host_name(host);
  return options.hosts.empty() || is_address(name) || contains(options.hosts, name);
}

bool changes_something(const Head& head) {
  return head.method != "GET" && head.method != "HEAD" && head.method != "OPTIONS";
}

bool is_ours(const Head& head, const SiteOptions& options) {
  const std::string* origin = head.field("origin");
  if (origin == nullptr) return true;  // no browser's page sent it
  const std::string* host = head.field("host");
  const size_t slashes = origin->find("://");
  if (slashes == std::string::npos) return false;
  const std::string_view theirs = std::string_view(*origin).substr(slashes + 3);
  return (host != nullptr && same_word(theirs, *host)) ||
         contains(options.own_hosts, host_name(theirs));
}

void tell_of_stranger(const Head& head, Held& held) {
  const std::string* host = head.field("host");
  const std::string origin(shortened(*head.field("origin"), 256));
  const std::string asked(host == nullptr ? "" : shortened(*host, 256));
  if (!held.strangers.is_new(origin + " " + asked)) return;
  log::line(log::Level::warning,
            "a page of another origin was refused; --allow-host makes a name ours, --allow-origin "
            "lets a page use /v1",
            {{"origin", origin}, {"host", asked}});
}

}  // namespace

bool shows_token(const Head& head, const std::string& token) {
  const std::string* field = head.field("authorization");
  if (field == nullptr) return false;
  const size_t blank = field->find(' ');
  if (blank == std::string::npos) return false;
  const std::string scheme = lower(field->substr(0, blank));
  const std::string_view rest = trimmed(std::string_view(*field).substr(blank));
  if (scheme == "bearer") return same_secret(rest, token);
  if (scheme != "basic") return false;
  const auto password = password_of(rest);
  return password && same_secret(*password, token);
}

std::optional<Reply> check_origin(const Head& head, const SiteOptions& options, Held& held) {
  const std::string* host = head.field("host");
  if (host != nullptr && !is_answered(*host, options)) {
    return problem(421, "this Host is not answered here (imgq-httpd --allow-host)", "bad_host");
  }
  if (changes_something(head) && !is_ours(head, options) && !is_guest(head, options)) {
    tell_of_stranger(head, held);
    return problem(403, "another site's page may not change anything here", "bad_origin");
  }
  return std::nullopt;
}

Reply unauthorized() {
  Reply reply = problem(401, "a bearer token is needed", "no_token");
  reply.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"imgq\"");
  reply.fields.emplace_back("WWW-Authenticate", "Basic realm=\"imgq\", charset=\"UTF-8\"");
  return reply;
}

}  // namespace imgq::web
