#include "spool/internal/tickets.h"

#include <fcntl.h>
#include <sys/file.h>

#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/layout.h"
#include "spool/types.h"
#include "src/util/sys.h"

namespace imgq {

Result<Ticket> read_ticket(const Spool& spool, const JobId& id) {
  return read_record(spool, layout::ticket(id), id, decode_ticket);
}

Status require_ticket(const Spool& spool, const JobId& id) {
  const auto exists = durable::exists(spool, layout::ticket(id));
  if (!exists) return exists.error();
  return *exists ? Status(Ok{}) : Error{ENOENT, "find the job", id.text()};
}

Result<Fd> lock_job(const Spool& spool, const JobId& id) {
  const std::string path = layout::ticket(id);
  Fd ticket(sys::openat(spool.root(), path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK));
  if (!ticket) return last_error("open the ticket", path);
  if (sys::flock(ticket.get(), LOCK_EX | LOCK_NB) == 0) return ticket;
  if (errno == EWOULDBLOCK) {
    return Error{EAGAIN, "have the job alone: a retry or purge is under way", id.text()};
  }
  return last_error("lock the ticket", path);
}

Status restore_ticket(const Spool& spool, const std::string& token_path, const JobId& id) {
  const auto ticket = read_record(spool, token_path, id, decode_ticket);
  if (!ticket) return ticket.error();
  const auto there = durable::exists_anew(spool, layout::ticket(id));
  if (!there || *there) return there ? Status(Ok{}) : there.error();
  if (ticket->source.kind == SourceKind::spooled) {
    const auto source = durable::exists(spool, layout::source(id));
    if (!source) return source.error();
    if (!*source) return bad_data("ticket and source are gone", token_path);
  }
  const std::string hour = layout::hour_folder(id);
  const auto made = durable::make_durable_folder(spool, hour, Sync::full);
  if (!made) return made.error();
  const auto linked =
      durable::link_unless_taken(spool, token_path, layout::ticket(id), "restore the ticket");
  if (!linked) return linked.error();
  return durable::sync_names(spool, hour);
}

}  // namespace imgq
