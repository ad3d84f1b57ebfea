#ifndef IMGQ_SRC_WEB_SUBMISSION_H_
#define IMGQ_SRC_WEB_SUBMISSION_H_

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "spool/submit.h"
#include "src/base/request.h"
#include "src/web/receive_upload.h"
#include "src/web/site.h"

namespace imgq::web {

// What is asked of the images of an upload, by the query or, where that is silent, by the form's
// fields:
//   preset=NAME       a set of renditions from the configuration
//   renditions=[...]  as JSON, as in a ticket (imgq-spool(5))
//   size, fit, anchor, format, quality, enlarge, name   of one rendition, as imgq submit takes them
// Nothing of these: the preset "default" when there is one, else one rendition, 500x500, JPEG.
//   errors  code 0: what is wrong, in words; the client's own words only where they are harmless
Result<Request> request_of(const Config& config, const Head& head,
                           const std::map<std::string, std::string>& form);

struct Taken {
  struct Job {
    std::string name;
    Submitted submitted;
  };
  std::vector<Job> jobs;                      // durable now
  std::vector<RefusedFile> refused;           // with OnBadFile::skip
  std::map<std::string, std::string> fields;  // of the form, but its files
};

struct Terms {
  OnBadFile on_bad_file = OnBadFile::refuse;
  UploadRules::Fields fields = UploadRules::Fields::any_filename;
  std::string key;  // idempotency key; then at most one file
};

// Takes an upload in and submits it.
//   objections  those of receive; 429 too many jobs wait; 400 bad_request; 507, 503, 500 the spool
//               refused; 409 the key was used for something else
std::variant<Taken, Objection> take_upload(Site& site, const Asked& asked, const Terms& terms);

// Names a query field that is none of request_of's and not "filename", with the nearest that is.
std::optional<Objection> check_query(const Head& head);

// The reply to an objection, as a problem; Retry-After where trying again makes sense.
Reply reply_to(const Objection& objection);

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_SUBMISSION_H_
