#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/util/error.h"

// What became of an attempt. One closed list of codes, used alike in records, JSON, HTTP, man
// pages.
namespace imgq {

enum class Code {
  ok,
  // The image's fault: permanent, never tried again.
  empty_file,
  not_an_image,        // no known signature
  unsupported_format,  // known, and never read: SVG, PDF, PostScript, ...; a raw with no preview
  format_not_enabled,  // HEIC, AVIF, JPEG XL, TIFF, raw switched off; a codec is missing
  truncated,
  corrupt_image,
  file_too_large,   // bytes
  too_many_pixels,  // width x height
  side_too_long,    // width or height
  too_many_frames,
  too_large,  // decoding needs more memory than a worker may have
  // The request's fault: permanent.
  bad_request,
  result_too_large,  // a side of a result is over the limit
  no_watermark,      // the configuration has none of that name, or it is not to be used
  // The source's fault: permanent.
  source_missing,  // vanished, changed, unreadable, or not a regular file
  // The job's fault, seen from outside: permanent.
  poison,  // killed workers or their daemons too often
  cancelled,
  // Passing: tried again.
  crashed,    // the worker died by a signal
  timed_out,  // wall clock or CPU limit
  out_of_memory,
  io_error,  // reading the source or writing a result
  lost,      // the daemon running it died
  // A bug of ours, passing, in case it is not.
  wrong_result,  // the result's size is not what the header predicted
  internal_error,
};

std::string_view name_of(Code code);               // "not_an_image"
std::optional<Code> code_named(std::string_view);  // nothing for unknown words
bool is_permanent(Code code);
bool is_retryable(Code code);  // false: the same file and request end so again, whatever is set
std::string_view explain(Code code);  // one sentence for people: what it means and what to do

// What the worker found in the source.
struct SourceReport {
  int width_px = 0, height_px = 0;  // upright: after the orientation was applied
  std::string format;  // "jpeg", "png", "webp", "gif", "bmp", "heic", "avif", "jxl", "tiff", "raw"
  bool alpha = false;
  int orientation = 1;  // EXIF 1..8, as found
  std::string profile;  // description of the embedded ICC profile; empty: none
  int pages = 1;
  int64_t size_bytes = 0;
  std::string thumbhash;  // base64 (see image/thumbhash.h); empty: not made
};

// One result that was written.
struct ResultReport {
  std::string rendition;
  int width_px = 0, height_px = 0;
  int64_t size_bytes = 0;
  std::string format;  // "jpeg", "png", "webp", "avif"
  int quality = 0;     // used; 0: lossless
  bool max_bytes_met = true;
};

struct Verdict {
  Code code = Code::internal_error;
  std::string message;  // one line, when not ok
  int signal = 0;       // that killed the worker
  SourceReport source = {};
  std::vector<ResultReport> results = {};  // in the order of the request's renditions, when ok
  std::vector<std::string> notes = {};     // words of src/base/notes.h
  double decode_ms = 0, total_ms = 0;
  int64_t peak_kib = 0;  // highest resident size of the worker meanwhile
  bool heavy = false;    // not run: needs much memory, ask again with the next Slot
  bool recycle = false;  // the worker wants to be replaced after this answer
};

std::string to_json(const Verdict& verdict);
Result<Verdict> parse_verdict(std::string_view json);

std::string about_json(
    const ResultReport& result);                  // for ResultFile::about: width, height, type, ...
std::string report_json(const Verdict& verdict);  // for Outcome::report

}  // namespace imgq
