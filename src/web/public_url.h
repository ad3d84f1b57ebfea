#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/util/error.h"

namespace imgq::web {

// The address under which clients see the page, where a proxy stands before it.
struct PublicUrl {
  std::string base;                 // "https://img.example.org/imgq", without a slash at its end
  std::string host;                 // "img.example.org", lower case, without a port
  std::vector<std::string> prefix;  // {"imgq"}: what a proxy may leave before our addresses
};

//   errors  code 0: it is no http or https URL of a host and a path
Result<PublicUrl> parse_public_url(std::string_view text);

// "http://localhost:3000", "https://app.example.org": an origin as browsers send it.
bool is_origin(std::string_view text);

// "localhost:8080", "[::1]:8080", "10.0.0.1" without the port, lower case.
std::string host_name(std::string_view host);

}  // namespace imgq::web
