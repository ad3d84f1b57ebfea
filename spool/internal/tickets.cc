#include "spool/internal/tickets.h"

#include <fcntl.h>
#include <sys/file.h>

#include "spool/internal/durable.h"
#include "spool/layout.h"
#include "src/util/sys.h"

namespace imgq {

Result<Ticket> read_ticket(const Spool& spool, const JobId& id) {
  const std::string path = layout::ticket(id);
  const auto text = durable::read_text(spool, path);
  if (!text) return text.error();
  return of_job(decode_ticket(*text, path), id, path);
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
  const auto text = durable::read_text(spool, token_path);
  if (!text) return text.error();
  const auto ticket = of_job(decode_ticket(*text, token_path), id, token_path);
  if (!ticket) return ticket.error();
  if (ticket->source.kind == SourceKind::spooled) {
    const auto source = durable::exists(spool, layout::source(id));
    if (!source) return source.error();
    if (!*source) return bad_data("ticket and source are gone", token_path);
  }
  const std::string path = layout::ticket(id);
  if (sys::linkat(spool.root(), token_path.c_str(), spool.root(), path.c_str()) != 0 &&
      errno != EEXIST) {
    return last_error("restore the ticket", path);
  }
  return durable::sync_names(spool, layout::hour_folder(id));
}

}  // namespace imgq
