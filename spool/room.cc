#include "spool/room.h"

namespace imgq {
namespace {

constexpr uint64_t kFewestInodes =
    17;  // results, records and temporary files of a job, and then some

}  // namespace

Status require_room(const Spool& spool, uint64_t floor_bytes, uint64_t needed_bytes) {
  if (floor_bytes == 0) return Ok{};
  const auto room = spool.room();
  if (!room) return room.error();
  if (room->free_inodes < kFewestInodes) {
    return Error{ENOSPC, "go on: hardly any inode is free", spool.path()};
  }
  const bool enough =
      room->free_bytes >= needed_bytes && room->free_bytes - needed_bytes >= floor_bytes;
  return enough ? Status(Ok{})
                : Error{ENOSPC, "keep the room that daemon.min_free asks for", spool.path()};
}

}  // namespace imgq
