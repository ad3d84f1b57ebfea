#pragma once

#include <functional>
#include <map>
#include <string>

#include "src/base/request.h"
#include "src/jobs/config.h"

namespace imgq::cli {

// What submit and run say about the wanted result, as typed. Empty: not given.
struct RequestOptions {
  std::string preset;
  std::string size;  // "500x500", or several: "320x,640x,1280x"
  bool fit = false, fill = false, force = false, pad = false;  // fields["fit"] without its word
  // Of kRenditionFields, by their names: those with a value, and those without.
  std::map<std::string, std::string, std::less<>> fields;
  std::map<std::string, bool, std::less<>> switches;
  bool lenient = false;
};

// The request: a preset's renditions or one for each size, with every other option laid over each.
//   errors  EINVAL what was given and what is allowed; names the option
Result<Request> make_request(const RequestOptions& options, const Config& config);

}  // namespace imgq::cli
