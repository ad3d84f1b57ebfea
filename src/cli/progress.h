#pragma once

#include <cstdint>
#include <string>

#include "src/cli/console.h"

namespace imgq::cli {

// " 42/102 [########------------]  41%  38/s  2 s left  1 failed"
std::string progress_line(int64_t done, int64_t total, int64_t failed, int64_t elapsed_ms,
                          int width);

// A bar at the bottom of the terminal, redrawn at most ten times a second; silent elsewhere, and
// when there is nothing to do.
class Progress {
 public:
  Progress(Console& console, int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void step(bool failed);
  void refresh();  // while nothing happens: draws it again below what was printed meanwhile

 private:
  void draw(int64_t now);
  Console& console_;
  int64_t total_;
  int64_t done_ = 0, failed_ = 0;
  int64_t begin_ms_, drawn_ms_ = 0;
};

}  // namespace imgq::cli
