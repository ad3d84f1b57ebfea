#pragma once

#include <optional>
#include <string>

namespace imgq::config {

enum class Reach {
  file,   // only the file itself, which somebody named
  above,  // the folders above it, too, by which it could be replaced
};

// A configuration names programs that are run (daemon.hook). Who but root and this user could have
// written it: "/srv/spool: members of group 'imgq' can write there". Nothing: nobody. Of a sticky
// folder only the owner counts, and of a group of root and this user alone nobody.
//   file  an open descriptor of it; `path` is absolute, or below the working directory
std::optional<std::string> who_else_writes(int file, const std::string& path, Reach reach);

}  // namespace imgq::config
