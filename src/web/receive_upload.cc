#include "src/web/receive_upload.h"

#include <cerrno>
#include <optional>
#include <utility>

#include "spool/room.h"
#include "src/base/formats.h"
#include "src/base/request.h"
#include "src/http/header_value.h"
#include "src/http/multipart.h"
#include "src/util/digest.h"
#include "src/util/io.h"
#include "src/util/text.h"

namespace imgq::web {
namespace {

constexpr size_t kMaxValueBytes = size_t{16} * 1024;
constexpr size_t kMaxNameBytes = 255;
constexpr size_t kHeldBytes = size_t{16} * 1024;
constexpr int64_t kRoomStep = int64_t{4} << 20;  // how often the free space is looked at

Objection spool_objection(const Error& error) {
  if (error.code == ENOSPC || error.code == EDQUOT) {
    return {507, "no_room", "the spool has no room: try again later"};
  }
  return {503, "unavailable", "the spool cannot be written now: try again later"};
}

Objection body_objection(const Error& error) {
  switch (error.code) {
    case EFBIG:
      return {413, "body_too_large", "the request's body is larger than is taken here"};
    case ETIMEDOUT:
      return {408, "too_slow", "the request's body came too slowly"};
    case 0:
      return {400, "bad_body", error.action};
    default:
      return {400, "cut_short", "the request's body was cut short"};
  }
}

// Is there room for what has come, or for what the client says that it will send?
std::optional<Objection> check_room(const Site& site, int64_t needed_bytes = 0) {
  const auto room =
      require_room(site.spool, site.config.min_free_bytes, static_cast<uint64_t>(needed_bytes));
  return room ? std::nullopt : std::optional(spool_objection(room.error()));
}

Objection file_too_large(const Site& site) {
  return {413, "file_too_large",
          "the image is larger than " + human_bytes(largest_upload(site.config))};
}

// One image on its way into tmp/. Nothing is written before it is known to be one, and nothing in
// small pieces, as a form full of line ends would have it.
class Incoming {
 public:
  Incoming(const Site& site, const Terms& terms, std::string name, Permit permit = {})
      : site_(site),
        terms_(terms),
        arrived_{.name = std::move(name), .permit = std::move(permit)} {}

  std::optional<Objection> take(std::string_view bytes) {
    arrived_.size_bytes += static_cast<int64_t>(bytes.size());
    if (arrived_.size_bytes > largest_upload(site_.config)) return file_too_large(site_);
    held_ += bytes;
    if (held_.size() < (arrived_.file ? kHeldBytes : kSignatureBytes)) return std::nullopt;
    return arrived_.file ? store() : open();
  }

  std::optional<Objection> finish() {
    if (arrived_.size_bytes == 0) return Objection{400, "empty_file", "the file is empty"};
    if (!arrived_.file) {
      if (auto objection = open()) return objection;
    }
    if (auto objection = store()) return objection;
    if (terms_.key.empty()) return std::nullopt;
    auto made = sha256_of_file(arrived_.file->fd(), "tmp/");
    if (!made) return spool_objection(made.error());
    arrived_.sha256 = std::move(*made);
    return std::nullopt;
  }

  Arrived arrived() && { return std::move(arrived_); }

 private:
  std::optional<Objection> open() {
    const Signature signature = sniff(held_);
    if (signature.kind == Kind::unknown) {
      return Objection{415, "not_an_image",
                       "the content is no image of a format that is read here"};
    }
    if (signature.kind == Kind::unsupported) {
      return Objection{415, "unsupported_format",
                       std::string(signature.name) + " is never read here"};
    }
    if (!is_read(signature.kind, site_.config.limits.formats)) {
      return Objection{415, "format_not_enabled", not_enabled_words(signature)};
    }
    auto file = TempFile::create(site_.spool);
    if (!file) return spool_objection(file.error());
    arrived_.file = std::move(*file);
    return std::nullopt;
  }

  std::optional<Objection> store() {
    const Status written = write_all(arrived_.file->fd(), held_, "tmp/");
    held_.clear();
    if (!written) return spool_objection(written.error());
    if (arrived_.size_bytes - room_seen_at_ < kRoomStep) return std::nullopt;
    room_seen_at_ = arrived_.size_bytes;
    return check_room(site_);
  }

  const Site& site_;
  const Terms& terms_;
  Arrived arrived_;
  std::string held_;  // not yet written
  int64_t room_seen_at_ = 0;
};

// Sorts the parts of a form into files and values.
class Sorter final : public PartSink {
 public:
  Sorter(Site& site, const Terms& terms) : site_(site), terms_(terms) {}

  Status part_begins(const Part& part) override {
    value_ = nullptr;
    if (is_file(part)) return file_begins(part);
    const std::string_view wish = part.filename ? "" : wish_in(part.name);
    if (wish.empty() || upload_.wishes.contains(wish)) return Ok{};  // the first of a name counts
    value_ = &upload_.wishes[std::string(wish)];
    return Ok{};
  }

  Status part_data(std::string_view bytes) override {
    if (file_) return keep(file_->take(bytes));
    if (value_ == nullptr) return Ok{};
    if (value_->size() + bytes.size() > kMaxValueBytes) {
      return object({413, "body_too_large", "a field of the form is too long"});
    }
    *value_ += bytes;
    return Ok{};
  }

  Status part_ends() override {
    if (!file_) return Ok{};
    auto objection = file_->finish();
    // What a browser sends for a file input that was left empty.
    const bool left_empty = objection && objection->code == "empty_file" && unnamed_ &&
                            terms_.on_bad_file == OnBadFile::skip;
    if (left_empty) file_.reset();
    if (Status judged = keep(std::move(objection)); !judged) return judged;
    if (file_) upload_.files.push_back(std::move(*file_).arrived());
    file_.reset();
    return Ok{};
  }

  Upload& upload() { return upload_; }
  std::optional<Objection>& objection() { return objection_; }

 private:
  // What a field of the form asks for; nothing where it is its sender's own.
  std::string_view wish_in(std::string_view name) const {
    if (terms_.fields == Terms::Fields::only_file) return "";
    if (name == "preset" || name == "renditions") return name;
    if (!name.starts_with("imgq-")) return "";
    name.remove_prefix(5);
    return field_named(name) != nullptr ? name : "";
  }

  bool is_file(const Part& part) const {
    if (terms_.fields == Terms::Fields::any_filename) {
      return part.name == "file" || part.filename.has_value();
    }
    return part.name == "file" && upload_.files.empty();
  }

  Status file_begins(const Part& part) {
    Permit permit;
    if (!upload_.files.empty()) {
      permit = take_permit(site_.held.further_files, site_.options.max_further_files);
      if (!permit) {
        return object({503, "busy", "too many files are being taken in: try again later"});
      }
    }
    file_.emplace(site_, terms_, std::string(part.filename.value_or("").substr(0, kMaxNameBytes)),
                  std::move(permit));
    unnamed_ = !part.filename || part.filename->empty();
    return Ok{};
  }

  // A bad file ends the upload, or is left out of it.
  Status keep(std::optional<Objection> objection) {
    if (!objection || !file_) return Ok{};
    const bool ours = objection->status == 507 || objection->status == 503;
    if (terms_.on_bad_file == OnBadFile::refuse || ours) return object(std::move(*objection));
    upload_.refused.push_back({std::move(*file_).arrived().name, std::move(*objection)});
    file_.reset();
    return Ok{};
  }

  Status object(Objection why) {
    Error error = bad_data(why.detail, "upload");
    objection_ = std::move(why);
    return error;
  }

  Site& site_;
  const Terms& terms_;
  Upload upload_;
  std::optional<Incoming> file_;
  std::string* value_ = nullptr;
  bool unnamed_ = false;
  std::optional<Objection> objection_;
};

using Received = std::variant<Upload, Objection>;

Received receive_form(Site& site, const Terms& terms, const ReadBody& read_body,
                      const std::string& boundary) {
  Sorter sorter(site, terms);
  Multipart form(boundary, sorter);
  Status formed = Ok{};
  const Status read = read_body([&](std::string_view bytes) {
    formed = form.feed(bytes);
    return static_cast<bool>(formed);
  });
  if (!read) return body_objection(read.error());
  if (formed) formed = form.finish();
  if (!formed && sorter.objection()) return std::move(*sorter.objection());
  if (!formed) return Objection{400, "bad_form", formed.error().action};
  Upload upload = std::move(sorter.upload());
  if (upload.files.empty() && upload.refused.empty()) {
    return Objection{400, "no_file", "the form holds no file"};
  }
  return upload;
}

Received receive_raw(const Site& site, const Terms& terms, const ReadBody& read_body,
                     std::string_view name) {
  Incoming file(site, terms, last_component(name).substr(0, kMaxNameBytes));
  std::optional<Objection> objection;
  const Status read = read_body([&](std::string_view bytes) {
    objection = file.take(bytes);
    return !objection;
  });
  if (!read) return body_objection(read.error());
  if (!objection) objection = file.finish();
  if (objection) return std::move(*objection);
  Upload upload;
  upload.files.push_back(std::move(file).arrived());
  return upload;
}

}  // namespace

bool is_wish(std::string_view name) {
  return name == "preset" || name == "renditions" || field_named(name) != nullptr;
}

std::variant<Upload, Objection> receive(Site& site, const Terms& terms, const Asked& asked,
                                        std::string_view raw_name) {
  const Head& head = asked.head;
  if (head.framing == Head::Framing::none) {
    return Objection{411, "no_length", "the request needs a body and its Content-Length"};
  }
  const std::string* type = head.field("content-type");
  const bool form = type != nullptr && lower(*type).starts_with("multipart/");
  if (!form && head.length_bytes > largest_upload(site.config)) return file_too_large(site);
  if (head.length_bytes > site.options.max_body_bytes) return body_objection({EFBIG, "", ""});
  if (auto full = check_room(site, head.length_bytes)) return std::move(*full);
  if (!form) return receive_raw(site, terms, asked.read_body, raw_name);
  const auto boundary = multipart_boundary(*type);
  if (!boundary) return Objection{400, "bad_form", "Content-Type names no proper boundary"};
  return receive_form(site, terms, asked.read_body, *boundary);
}

}  // namespace imgq::web
