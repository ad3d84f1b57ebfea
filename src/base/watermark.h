#pragma once

#include <map>
#include <string>
#include <string_view>

#include "src/base/request.h"

namespace imgq {

// A picture that is laid over results. A request has its name alone; what that means, the
// configuration says of whoever runs the job.
struct Watermark {
  std::string file;                   // absolute path; "" beyond the supervisor
  Anchor place = Anchor::south_east;  // one of nine: no smart one, no focus
  int opacity_percent = 100;          // 1..100
};
using Watermarks = std::map<std::string, Watermark, std::less<>>;  // by name

//   errors  code 0: what was given and what is allowed
Result<Anchor> parse_watermark_place(std::string_view text);
Result<int> parse_opacity(std::string_view text);

}  // namespace imgq
