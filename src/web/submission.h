#pragma once

#include <optional>
#include <variant>

#include "src/web/receive_upload.h"
#include "src/web/site.h"

namespace imgq::web {

// Takes an upload in and submits it: its files are durable jobs then. What is asked of its images
// says the query or, where that is silent, the form; nothing asked is the preset "default" when
// there is one, else one rendition, 500x500, JPEG.
//   objections  those of receive; 429 too many jobs wait; 400 bad_request; 507, 503, 500 the spool
//               refused; 409 the key was used for something else
std::variant<Upload, Objection> take_upload(Site& site, const Asked& asked, const Terms& terms);

// Names a query field that is no wish and not "filename", with the nearest that is.
std::optional<Objection> check_query(const Head& head);

// The reply to an objection, as a problem; Retry-After where trying again makes sense.
Reply reply_to(const Objection& objection);

}  // namespace imgq::web
