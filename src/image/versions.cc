#include "src/image/versions.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <jpeglib.h>
#include <jxl/decode.h>
#include <lcms2.h>
#include <libdeflate.h>
#include <libheif/heif.h>
#include <vips/vips.h>

#include <cstdint>
#include <cstdio>  // for jpeglib.h

#include "src/image/vips_start.h"

namespace imgq::image {
namespace {

#define IMGQ_TEXT_OF(word) IMGQ_QUOTED(word)
#define IMGQ_QUOTED(word) #word

// A function of a library that libvips has loaded, or not; null then.
template <class Function>
Function* loaded(const char* library, const char* name) {
  void* handle = ::dlopen(library, RTLD_NOLOAD | RTLD_LAZY);  // stays open, as libvips has it
  return handle == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(handle, name));
}

std::string webp_version() {
  const auto ask = loaded<int()>("libwebp.so.7", "WebPGetEncoderVersion");
  if (ask == nullptr) return "libwebp is not loaded";
  const int version = ask();
  return fmt::format("libwebp {}.{}.{}", version >> 16, (version >> 8) & 255, version & 255);
}

std::string jxl_version() {
  const uint32_t version = JxlDecoderVersion();
  return fmt::format("libjxl {}.{}.{}", version / 1'000'000, version / 1000 % 1000, version % 1000);
}

std::string lcms_version() {
  const int version = cmsGetEncodedCMMversion();
  return fmt::format("lcms2 {}.{}", version / 1000, version % 1000 / 10);
}

}  // namespace

std::vector<std::string> library_versions() {
  std::vector<std::string> all;
  const Status started = start_vips({});
  all.push_back(fmt::format("libvips {}", vips_version_string()));
  all.push_back(fmt::format("libheif {}", heif_get_version()));
  all.push_back(jxl_version());
  all.push_back(webp_version());
  // In one piece it looks to lintian like a zlib of our own.
  all.push_back(fmt::format("libdeflate {}", LIBDEFLATE_VERSION_STRING));
  all.emplace_back("libjpeg-turbo " IMGQ_TEXT_OF(LIBJPEG_TURBO_VERSION));
  all.push_back(lcms_version());
  if (!started) all.push_back(started.error().text());
  return all;
}

}  // namespace imgq::image
