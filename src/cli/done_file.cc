#include "src/cli/done_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "src/cli/file_out.h"
#include "src/cli/files.h"
#include "src/util/clock.h"
#include "src/util/io.h"
#include "src/util/json.h"
#include "src/util/json_fields.h"

namespace imgq::cli {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr size_t kAnyLength = JsonFields::kAnyLength;
constexpr auto kMay = JsonFields::Need::may;

void list_result(JsonFields& fields, RunResult& result) {
  fields.text("rendition", result.rendition, kAnyLength);
  fields.bytes("file", result.file, kAnyLength);
  if (result.file.empty()) fields.wrong("file", "a name");
  fields.text("type", result.type, kAnyLength);
  fields.number("width", result.width_px, 0, kMost);
  fields.number("height", result.height_px, 0, kMost);
  fields.number("bytes", result.size_bytes, 0, kMost);
  fields.number("modified_ns", result.modified_ns, 0, kMost);
  fields.digest("sha256", result.sha256, kMay);
  if (!fields.writing() || !result.max_bytes_met) {
    fields.truth("max_bytes_met", result.max_bytes_met, kMay);
  }
}

void list_error(JsonFields& fields, RunRecord& record) {
  fields.text("code", record.code, kAnyLength);
  if (record.code.empty()) fields.wrong("code", "a word");
  fields.text("message", record.message, kAnyLength, kMay);
}

void list_images(JsonFields& fields, RunRecord& record) {
  fields.each("results", record.results, kAnyLength, list_result);
  if (record.results.empty()) fields.wrong("results", "of any result");
  fields.number("width", record.width_px, 0, kMost, kMay);
  fields.number("height", record.height_px, 0, kMost, kMay);
  fields.text("thumbhash", record.thumbhash, kAnyLength, kMay);
  fields.texts("notes", record.notes, kAnyLength, kAnyLength, kMay);
}

void list(JsonFields& fields, RunRecord& record) {
  int version = 1;
  fields.number("imgq", version, 1, 1);
  fields.bytes("source", record.source, kAnyLength);
  if (record.source.empty()) fields.wrong("source", "a path");
  fields.number("bytes", record.size_bytes, 0, kMost);
  fields.number("modified_ns", record.modified_ns, 0, kMost);
  fields.text("request", record.request, kAnyLength);
}

std::string below(const std::string& root, std::string_view path) {
  return fmt::format("{}/{}", root == "/" ? "" : root, path);
}

bool is_below(const std::string& path, const std::string& root) {
  const std::string prefix = below(root, "");
  return path.size() > prefix.size() && path.compare(0, prefix.size(), prefix) == 0;
}

// Each whole line that can be read; `root` is the real path of the output directory. A torn end is
// nothing.
void for_each_record(const std::string& text, const std::string& root,
                     const std::function<void(RunRecord)>& take) {
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;  // torn: not there
    auto record = decode_run_record(std::string_view(text).substr(begin, end - begin));
    if (record && record->source[0] != '/') record->source = below(root, record->source);
    take(record ? std::move(*record) : RunRecord());
    begin = end + 1;
  }
}

// OUTPUT/.imgq, and the homes of parts below it.
std::vector<std::string> homes_in(const std::string& output) {
  std::vector<std::string> homes{home_of(output, "")};
  const auto names = list_names(AT_FDCWD, homes.front());
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    const size_t middle = name.find("-of-");
    const bool is_part = middle != std::string::npos && middle > 0 &&
                         name.find_first_not_of("0123456789") == middle &&
                         name.find_first_not_of("0123456789", middle + 4) == std::string::npos;
    if (is_part) homes.push_back(home_of(output, name));
  }
  return homes;
}

// The time of a result that is unchanged: by that time, or by its content.
std::optional<int64_t> unchanged_at(const std::string& output, const RunResult& result) {
  struct stat about{};
  const std::string path = fmt::format("{}/{}", output, result.file);
  if (::lstat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return {};
  if (about.st_size != result.size_bytes) return {};
  const int64_t modified = ns_of(about.st_mtim);
  const bool same = modified == result.modified_ns ||
                    (!result.sha256.empty() && has_content(path, result.sha256));
  return same ? std::optional(modified) : std::nullopt;
}

}  // namespace

std::string home_of(const std::string& output, const std::string& part) {
  return output + "/.imgq" + (part.empty() ? "" : "/" + part);
}

bool is_unchanged(const std::string& output, const RunResult& result) {
  return unchanged_at(output, result).has_value();
}

Origin origin_of(const RunRecord& record) {
  if (record.results.empty()) return {record.source, ""};
  return {record.source, folder_of(record.results.front().file)};
}

std::string stem_of(const RunRecord& record) {
  if (record.results.empty()) return "";
  const std::string& file = record.results.front().file;
  const std::string_view extension = extension_in(base_name(file));
  std::string stem = file.substr(0, file.size() - (extension.empty() ? 0 : extension.size() + 1));
  const std::string middle = "." + record.results.front().rendition;
  const bool several = record.results.size() > 1 && stem.size() > middle.size() &&
                       stem.compare(stem.size() - middle.size(), middle.size(), middle) == 0;
  return several ? stem.substr(0, stem.size() - middle.size()) : stem;
}

bool Made::knows(const std::string& path, const std::string& root) {
  const std::string& parent = real_directory(directory_of(path));
  if (parent.empty()) return false;
  const std::string file = below(parent, base_name(path));
  for (size_t slash = file.rfind('/'); true; slash = file.rfind('/', slash - 1)) {
    const std::string directory = slash == 0 ? "/" : file.substr(0, slash);
    const auto [begin, end] = made_in(directory).equal_range(file.substr(slash + 1));
    const bool made = std::any_of(begin, end, [&](const auto& one) {
      return is_below(one.second.source, root) && is_unchanged(directory, one.second.result);
    });
    if (made || slash == 0) return made;
  }
}

const Made::Results& Made::made_in(const std::string& directory) {
  const auto [entry, fresh] = results_.try_emplace(directory);
  Results& made = entry->second;
  if (!fresh) return made;
  for (const std::string& home : homes_in(directory)) {
    const std::string path = home + "/done";
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file) continue;
    const auto text = read_all(file.get(), path);
    if (!text) continue;  // then they are looked at like other files
    for_each_record(*text, directory, [&made](const RunRecord& record) {
      for (const RunResult& result : record.results) {
        made.emplace(result.file, Known{record.source, result});
      }
    });
  }
  return made;
}

const std::string& Made::real_directory(const std::string& path) {
  const auto [entry, fresh] = real_.try_emplace(path);
  if (fresh) entry->second = real_path(path);
  return entry->second;
}

std::string encode(RunRecord record) {
  JsonFields fields;
  list(fields, record);
  if (record.code.empty())
    list_images(fields, record);
  else
    fields.part("error", [&](JsonFields& inner) { list_error(inner, record); });
  return fields.written();
}

std::optional<RunRecord> decode_run_record(std::string_view line) {
  const auto object = parse_json(line, "done");
  if (!object || !object->is_object()) return std::nullopt;
  RunRecord record;
  JsonFields fields(*object);
  list(fields, record);
  if (member(*object, "error") == nullptr)
    list_images(fields, record);
  else
    fields.part("error", [&](JsonFields& inner) { list_error(inner, record); });
  return fields.trouble().empty() ? std::optional(std::move(record)) : std::nullopt;
}

DoneFile::DoneFile(std::string output, std::string part)
    : output_(std::move(output)), root_(real_path(output_)), part_(std::move(part)) {
  others_ = homes_in(output_);
  std::erase(others_, home_of(output_, part_));
}

// Those of the others; what is not there has nothing to tell.
Status DoneFile::take_others() {
  for (const std::string& home : others_) {
    const std::string path = home + "/done";
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file && (errno == ENOENT || errno == ENOTDIR)) continue;
    if (!file) return last_error("open", path);
    const auto text = read_all(file.get(), path);
    if (!text) return text.error();
    take_all(*text);
  }
  return Ok{};
}

Result<DoneFile> DoneFile::open(const std::string& output, const std::string& part) {
  const std::string path = home_of(output, part) + "/done";
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!file) return last_error("open", path);
  const auto text = read_all(file.get(), path);
  if (!text) return text.error();
  DoneFile done_file(output, part);
  if (auto taken = done_file.take_others(); !taken) return taken.error();
  done_file.take_all(*text);
  done_file.file_ = std::move(file);
  const bool torn = !text->empty() && text->back() != '\n';
  if (torn && ::write(done_file.file_.get(), "\n", 1) != 1) return last_error("write", path);
  return done_file;
}

Result<DoneFile> DoneFile::read(const std::string& output) {
  DoneFile done_file(output, "");
  done_file.others_.push_back(home_of(output, ""));
  if (auto taken = done_file.take_others(); !taken) return taken.error();
  return done_file;
}

void DoneFile::take_all(const std::string& text) {
  for_each_record(text, root_, [this](RunRecord record) {
    if (!record.source.empty()) take(std::move(record));
    ++lines_;
  });
}

std::vector<RunRecord> DoneFile::all() const {
  std::vector<RunRecord> all;
  for (const auto& [origin, record] : superseded_) all.push_back(record);
  for (const auto& [origin, record] : records_) all.push_back(record);
  return all;
}

void DoneFile::forget(const std::string& source) {
  const auto is_of = [&source](const auto& entry) { return entry.second.source == source; };
  std::erase_if(records_, is_of);
  std::erase_if(files_, [&source](const auto& entry) { return entry.second == source; });
  std::erase_if(superseded_, is_of);
  for (auto& [stem, sources] : sources_) sources.erase(source);
  forgot_ = true;
}

void DoneFile::take(RunRecord record) {
  if (!record.code.empty()) {
    bad_[record.source] = std::move(record);
    return;
  }
  bad_.erase(record.source);
  for (const RunResult& result : record.results) files_[result.file] = record.source;
  const Origin origin = origin_of(record);
  if (const auto before = records_.find(origin); before != records_.end()) {
    sources_[stem_of(before->second)].erase(origin.source);
    superseded_.emplace(origin, std::move(before->second));
  }
  sources_[stem_of(record)].insert(origin.source);
  records_[origin] = std::move(record);
}

bool DoneFile::is_taken(const std::string& stem, const std::string& source) const {
  const auto found = sources_.find(stem);
  if (found == sources_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&source](const std::string& by) { return by != source && is_there(by); });
}

bool DoneFile::owns(const std::string& file, const std::string& source) const {
  const auto found = files_.find(file);
  return found != files_.end() && (found->second == source || !is_there(found->second));
}

const RunRecord* DoneFile::find(const Origin& origin) const {
  const auto found = records_.find(origin);
  return found == records_.end() ? nullptr : &found->second;
}

const RunRecord* DoneFile::up_to_date(const Origin& origin, int64_t size_bytes, int64_t modified_ns,
                                      const std::string& request) {
  const auto fits = [&](RunRecord& record) {
    return record.size_bytes == size_bytes && record.modified_ns == modified_ns &&
           record.request == request && stands(record);
  };
  const auto latest = records_.find(origin);
  if (latest == records_.end()) return nullptr;
  if (fits(latest->second)) return &latest->second;
  const auto [begin, end] = superseded_.equal_range(origin);
  const auto found = std::find_if(begin, end, [&](auto& one) { return fits(one.second); });
  if (found == end) return nullptr;
  RunRecord earlier = std::move(found->second);
  superseded_.erase(found);
  take(std::move(earlier));
  return find(origin);
}

// The times are told anew, so that no content is looked at twice.
bool DoneFile::stands(RunRecord& record) {
  bool renewed = false;
  for (RunResult& result : record.results) {
    const auto modified = unchanged_at(output_, result);
    if (!modified) return false;
    renewed = renewed || result.modified_ns != *modified;
    result.modified_ns = *modified;
  }
  if (renewed && file_) (void)append(record);  // what is not told is looked at again, no worse
  return true;
}

const RunRecord* DoneFile::known_bad(const std::string& source, int64_t size_bytes,
                                     int64_t modified_ns, const std::string& request) const {
  const auto found = bad_.find(source);
  if (found == bad_.end()) return nullptr;
  const RunRecord& bad = found->second;
  const bool same = bad.size_bytes == size_bytes && bad.modified_ns == modified_ns;
  return same && bad.request == request ? &bad : nullptr;
}

Status DoneFile::append(const RunRecord& record) {
  const std::string line = line_of(record);
  const ssize_t wrote = ::write(file_.get(), line.data(), line.size());
  if (wrote != static_cast<ssize_t>(line.size())) {
    return last_error("write", home_of(output_, part_) + "/done");
  }
  ++lines_;
  return Ok{};
}

Status DoneFile::add(RunRecord record) {
  if (auto added = append(record); !added) return added;
  take(std::move(record));
  return Ok{};
}

std::string DoneFile::line_of(RunRecord record) const {
  if (!root_.empty() && is_below(record.source, root_))
    record.source.erase(0, below(root_, "").size());
  return encode(std::move(record)) + "\n";
}

// Whether a file is there that only this record knows to be a thumbnail.
bool DoneFile::still_tells(const RunRecord& superseded) const {
  const RunRecord* later = find(origin_of(superseded));
  const auto made_later = [later](const RunResult& result) {
    return later != nullptr &&
           std::any_of(later->results.begin(), later->results.end(),
                       [&result](const RunResult& one) { return one.file == result.file; });
  };
  return std::any_of(
      superseded.results.begin(), superseded.results.end(),
      [&](const RunResult& one) { return !made_later(one) && is_unchanged(output_, one); });
}

Status DoneFile::tidy() {
  if (!part_.empty()) return Ok{};
  const bool must = forgot_ || !others_.empty();
  if (!must && lines_ <= 2 * (records_.size() + bad_.size()) + 100) return Ok{};
  std::string text;
  size_t kept = records_.size() + bad_.size();
  for (const auto& [origin, record] : superseded_) {
    if (!still_tells(record)) continue;
    text += line_of(record);
    ++kept;
  }
  if (!must && lines_ <= 2 * kept + 100) return Ok{};
  for (const auto& [origin, record] : records_) text += line_of(record);
  for (const auto& [source, record] : bad_) text += line_of(record);
  const std::string home = home_of(output_, "");
  auto out = OutFile::create(home);
  if (!out) return out.error();
  if (auto wrote = out->write(text); !wrote) return wrote;
  if (auto done = out->commit(home + "/done"); !done) return done;
  for (const std::string& other : others_) {
    if (auto gone = remove_tree(other); !gone) return gone;
  }
  return Ok{};
}

}  // namespace imgq::cli
