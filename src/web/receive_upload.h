#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "spool/submit.h"
#include "spool/temp_file.h"
#include "src/http/exchange.h"
#include "src/web/site.h"

namespace imgq::web {

// Why an upload, or one file of it, is not taken.
struct Objection {
  int status = 400;
  std::string code;    // a word of src/base/verdict.h, or one of ours
  std::string detail;  // one sentence, fit to be sent
};

// An image that has arrived whole in the spool's tmp/.
struct Arrived {
  std::string name;  // as its sender calls it; any bytes, last component only, at most 255
  std::optional<TempFile> file = {};  // until it is submitted
  int64_t size_bytes = 0;
  std::string sha256 = {};  // hex; with a key
  Permit permit = {};
  std::optional<Submitted> job = {};  // once it is submitted
};

struct RefusedFile {
  std::string name;
  Objection why;
};

// What is asked of the images of an upload, as text:
//   preset      NAME: a set of renditions from the configuration
//   renditions  as JSON, as in a ticket (imgq-spool(5))
//   size ...    the fields of one rendition (src/base/request.h)
// A query calls them so; a form the last ones "imgq-size" ..., for uploaders send a name, a type
// and a size of their own.
using Wishes = std::map<std::string, std::string, std::less<>>;
bool is_wish(std::string_view name);

struct Upload {
  std::vector<Arrived> files;
  std::vector<RefusedFile> refused;  // only with OnBadFile::skip
  Wishes wishes;                     // what the form asks; every other field is its sender's own
};

enum class OnBadFile {
  refuse,  // the first bad file ends the upload
  skip,    // the others are still taken
};

struct Terms {
  OnBadFile on_bad_file = OnBadFile::refuse;
  enum class Fields {
    only_file,     // a part named "file" is the image, whatever else it says; no other is read
    any_filename,  // so is each part with a file name
  } fields = Fields::any_filename;
  std::string key = {};  // idempotency key; then at most one file, whose digest is made
};

// Streams a request's body to tmp/: a multipart form, or the bytes of one image. What the image is
// is told by its first bytes; how it is called, by the form or by `raw_name`.
//   objections  411 no body at all; 400 not a proper form, no file in it (code "no_file"), an
//               empty one ("empty_file"); 415 none of the formats that are read; 413 too large;
//               507 no room; 408 too slow; 503 the spool cannot be written, or forms hold too many
//               files ("busy")
std::variant<Upload, Objection> receive(Site& site, const Terms& terms, const Asked& asked,
                                        std::string_view raw_name);

}  // namespace imgq::web
