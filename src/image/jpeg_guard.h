#pragma once

// jpeglib.h needs cstdio and does not include it; jerror.h needs jpeglib.h.
// clang-format off
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>
#include <string>

#include "src/image/fault.h"

// libjpeg reports by calling back, and must not return from an error: it jumps. Private to the
// files that use libjpeg.
namespace imgq::image {

inline constexpr int kMaxScans = 500;  // more are an attack on the processor

struct JpegErrors : jpeg_error_mgr {
  jmp_buf jump;
  bool damaged = false;      // data were missing or senseless, and made up
  bool ended_early = false;  // the file ended where data were expected
  bool damaged_at_end_only = true;

  JpegErrors();
};

// Runs `step(context)`, which calls libjpeg and owns nothing that needs destroying.
//   returns false when libjpeg gave up; `errors` then has the message
template <class Context>
bool guarded(JpegErrors& errors, void (*step)(Context&), Context& context) {
  if (setjmp(errors.jump) != 0) return false;  // NOLINT(cert-err52-cpp): libjpeg has no other way
  step(context);
  return true;
}

// Whether the scans of a progressive file that have been read told every coefficient to the last
// bit; false of a file that is not progressive.
bool has_all_bits(const jpeg_decompress_struct& reader);

std::string message_of(j_common_ptr codec);

}  // namespace imgq::image
