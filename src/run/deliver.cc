#include "src/run/deliver.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "spool/query.h"
#include "spool/records.h"
#include "src/cli/file_out.h"
#include "src/util/clock.h"
#include "src/util/fd.h"
#include "src/util/json.h"
#include "src/util/json_fields.h"
#include "src/util/sys.h"

namespace imgq::cli {
namespace {

FileId id_of(const struct stat& about) { return {about.st_dev, about.st_ino}; }

enum class Place { free, ours, done };

// What stands where a result is to go.
Result<Place> place_of(const Run& run, const DoneFile& done_file, const RunItem& item,
                       const std::string& name, const ResultFile& result,
                       const struct stat& fresh) {
  const std::string path = fmt::format("{}/{}", run.place, name);
  struct stat there{};
  if (::lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return Place::free;
    return last_error("look at", path);
  }
  if (id_of(there) == id_of(fresh)) return Place::done;
  if (std::binary_search(run.sources.begin(), run.sources.end(), id_of(there))) {
    return Error{0, "would overwrite a source image: choose another --output", path};
  }
  if (S_ISDIR(there.st_mode)) return Error{EISDIR, "a directory is in the way", path};
  if (done_file.owns(name, item.real) || run.options.overwrite) return Place::ours;
  if (has_content(path, result.sha256)) return Place::ours;
  return Error{0,
               "a file that imgq has not made of this image is in the way: --overwrite replaces it",
               path};
}

// A result that is ready to be given its name; without `out` it has it already.
struct Ready {
  std::string path;
  std::optional<OutFile> out;
  RunResult record;
};

// A second name for the result where that can be, else a copy. Either is as a file newly made where
// it goes.
Result<OutFile> make_ready(const Run& run, const std::string& from, Fd& file,
                           const std::string& path) {
  const std::string &mine = run.home, there = directory_of(path);
  auto link = OutFile::link(there, mine, from, file);
  if (link) return link;
  const int code = link.error().code;
  if (code != EXDEV && code != EPERM && code != EMLINK && code != EOPNOTSUPP) {
    return Error{code, "link to", path};
  }
  auto copy = OutFile::create(there, mine);
  if (!copy) return copy;
  if (auto copied = copy->copy(file.get()); !copied) return copied.error();
  if (run.sync != Sync::none && sys::fsync(copy->fd()) != 0) return last_error("sync", path);
  return copy;
}

RunResult record_of(const struct stat& about, const std::string& name, const ResultFile& result) {
  RunResult record{result.rendition,     name, "",           0, 0, about.st_size,
                   ns_of(about.st_mtim), true, result.sha256};
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

Result<Ready> ready_one(const Run& run, const Spool& spool, const DoneFile& done_file,
                        const RunItem& item, const Outcome& outcome, const ResultFile& result) {
  const std::string name = name_for(item, outcome, result);
  Ready ready{fmt::format("{}/{}", run.place, name), {}, {}};
  if (auto made = make_directories(directory_of(ready.path)); !made) return made.error();
  auto file = open_result(spool, outcome.id, result);
  if (!file) return file.error();
  struct stat about{};
  if (::fstat(file->get(), &about) != 0) return last_error("look at", result.file);
  const auto place = place_of(run, done_file, item, name, result, about);
  if (!place) return place.error();
  if (*place != Place::done) {
    auto out = make_ready(run, result_path(spool, outcome.id, result), *file, ready.path);
    if (!out) return out.error();
    ready.out.emplace(std::move(*out));
    if (::fstat(ready.out->fd(), &about) != 0) return last_error("look at", name);
  }
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
  JsonFields(*object).texts("notes", record.notes, JsonFields::kAnyLength, JsonFields::kAnyLength);
}

}  // namespace

Result<RunRecord> deliver(const Run& run, const Spool& spool, DoneFile& done_file,
                          const RunItem& item, const Outcome& outcome) {
  RunRecord record{
      item.real, item.size_bytes, item.modified_ns, run.request_digest, {}, 0, 0, "", {}, "", ""};
  std::vector<Ready> all;
  for (const ResultFile& result : outcome.results) {
    auto one = ready_one(run, spool, done_file, item, outcome, result);
    if (!one) return one.error();
    record.results.push_back(one->record);
    all.push_back(std::move(*one));
  }
  add_report(record, outcome.report);
  // Before the names: no file of ours is ever there that the done_file does not know.
  if (auto added = done_file.add(record); !added) return added.error();
  for (Ready& one : all) {
    if (!one.out) continue;
    if (auto done = one.out->commit(one.path); !done) return done.error();
  }
  return record;
}

void sweep_folders(const Run& run) {
  if (!run.shard.is_all() || has_unnamed_files(run.home)) return;
  std::set<std::string> folders;
  for (const RunItem& item : run.items) folders.insert(item.folder);
  for (const std::string& folder : folders)
    sweep_temps(fmt::format("{}/{}", run.place, folder), kRunTempPrefix);
}

}  // namespace imgq::cli
