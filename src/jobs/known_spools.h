#pragma once

#include <string>

#include "src/util/error.h"

// Which spool a daemon found in a place, kept from one start to the next: in a place where none is
// mounted yet, or another one, it must not begin anew. A file for each absolute path, in
// $STATE_DIRECTORY as the service manager gives it, else in $XDG_STATE_HOME/imgq-spools.
namespace imgq {

// The uuid of the spool that was there; empty when none is remembered.
std::string known_spool(const std::string& path);

//   errors  of mkdir(2), open(2), write(2), rename(2)
Status remember_spool(const std::string& path, const std::string& uuid);

}  // namespace imgq
