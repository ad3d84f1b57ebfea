#include "src/base/verdict.h"

#include <array>
#include <utility>

namespace imgq {
namespace {

// no: passing. yes: as long as the settings are. for_good: no setting and no time changes it.
enum class Lasting { no, yes, for_good };

struct Entry {
  Code code;
  std::string_view name;
  Lasting permanent;
  std::string_view explanation;
};

constexpr std::array<Entry, 25> kCodes = {{
    {Code::ok, "ok", Lasting::no, "The image was processed."},
    {Code::empty_file, "empty_file", Lasting::for_good, "The file has no content."},
    {Code::not_an_image, "not_an_image", Lasting::for_good,
     "The content is no image of a known format, whatever the file's name says."},
    {Code::unsupported_format, "unsupported_format", Lasting::for_good,
     "The format is known and never read, for safety: convert the image to JPEG, PNG or WebP."},
    {Code::format_not_enabled, "format_not_enabled", Lasting::yes,
     "The format is switched off below [formats], or its codec is not installed."},
    {Code::truncated, "truncated", Lasting::for_good,
     "The image ends too early: get the whole file, or accept what is there with --lenient."},
    {Code::corrupt_image, "corrupt_image", Lasting::for_good, "The image's data is damaged."},
    {Code::file_too_large, "file_too_large", Lasting::yes,
     "The file has more bytes than limits.max_file_bytes allows."},
    {Code::too_many_pixels, "too_many_pixels", Lasting::yes,
     "Width times height is more than limits.max_pixels allows."},
    {Code::side_too_long, "side_too_long", Lasting::yes,
     "Width or height is more than limits.max_side_px allows."},
    {Code::too_many_frames, "too_many_frames", Lasting::yes,
     "The file has more pages than limits.max_frames allows."},
    {Code::too_large, "too_large", Lasting::yes,
     "Decoding the image needs more memory than limits.memory_bytes allows."},
    {Code::bad_request, "bad_request", Lasting::for_good, "The request cannot be understood."},
    {Code::result_too_large, "result_too_large", Lasting::yes,
     "A side of the result would be over limits.max_result_side_px."},
    {Code::no_watermark, "no_watermark", Lasting::yes,
     "The daemon's configuration has no such watermark, or its file is no image that can be used."},
    {Code::source_missing, "source_missing", Lasting::yes,
     "The image vanished, changed or cannot be read since it was submitted."},
    {Code::poison, "poison", Lasting::yes,
     "The job killed its workers too often and is not tried again by itself."},
    {Code::cancelled, "cancelled", Lasting::yes, "The job was cancelled."},
    {Code::crashed, "crashed", Lasting::no, "The worker died by a signal."},
    {Code::timed_out, "timed_out", Lasting::no,
     "The work took longer than limits.wall_seconds or limits.cpu_seconds allow."},
    {Code::out_of_memory, "out_of_memory", Lasting::no, "The worker ran out of memory."},
    {Code::io_error, "io_error", Lasting::no, "The image could not be read or a result written."},
    {Code::lost, "lost", Lasting::no, "The daemon that ran the job died."},
    {Code::wrong_result, "wrong_result", Lasting::no,
     "The result was not of the predicted size and was refused; please report this."},
    {Code::internal_error, "internal_error", Lasting::no,
     "imgq failed in a way it should not; please report this."},
}};

const Entry& entry_of(Code code) {
  for (const Entry& entry : kCodes) {
    if (entry.code == code) return entry;
  }
  return kCodes.back();
}

}  // namespace

std::string_view name_of(Code code) { return entry_of(code).name; }

std::optional<Code> code_named(std::string_view name) {
  for (const Entry& entry : kCodes) {
    if (entry.name == name) return entry.code;
  }
  return std::nullopt;
}

bool is_permanent(Code code) { return entry_of(code).permanent != Lasting::no; }

bool is_retryable(Code code) { return entry_of(code).permanent != Lasting::for_good; }

std::string_view explain(Code code) { return entry_of(code).explanation; }

}  // namespace imgq
