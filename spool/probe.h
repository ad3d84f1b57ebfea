#pragma once

#include <string>
#include <vector>

#include "spool/spool.h"
#include "src/util/error.h"

namespace imgq {

// One check of `imgq doctor` on the spool's file system.
struct Probe {
  std::string what;  // "hard links", "rename", "flock", "fsync of a directory", ...
  bool good = false;
  std::string cure;  // what to do, when not
};
std::vector<Probe> probe(const Spool& spool);

// The folders that cannot be read, each with the kernel's word on it; those that are gone or that
// this user may not read are left out.
std::vector<Error> unreadable_folders(const Spool& spool);

}  // namespace imgq
