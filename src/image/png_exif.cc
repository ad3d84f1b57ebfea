#include "src/image/png_exif.h"

#include <vips/vips.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "src/image/container.h"
#include "src/util/hex.h"

namespace imgq::image {
namespace {

// What stands behind the third line: an empty one, the name and the length.
std::vector<uint8_t> bytes_of_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    text.remove_prefix(std::min(text.size(), text.find('\n')));
    text.remove_prefix(std::min<size_t>(text.size(), 1));
  }
  std::vector<uint8_t> bytes;
  int high = -1;
  for (const char c : text) {
    const int digit = hex_digit(c);
    if (digit < 0) continue;
    if (high >= 0) bytes.push_back(static_cast<uint8_t>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  return bytes;
}

bool is_exif_text(std::string_view name) {
  return name.starts_with("png-comment-") &&
         (name.ends_with("Raw profile type exif") || name.ends_with("Raw profile type APP1"));
}

}  // namespace

std::vector<uint8_t> odd_exif_of_png(View file, _VipsImage* opened) {
  const View late = png_chunk(file, "eXIf", "IEND");
  if (!late.empty()) return {late.begin(), late.end()};
  const std::unique_ptr<gchar*, decltype(&g_strfreev)> fields(vips_image_get_fields(opened),
                                                              &g_strfreev);
  for (gchar** field = fields.get(); *field != nullptr; ++field) {
    const char* text = nullptr;
    if (is_exif_text(*field) && vips_image_get_string(opened, *field, &text) == 0) {
      return bytes_of_profile(text);
    }
  }
  return {};
}

}  // namespace imgq::image
