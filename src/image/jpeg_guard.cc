#include "src/image/jpeg_guard.h"

#include <algorithm>
#include <iterator>

namespace imgq::image {
namespace {

JpegErrors& errors_of(j_common_ptr codec) { return *static_cast<JpegErrors*>(codec->err); }

void give_up(j_common_ptr codec) { longjmp(errors_of(codec).jump, 1); }  // NOLINT(cert-err52-cpp)

bool in_last_rows(j_common_ptr codec) {
  if (codec->is_decompressor == FALSE) return false;
  const auto* reader = reinterpret_cast<j_decompress_ptr>(codec);
  return reader->input_iMCU_row + 1 >= reader->total_iMCU_rows;
}

// Level -1 is a warning. Many phones and scanners write what only deserves one; those that are
// named here mean that pixels were made up.
void listen(j_common_ptr codec, int level) {
  if (level >= 0) return;
  JpegErrors& errors = errors_of(codec);
  ++errors.num_warnings;
  switch (errors.msg_code) {
    case JWRN_JPEG_EOF:
      errors.ended_early = true;
      break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE:
      errors.damaged = true;
      errors.damaged_at_end_only &= in_last_rows(codec);
      break;
    default:
      break;
  }
}

void say_nothing(j_common_ptr /*codec*/) {}

}  // namespace

JpegErrors::JpegErrors() : jpeg_error_mgr{} {
  jpeg_std_error(this);
  error_exit = give_up;
  emit_message = listen;
  output_message = say_nothing;
}

bool has_all_bits(const jpeg_decompress_struct& reader) {
  if (reader.coef_bits == nullptr) return false;
  return std::all_of(
      reader.coef_bits, reader.coef_bits + reader.num_components, [](const auto& bits) {
        return std::all_of(std::begin(bits), std::end(bits), [](int left) { return left == 0; });
      });
}

std::string message_of(j_common_ptr codec) {
  char text[JMSG_LENGTH_MAX] = {};
  codec->err->format_message(codec, text);
  return text;
}

}  // namespace imgq::image
