#include "src/jobs/config_settings.h"

#include <fmt/format.h>

#include <limits>

#include "spool/backoff.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::config {
namespace {

constexpr int64_t kInt = std::numeric_limits<int>::max();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kCentury = 100LL * 366 * 86400;
constexpr int64_t kMiB = int64_t{1} << 20;

std::vector<Entry> plain_entries() {
  return {
      {"spool", "the spool's directory", &Config::spool, 0, 0, false, "", true},
      {"spool_uuid", "the uuid of the only spool to be used there; empty: any",
       &Config::spool_uuid},
      {"io_timeout", "imgq gives up when one call of the file system has no answer; 0: never",
       &Config::io_timeout, 0, 86'400},
      {"io_stalled", "daemon and shim say so, and are not ready, after so long without an answer",
       &Config::io_stalled, 1, 3600},
      {"daemon.workers", "worker processes; 0: one for each CPU that it may use", &Config::workers,
       0, 1024},
      {"daemon.lease", "another host's daemon counts as dead when silent so long", &Config::lease,
       5, 3600},
      {"daemon.poll", "look for jobs at least so often", &Config::poll, 50, 60'000},
      {"daemon.mend_after", "a ticket that waits nowhere for so long is made a waiting job",
       &Config::mend_after, 1, 86'400},
      {"daemon.sync", "when results are forced to disk: full, batch or none", &Config::sync, 0, 0,
       false, "full batch none"},
      {"daemon.min_free", "below so much free space claims and submissions pause",
       &Config::min_free_bytes, 0, kMost, true},
      {"daemon.hook", "program run after a job has ended", &Config::hook, 0, 0, false, "", true},
      {"jobs.max_attempts", "failed attempts, after which a job has failed", &Config::max_attempts,
       1, 100},
      {"jobs.retry_first", "wait before the second attempt", &Config::retry_first, 1,
       kMaxDelayMs / 1000},
      {"jobs.retry_max", "longest wait between attempts", &Config::retry_max, 1,
       kMaxDelayMs / 1000},
      {"jobs.keep_source", "keep the submitted image of completed jobs", &Config::keep_source},
      {"retention.completed", "completed jobs are purged after; 0: never", &Config::keep_completed,
       0, kCentury},
      {"retention.failed", "failed and cancelled jobs are purged after; 0: never",
       &Config::keep_failed, 0, kCentury},
      {"retention.jobs", "ended jobs kept at most; 0: no limit", &Config::keep_jobs, 0, kMost},
      {"retention.bytes", "bytes of ended jobs kept at most; 0: no limit", &Config::keep_bytes, 0,
       kMost, true},
      {"log.level", "error, warning, notice, info or debug", &Config::log_level, 0, 0, false,
       "error warning notice info debug"},
      {"log.style", "text or json", &Config::log_style, 0, 0, false, "text json"},
  };
}

std::vector<Entry> limit_entries() {
  return {
      {"limits.max_pixels", "width times height", &Limits::max_pixels, 1, kMost},
      {"limits.max_side_px", "width or height", &Limits::max_side_px, 1, 1'000'000},
      {"limits.max_file_bytes", "size of a submitted file", &Limits::max_file_bytes, 1, kMost,
       true},
      {"limits.max_upload_bytes", "size of a file that is sent over HTTP",
       &Config::max_upload_bytes, 1, kMost, true},
      {"limits.max_frames", "pages of a TIFF or HEIC; the first is used", &Limits::max_frames, 1,
       kInt},
      {"limits.max_animation_frames", "frames of an animation that stays one",
       &Limits::max_animation_frames, 1, kInt},
      {"limits.max_animation_pixels", "pixels of all its frames", &Limits::max_animation_pixels, 1,
       kMost},
      {"limits.max_result_side_px", "width or height of a result", &Limits::max_result_side_px, 1,
       kMaxResultSidePx},
      {"limits.memory_bytes", "memory of one worker", &Limits::memory_bytes, 64 * kMiB, kMost,
       true},
      {"limits.heavy_bytes", "images that need more run one at a time", &Limits::heavy_bytes, 1,
       kMost, true},
      {"limits.wall_seconds", "a worker is killed after so many seconds on one image",
       &Limits::wall_seconds, 1, 86400},
      {"limits.cpu_seconds", "and after so many of CPU time", &Limits::cpu_seconds, 1, 86400},
      {"limits.recycle_jobs", "a worker is replaced after so many images", &Limits::recycle_jobs, 1,
       kInt},
      {"limits.recycle_rss_bytes", "or when it has grown to this", &Limits::recycle_rss_bytes,
       16 * kMiB, kMost, true},
  };
}

// What a setting takes, as the end of a sentence.
struct Takes {
  const Entry& entry;
  std::string operator()(const bool*) const { return "true or false"; }
  std::string operator()(const std::string*) const {
    if (entry.is_path) return "an absolute path";
    if (entry.choices.empty()) return "a text in quotes";
    return one_of(split(entry.choices, ' '));
  }
  std::string operator()(const std::chrono::seconds*) const {
    return fmt::format("a duration from {}s to {}s, as in \"15min\"", entry.low, entry.high);
  }
  std::string operator()(const std::chrono::milliseconds*) const {
    return fmt::format("a duration from {}ms to {}s, as in \"500ms\"", entry.low,
                       entry.high / 1000);
  }
  template <class Number>
  std::string operator()(const Number*) const {
    const char* noun = entry.is_size ? "a size" : "a whole number";
    const char* example = entry.is_size ? ", as in \"64MiB\"" : "";
    if (entry.high == kMost) return fmt::format("{} of {} or more{}", noun, entry.low, example);
    return fmt::format("{} from {} to {}{}", noun, entry.low, entry.high, example);
  }
};

// Puts a value where it belongs, or returns false.
struct Put {
  const Entry& entry;
  const Value& value;

  bool is(Value::Kind kind) const { return value.kind == kind || value.kind == Value::Kind::any; }
  bool within(int64_t number) const { return number >= entry.low && number <= entry.high; }

  bool operator()(bool* place) const {
    if (!is(Value::Kind::truth)) return false;
    if (value.text != "true" && value.text != "false") return false;
    *place = value.text == "true";
    return true;
  }
  bool operator()(std::string* place) const {
    if (!is(Value::Kind::text)) return false;
    if (!entry.choices.empty()) {
      const std::string listed = fmt::format(" {} ", entry.choices);
      const bool word = value.text.find(' ') == std::string::npos && !value.text.empty();
      if (!word || listed.find(fmt::format(" {} ", value.text)) == std::string::npos) return false;
    }
    if (entry.is_path && !value.text.empty() && value.text[0] != '/') return false;
    *place = value.text;
    return true;
  }
  bool operator()(std::chrono::seconds* place) const {
    const auto read = parse_duration(value.text);
    if (!read || !(is(Value::Kind::text) || is(Value::Kind::integer))) return false;
    if (!within(read->count())) return false;
    *place = *read;
    return true;
  }
  bool operator()(std::chrono::milliseconds* place) const {
    const std::string_view text = value.text;
    int64_t millis = 0;
    if (text.size() > 2 && text.substr(text.size() - 2) == "ms") {
      const auto read = parse_count(text.substr(0, text.size() - 2), 0, kInt);
      if (!read) return false;
      millis = *read;
    } else {
      const auto read = parse_duration(text);
      if (!read) return false;
      millis = read->count() * 1000;
    }
    if (!within(millis)) return false;
    *place = std::chrono::milliseconds(millis);
    return true;
  }
  template <class Number>
  bool operator()(Number* place) const {
    if (!is(Value::Kind::integer) && !(entry.is_size && value.kind == Value::Kind::text)) {
      return false;
    }
    const auto read =
        entry.is_size ? parse_size(value.text) : parse_count(value.text, entry.low, entry.high);
    if (!read || !within(*read)) return false;
    *place = static_cast<Number>(*read);
    return true;
  }
};

std::string size_text(uint64_t bytes) {
  if (bytes == 0) return "0";
  constexpr const char* kUnits[] = {"", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (unit < 4 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? std::to_string(bytes) : fmt::format("\"{}{}\"", bytes, kUnits[unit]);
}

std::string duration_text(int64_t seconds) {
  if (seconds == 0) return "0";
  if (seconds % 86400 == 0) return fmt::format("\"{}d\"", seconds / 86400);
  if (seconds % 3600 == 0) return fmt::format("\"{}h\"", seconds / 3600);
  if (seconds % 60 == 0) return fmt::format("\"{}min\"", seconds / 60);
  return fmt::format("\"{}s\"", seconds);
}

struct Show {
  const Entry& entry;
  std::string operator()(const bool* place) const { return *place ? "true" : "false"; }
  std::string operator()(const std::string* place) const { return toml_text(*place); }
  std::string operator()(const std::chrono::seconds* place) const {
    return duration_text(place->count());
  }
  std::string operator()(const std::chrono::milliseconds* place) const {
    if (place->count() % 1000 == 0) return duration_text(place->count() / 1000);
    return fmt::format("\"{}ms\"", place->count());
  }
  template <class Number>
  std::string operator()(const Number* place) const {
    return entry.is_size ? size_text(static_cast<uint64_t>(*place)) : std::to_string(*place);
  }
};

// The value itself, of a Config or a const one.
template <class AnyConfig, class T>
auto* value_at(AnyConfig& config, T Config::* place) {
  return &(config.*place);
}
template <class AnyConfig, class T>
auto* value_at(AnyConfig& config, T Limits::* place) {
  return &(config.limits.*place);
}
template <class AnyConfig>
auto* value_at(AnyConfig& config, bool OptionalFormats::* place) {
  return &(config.limits.formats.*place);
}

}  // namespace

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = [] {
    std::vector<Entry> list = plain_entries();
    for (const Entry& limit : limit_entries()) list.push_back(limit);
    for (const ImageFormat& format : kFormats) {
      if (format.allowed == nullptr) continue;
      list.push_back({fmt::format("formats.{}", format.word), fmt::format("read {}", format.name),
                      format.allowed});
    }
    return list;
  }();
  return all;
}

const Entry* entry_named(std::string_view key) {
  for (const Entry& entry : entries()) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

Status set(Config& config, const Entry& entry, const Value& value) {
  const auto put = [&](auto place) -> Status {
    auto* setting = value_at(config, place);
    if (Put{entry, value}(setting)) return Ok{};
    return bad_data(fmt::format("'{}' takes {}", entry.key, Takes{entry}(setting)), "");
  };
  return std::visit(put, entry.place);
}

std::string show(const Config& config, const Entry& entry) {
  return std::visit([&](auto place) { return Show{entry}(value_at(config, place)); }, entry.place);
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (length == 0)
      out += "\\uFFFD";
    else if (first == '"' || first == '\\')
      out += fmt::format("\\{}", text[0]);
    else if (first < 0x20 || first == 0x7f)
      out += fmt::format("\\u{:04X}", first);
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out + "\"";
}

}  // namespace imgq::config
