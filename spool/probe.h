#pragma once

#include <string>
#include <vector>

#include "spool/spool.h"

namespace imgq {

// One check of `imgq doctor` on the spool's file system.
struct Probe {
  std::string what;  // "hard links", "rename", "flock", "fsync of a directory", ...
  bool good = false;
  std::string cure;  // what to do, when not
};
std::vector<Probe> probe(const Spool& spool);

}  // namespace imgq
