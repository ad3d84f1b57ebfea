#include "src/run/deliver.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <tuple>
#include <utility>

#include "spool/query.h"
#include "spool/records.h"
#include "src/cli/file_out.h"
#include "src/util/clock.h"
#include "src/util/json.h"

namespace imgq::cli {
namespace {

FileId id_of(const struct stat& about) { return {about.st_dev, about.st_ino}; }

enum class Place { free, ours, done };

// What stands where a result is to go.
Result<Place> place_of(const Delivery& delivery, const DoneFile& done_file, const RunItem& item,
                       const std::string& name, const ResultFile& result,
                       const struct stat& fresh) {
  const std::string path = fmt::format("{}/{}", delivery.output, name);
  struct stat there{};
  if (::lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return Place::free;
    return last_error("look at", path);
  }
  if (id_of(there) == id_of(fresh)) return Place::done;
  if (std::binary_search(delivery.sources.begin(), delivery.sources.end(), id_of(there))) {
    return Error{0, "would overwrite a source image: choose another --output", path};
  }
  if (S_ISDIR(there.st_mode)) return Error{EISDIR, "a directory is in the way", path};
  if (done_file.owns(name, item.real) || delivery.in_the_way == InTheWay::replace)
    return Place::ours;
  if (has_content(path, result.sha256)) return Place::ours;
  return Error{0,
               "a file that imgq has not made of this image is in the way: --overwrite replaces it",
               path};
}

// A further name of a file, for as long as it has not become another.
class Link {
 public:
  explicit Link(std::string path) : path_(std::move(path)) {}
  Link(Link&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  Link& operator=(Link&&) = delete;
  ~Link() {
    if (!path_.empty()) (void)::unlink(path_.c_str());  // ours
  }
  Status become(const std::string& path) {
    if (::rename(path_.c_str(), path.c_str()) != 0) return last_error("rename to", path);
    path_.clear();
    return Ok{};
  }

 private:
  std::string path_;
};

// A result that is ready to be given its name; neither link nor copy: it has it already.
struct Ready {
  std::string path;
  std::optional<Link> link;
  std::optional<OutFile> copy;
  RunResult record;
};

// A second name for the result where that can be, else a copy.
Status make_ready(const Delivery& delivery, const std::string& from, int from_fd, Ready& ready) {
  const std::string mine = delivery.output + "/.imgq";
  std::string temp = temp_name(mine);
  if (::link(from.c_str(), temp.c_str()) == 0) {
    ready.link.emplace(std::move(temp));
    return Ok{};
  }
  if (errno != EXDEV && errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP) {
    return last_error("link to", ready.path);
  }
  auto out = OutFile::create(mine);
  if (!out) return out.error();
  if (auto copied = out->copy(from_fd); !copied) return copied;
  ready.copy.emplace(std::move(*out));
  return Ok{};
}

Status put(Ready& ready) {
  if (ready.copy) return ready.copy->commit(ready.path);
  return ready.link ? ready.link->become(ready.path) : Ok{};
}

RunResult record_of(const struct stat& about, const std::string& name, const ResultFile& result) {
  RunResult record;
  record.rendition = result.rendition;
  record.file = name;
  record.size_bytes = about.st_size;
  record.modified_ns = ns_of(about.st_mtim);
  const auto facts = parse_json(result.about, "result");
  if (facts) {
    record.type = text_in(*facts, "type").value_or("");
    record.width_px = integer_in(*facts, "width", 0, 1'000'000).value_or(0);
    record.height_px = integer_in(*facts, "height", 0, 1'000'000).value_or(0);
    record.max_bytes_met = truth_in(*facts, "max_bytes_met").value_or(true);
  }
  return record;
}

std::string name_for(const RunItem& item, const Outcome& outcome, const ResultFile& result) {
  const std::string middle = outcome.results.size() > 1 ? "." + result.rendition : "";
  return fmt::format("{}{}.{}", item.stem, middle, extension_in(result.file));
}

Result<Ready> ready_one(const Delivery& delivery, const DoneFile& done_file, const RunItem& item,
                        const Outcome& outcome, const ResultFile& result) {
  const std::string name = name_for(item, outcome, result);
  Ready ready;
  ready.path = fmt::format("{}/{}", delivery.output, name);
  if (auto made = make_directories(directory_of(ready.path)); !made) return made.error();
  const auto file = open_result(delivery.spool, outcome.id, result);
  if (!file) return file.error();
  struct stat about{};
  if (::fstat(file->get(), &about) != 0) return last_error("look at", result.file);
  if (::fchmod(file->get(), new_file_mode()) != 0) return last_error("set the mode of", name);
  const auto place = place_of(delivery, done_file, item, name, result, about);
  if (!place) return place.error();
  if (*place != Place::done) {
    const std::string from = result_path(delivery.spool, outcome.id, result);
    if (auto made = make_ready(delivery, from, file->get(), ready); !made) return made.error();
  }
  if (ready.copy && ::fstat(ready.copy->fd(), &about) != 0) return last_error("look at", name);
  ready.record = record_of(about, name, result);
  return ready;
}

void add_report(RunRecord& record, const std::string& report) {
  const auto object = parse_json(report, "report");
  const Json* source = object ? member(*object, "source") : nullptr;
  if (source == nullptr || !source->is_object()) return;
  record.width_px = integer_in(*source, "width", 0, 1'000'000'000).value_or(0);
  record.height_px = integer_in(*source, "height", 0, 1'000'000'000).value_or(0);
  record.thumbhash = text_in(*source, "thumbhash").value_or("");
}

}  // namespace

bool operator<(const FileId& a, const FileId& b) {
  return std::tie(a.device, a.inode) < std::tie(b.device, b.inode);
}

Result<RunRecord> deliver(const Delivery& delivery, DoneFile& done_file, const RunItem& item,
                          const Outcome& outcome) {
  RunRecord record;
  record.source = item.real;
  record.size_bytes = item.size_bytes;
  record.modified_ns = item.modified_ns;
  record.request = delivery.request_digest;
  std::vector<Ready> all;
  for (const ResultFile& result : outcome.results) {
    auto one = ready_one(delivery, done_file, item, outcome, result);
    if (!one) return one.error();
    record.results.push_back(one->record);
    all.push_back(std::move(*one));
  }
  add_report(record, outcome.report);
  // Before the names: no file of ours is ever there that the done_file does not know.
  if (auto added = done_file.add(record); !added) return added.error();
  for (Ready& one : all) {
    if (auto done = put(one); !done) return done.error();
  }
  return record;
}

}  // namespace imgq::cli
