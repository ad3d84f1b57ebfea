#include "spool/placed.h"

#include "spool/internal/durable.h"
#include "spool/layout.h"

namespace imgq {

Status mark_placed(const Spool& spool, const JobId& id) {
  return durable::link_unless_taken(spool, layout::ticket(id), layout::placed(id),
                                    "mark as placed");
}

Result<bool> is_placed(const Spool& spool, const JobId& id) {
  return durable::exists(spool, layout::placed(id));
}

}  // namespace imgq
