#pragma once

#include <cstdint>

#include "spool/spool.h"

namespace imgq {

// Whether the spool has the room that it shall keep: one rule for whoever brings a job or takes
// one, so that nobody says "well" where another waits.
//   floor_bytes   daemon.min_free; 0 asks for nothing
//   needed_bytes  of what is about to be written
//   errors        ENOSPC less than both is free, or so few inodes that no job can come to its end;
//                 those of Spool::room
Status require_room(const Spool& spool, uint64_t floor_bytes, uint64_t needed_bytes = 0);

}  // namespace imgq
