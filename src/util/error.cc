#include "src/util/error.h"

#include <system_error>

namespace imgq {

std::string Error::text() const {
  if (code == 0) return path.empty() ? action : action + ": " + path;
  std::string line = "cannot " + action;
  if (!path.empty()) line += ": " + path;
  return line + ": " + std::generic_category().message(code);
}

}  // namespace imgq
