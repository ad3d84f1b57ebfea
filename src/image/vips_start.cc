#include "src/image/vips_start.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gmodule.h>
#include <vips/vips.h>

#include <cstdlib>
#include <string>

#include "src/image/vips_image.h"

namespace imgq::image {
namespace {

void say_nothing(const gchar* /*domain*/, GLogLevelFlags /*level*/, const gchar* /*text*/,
                 gpointer /*context*/) {}

// libvips loads every module it finds beside its library, ImageMagick and PDF among them, which
// costs 40 ms and a large surface. So it is sent to look where there are none; what is wanted is
// loaded by name.
std::string module_directory() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&vips_init), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  const std::string library = info.dli_fname;
  return fmt::format("{}/vips-modules-{}.{}", library.substr(0, library.rfind('/')),
                     vips_version(0), vips_version(1));
}

bool load_module(const char* name) {
  const std::string path = module_directory() + "/" + name + ".so";
  GModule* module = g_module_open(path.c_str(), G_MODULE_BIND_LAZY);
  if (module == nullptr) return false;
  g_module_make_resident(module);
  return true;
}

void allow_loader(const char* name) { vips_operation_block_set(name, FALSE); }

void allow_loaders(const OptionalFormats& formats) {
  vips_operation_block_set("VipsForeignLoad", TRUE);
  for (const char* name :
       {"VipsForeignLoadPngSource", "VipsForeignLoadWebpSource", "VipsForeignLoadNsgifSource"}) {
    allow_loader(name);
  }
  if (formats.tiff) allow_loader("VipsForeignLoadTiffSource");
}

bool avif_writer_loaded = false;

}  // namespace

// Called once, before there is a second thread, so the environment may be changed. Without vector
// code libvips needs no memory that is writable and executable, and what it would speed up is done
// by our own resampler. VIPS_NOVECTOR alone is not enough: the first vips_abs() of libvips 8.14, as
// in smartcrop, has Orc make code whatever it says, and Orc aborts where it may not.
Status start_vips(const OptionalFormats& formats) {
  (void)setenv("VIPSHOME", "/nonexistent", 1);   // NOLINT(concurrency-mt-unsafe)
  (void)setenv("VIPS_NOVECTOR", "1", 1);         // NOLINT(concurrency-mt-unsafe)
  (void)setenv("ORC_CODE", "emulate", 1);        // NOLINT(concurrency-mt-unsafe)
  (void)setenv("VIPS_BLOCK_UNTRUSTED", "1", 1);  // NOLINT(concurrency-mt-unsafe)
  g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, say_nothing, nullptr);
  if (vips_init("imgq") != 0) return bad_data("libvips: " + take_vips_error(), "");
  avif_writer_loaded = load_module("vips-heif");
  vips_concurrency_set(1);
  vips_cache_set_max(0);
  allow_loaders(formats);
  vips_error_clear();
  return Ok{};
}

bool can_write_avif() { return avif_writer_loaded; }

}  // namespace imgq::image
