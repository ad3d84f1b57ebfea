#pragma once

#include <functional>
#include <string>
#include <vector>

// The steps whose cost is looked at: micro.cc times them, once.cc runs each for callgrind to count.
// What they work on is made by arithmetic alone and is the same everywhere.
namespace imgq::bench {

struct Steps {
  std::function<void()> before;  // each time; not counted. May be empty
  std::function<void()> run;
};

struct Case {
  std::string name;
  int items = 1;  // that one run works off
  std::function<Steps()> prepare;
};

std::vector<Case> image_cases();
std::vector<Case> spool_cases();

}  // namespace imgq::bench
