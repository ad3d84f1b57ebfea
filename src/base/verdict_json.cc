// A verdict as text and back. What comes back was written by a worker that had a hostile image in
// its hands, so every field is checked: nothing of it is trusted beyond its shape.
#include <fmt/format.h>

#include <limits>

#include "src/base/request.h"
#include "src/base/verdict.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq {
namespace {

constexpr int64_t kMaxCount = std::numeric_limits<int>::max();  // what a header can make us say
constexpr int64_t kMaxBytes = std::numeric_limits<int64_t>::max();
constexpr double kMaxMs = 1e12;
// What the writer lets through, in bytes, so that the whole fits a message and a record however
// its characters are escaped. A byte that is not UTF-8 is written as three, so the reader takes
// more.
constexpr size_t kMaxMessage = 1000, kMaxNote = 200, kMaxProfile = 200;
constexpr size_t kGrowth = 3;
constexpr size_t kMaxNotes = 16;
constexpr std::string_view kVerdict = "verdict";

Json source_json(const SourceReport& source) {
  return {{"width", source.width_px},
          {"height", source.height_px},
          {"format", source.format},
          {"alpha", source.alpha},
          {"orientation", source.orientation},
          {"profile", shortened(source.profile, kMaxProfile)},
          {"pages", source.pages},
          {"bytes", source.size_bytes},
          {"thumbhash", source.thumbhash}};
}

Json result_json(const ResultReport& result) {
  return {{"rendition", result.rendition},
          {"width", result.width_px},
          {"height", result.height_px},
          {"bytes", result.size_bytes},
          {"format", result.format},
          {"quality", result.quality},
          {"max_bytes_met", result.max_bytes_met}};
}

// Takes typed members of one object; remembers the first that is missing or wrong.
class Taker {
 public:
  explicit Taker(const Json& object) : object_(object) {}
  template <class T>
  void integer(std::string_view key, int64_t low, int64_t high, T& into) {
    if (const auto value = integer_in(object_, key, low, high))
      into = static_cast<T>(*value);
    else
      miss(key);
  }
  void number(std::string_view key, double& into) {
    if (const auto value = number_in(object_, key, 0, kMaxMs))
      into = *value;
    else
      miss(key);
  }
  void truth(std::string_view key, bool& into) {
    if (const auto value = truth_in(object_, key))
      into = *value;
    else
      miss(key);
  }
  void text(std::string_view key, size_t limit, std::string& into) {
    if (auto value = text_in(object_, key); value && value->size() <= limit)
      into = *value;
    else
      miss(key);
  }
  const std::string& missed() const { return missed_; }

 private:
  void miss(std::string_view key) {
    if (missed_.empty()) missed_ = key;
  }
  const Json& object_;
  std::string missed_;
};

Error bad_field(std::string_view key) {
  return bad_data(fmt::format("'{}' is missing or wrong", key), kVerdict);
}

bool is_word(std::string_view text) {
  for (const char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
  }
  return text.size() <= 16;
}

Result<SourceReport> read_source(const Json& object) {
  SourceReport source;
  Taker take(object);
  take.integer("width", 0, kMaxCount, source.width_px);
  take.integer("height", 0, kMaxCount, source.height_px);
  take.text("format", 16, source.format);
  take.truth("alpha", source.alpha);
  take.integer("orientation", 1, 8, source.orientation);
  take.text("profile", kGrowth * kMaxProfile, source.profile);
  take.integer("pages", 0, kMaxCount, source.pages);
  take.integer("bytes", 0, kMaxBytes, source.size_bytes);
  take.text("thumbhash", 64, source.thumbhash);
  if (!take.missed().empty()) return bad_field("source." + take.missed());
  if (!is_word(source.format)) return bad_field("source.format");
  return source;
}

Result<ResultReport> read_result(const Json& object) {
  ResultReport result;
  Taker take(object);
  take.text("rendition", 32, result.rendition);
  take.integer("width", 1, kMaxCount, result.width_px);
  take.integer("height", 1, kMaxCount, result.height_px);
  take.integer("bytes", 1, kMaxBytes, result.size_bytes);
  take.text("format", 16, result.format);
  take.integer("quality", 0, 100, result.quality);
  take.truth("max_bytes_met", result.max_bytes_met);
  if (!take.missed().empty()) return bad_field("results." + take.missed());
  if (!is_name(result.rendition)) return bad_field("results.rendition");
  const ImageFormat* format = format_named(result.format);
  if (format == nullptr || !format->written) return bad_field("results.format");
  return result;
}

Status read_results(const Json& object, Verdict& verdict) {
  const Json* results = member(object, "results");
  if (results == nullptr || !results->is_array() || results->size() > kMaxRenditions) {
    return bad_field("results");
  }
  for (const Json& item : *results) {
    auto result = read_result(item);
    if (!result) return result.error();
    verdict.results.push_back(std::move(*result));
  }
  return Ok{};
}

Status read_notes(const Json& object, Verdict& verdict) {
  const Json* notes = member(object, "notes");
  if (notes == nullptr || !notes->is_array() || notes->size() > kMaxNotes) {
    return bad_field("notes");
  }
  for (const Json& note : *notes) {
    if (!note.is_string()) return bad_field("notes");
    verdict.notes.emplace_back(shortened(note.get_ref<const std::string&>(), kMaxNote));
  }
  return Ok{};
}

Json notes_json(const std::vector<std::string>& notes) {
  Json out = Json::array();
  for (const std::string& note : notes) {
    if (out.size() < kMaxNotes) out.push_back(std::string(shortened(note, kMaxNote)));
  }
  return out;
}

Json report_object(const Verdict& verdict) {
  return {{"source", source_json(verdict.source)},
          {"notes", notes_json(verdict.notes)},
          {"decode_ms", verdict.decode_ms},
          {"total_ms", verdict.total_ms},
          {"peak_kib", verdict.peak_kib}};
}

}  // namespace

std::string to_json(const Verdict& verdict) {
  Json results = Json::array();
  for (const ResultReport& result : verdict.results) results.push_back(result_json(result));
  Json out = report_object(verdict);
  out["code"] = name_of(verdict.code);
  out["message"] = shortened(verdict.message, kMaxMessage);
  out["signal"] = verdict.signal;
  out["results"] = std::move(results);
  out["heavy"] = verdict.heavy;
  out["recycle"] = verdict.recycle;
  return dump_json(out);
}

Result<Verdict> parse_verdict(std::string_view json) {
  const auto object = parse_json(json, kVerdict);
  if (!object) return object.error();
  if (!object->is_object()) return bad_data("not a JSON object", kVerdict);
  Verdict verdict;
  std::string code;
  Taker take(*object);
  take.text("code", 32, code);
  take.text("message", kGrowth * kMaxMessage, verdict.message);
  take.integer("signal", 0, 64, verdict.signal);
  take.number("decode_ms", verdict.decode_ms);
  take.number("total_ms", verdict.total_ms);
  take.integer("peak_kib", 0, kMaxBytes, verdict.peak_kib);
  take.truth("heavy", verdict.heavy);
  take.truth("recycle", verdict.recycle);
  if (!take.missed().empty()) return bad_field(take.missed());
  const auto known = code_named(code);
  if (!known) return bad_field("code");
  verdict.code = *known;
  const Json* from = member(*object, "source");
  if (from == nullptr) return bad_field("source");
  auto source = read_source(*from);
  if (!source) return source.error();
  verdict.source = std::move(*source);
  if (auto read = read_results(*object, verdict); !read) return read.error();
  if (auto read = read_notes(*object, verdict); !read) return read.error();
  return verdict;
}

std::string about_json(const ResultReport& result) {
  return dump_json({{"width", result.width_px},
                    {"height", result.height_px},
                    {"type", media_type_of(result.format)},
                    {"quality", result.quality},
                    {"max_bytes_met", result.max_bytes_met}});
}

std::string report_json(const Verdict& verdict) { return dump_json(report_object(verdict)); }

}  // namespace imgq
