#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace imgq::supervise {

// A name in a hot folder that is no file to be taken, and why.
struct LeftOut {
  std::string name;
  std::string why;
  bool may_change = false;  // an upload has such a name for a while
};

// Which of them are to be told of: each once, and those that may change only once they have lain
// there for a minute. Times are of the monotonic clock.
class LeftOutNames {
 public:
  std::vector<LeftOut> to_tell(const std::vector<LeftOut>& found, int64_t now_ms);

 private:
  struct Name {
    int64_t since_ms = 0;
    int64_t look = 0;
    std::string told = {};
  };
  std::map<std::string, Name> names_;
  int64_t looks_ = 0;
};

}  // namespace imgq::supervise
