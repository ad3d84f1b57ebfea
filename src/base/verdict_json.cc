// A verdict as text and back. What comes back was written by a worker that had a hostile image in
// its hands, so every field is checked: nothing of it is trusted beyond its shape.
#include <algorithm>
#include <limits>

#include "src/base/request.h"
#include "src/base/verdict.h"
#include "src/util/json.h"
#include "src/util/json_fields.h"

namespace imgq {
namespace {

constexpr int64_t kMaxCount = std::numeric_limits<int>::max();  // what a header can make us say
constexpr int64_t kMaxBytes = std::numeric_limits<int64_t>::max();
constexpr double kMaxMs = 1e12;
// In bytes, so that the whole fits a message and a record however its characters are escaped.
constexpr size_t kMaxMessage = 1000, kMaxNote = 200, kMaxProfile = 200, kMaxWord = 16,
                 kMaxHash = 64;
constexpr size_t kMaxNotes = 16;
constexpr std::string_view kVerdict = "verdict";

bool is_word(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return text.size() <= kMaxWord && std::all_of(text.begin(), text.end(), plain);
}

void list_source(JsonFields& fields, SourceReport& source) {
  fields.number("width", source.width_px, 0, kMaxCount);
  fields.number("height", source.height_px, 0, kMaxCount);
  fields.text("format", source.format, kMaxWord);
  if (!is_word(source.format)) fields.wrong("format", "a word");
  fields.truth("alpha", source.alpha);
  fields.number("orientation", source.orientation, 1, 8);
  fields.text("profile", source.profile, kMaxProfile);
  fields.number("pages", source.pages, 0, kMaxCount);
  fields.number("bytes", source.size_bytes, 0, kMaxBytes);
  fields.text("thumbhash", source.thumbhash, kMaxHash);
  if (source.thumbhash.size() > kMaxHash) fields.wrong("thumbhash", "base64 that short");
}

void list_result(JsonFields& fields, ResultReport& result) {
  fields.text("rendition", result.rendition, 32);
  if (!is_name(result.rendition)) fields.wrong("rendition", "a name");
  fields.number("width", result.width_px, 1, kMaxCount);
  fields.number("height", result.height_px, 1, kMaxCount);
  fields.number("bytes", result.size_bytes, 1, kMaxBytes);
  fields.text("format", result.format, kMaxWord);
  const ImageFormat* format = format_named(result.format);
  if (format == nullptr || !format->written) fields.wrong("format", "one that is written");
  fields.number("quality", result.quality, 0, 100);
  fields.truth("max_bytes_met", result.max_bytes_met);
}

void list_report(JsonFields& fields, Verdict& verdict) {
  fields.part("source", [&](JsonFields& inner) { list_source(inner, verdict.source); });
  if (fields.writing() && verdict.notes.size() > kMaxNotes) verdict.notes.resize(kMaxNotes);
  fields.texts("notes", verdict.notes, kMaxNotes, kMaxNote);
  fields.real("decode_ms", verdict.decode_ms, 0, kMaxMs);
  fields.real("total_ms", verdict.total_ms, 0, kMaxMs);
  fields.number("peak_kib", verdict.peak_kib, 0, kMaxBytes);
}

void list(JsonFields& fields, Verdict& verdict) {
  std::string code(name_of(verdict.code));
  fields.text("code", code, 32);
  const auto known = code_named(code);
  if (!known) fields.wrong("code", "known");
  verdict.code = known.value_or(Code::internal_error);
  fields.text("message", verdict.message, kMaxMessage);
  fields.number("signal", verdict.signal, 0, 64);
  list_report(fields, verdict);
  fields.each("results", verdict.results, kMaxRenditions, list_result);
  fields.truth("heavy", verdict.heavy);
  fields.truth("recycle", verdict.recycle);
}

std::string written(Verdict verdict, void (*list)(JsonFields&, Verdict&)) {
  JsonFields fields;
  list(fields, verdict);
  return fields.written();
}

}  // namespace

std::string to_json(const Verdict& verdict) { return written(verdict, list); }

std::string report_json(const Verdict& verdict) { return written(verdict, list_report); }

Result<Verdict> parse_verdict(std::string_view json) {
  const auto object = parse_json(json, kVerdict);
  if (!object) return object.error();
  Verdict verdict;
  JsonFields fields(*object);
  list(fields, verdict);
  if (!fields.trouble().empty()) return bad_data(fields.trouble(), kVerdict);
  return verdict;
}

std::string about_json(const ResultReport& result) {
  return dump_json({{"width", result.width_px},
                    {"height", result.height_px},
                    {"type", media_type_of(result.format)},
                    {"quality", result.quality},
                    {"max_bytes_met", result.max_bytes_met}});
}

}  // namespace imgq
