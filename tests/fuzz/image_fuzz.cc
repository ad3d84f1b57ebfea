// The worker's pipeline: any bytes get a verdict from the list; a good one comes with an image.
#include <sys/stat.h>

#include <array>

#include "src/image/engine.h"
#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

constexpr OptionalFormats kAllFormats{.heic = true, .avif = true, .jxl = true, .tiff = true};

Limits small_limits() {
  Limits limits;
  limits.formats = kAllFormats;
  limits.max_pixels = 4'000'000;
  limits.max_file_bytes = 1 << 20;
  limits.memory_bytes = 300LL << 20;
  return limits;
}

Request three_renditions() {
  Request request;
  request.renditions.resize(3);
  request.renditions[0].name = "thumb";
  request.renditions[0].width_px = request.renditions[0].height_px = 64;
  request.renditions[1].name = "square";
  request.renditions[1].width_px = request.renditions[1].height_px = 32;
  request.renditions[1].fit = Fit::fill;
  request.renditions[1].format = Format::automatic;
  request.renditions[2].name = "moving";
  request.renditions[2].width_px = request.renditions[2].height_px = 24;
  request.renditions[2].format = Format::webp;
  request.renditions[2].motion = Motion::kept;
  return request;
}

int64_t size_of(int fd) {
  struct stat about{};
  require(fstat(fd, &about) == 0, "a result has a size");
  return about.st_size;
}

}  // namespace
}  // namespace imgq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imgq;  // NOLINT(google-build-using-namespace)
  static const bool started = static_cast<bool>(image::start(fuzz::kAllFormats));
  fuzz::require(started, "libvips starts");
  const Fd source = fuzz::memory_file(fuzz::text_of(data, size));
  const Fd first = fuzz::memory_file("");
  const Fd second = fuzz::memory_file("");
  const Fd third = fuzz::memory_file("");
  const std::array<int, 3> results{first.get(), second.get(), third.get()};
  const Limits limits = fuzz::small_limits();
  (void)image::inspect(limits, source.get());
  const Verdict verdict =
      image::render(fuzz::three_renditions(), limits, Slot::heavy, source.get(), results);
  if (verdict.code == Code::ok) {
    fuzz::require(verdict.results.size() == 3, "each rendition has a report");
    for (const int result : results) fuzz::require(fuzz::size_of(result) > 0, "results have bytes");
  } else {
    fuzz::require(!verdict.message.empty(), "a refusal has a reason");
    fuzz::require(verdict.code != Code::internal_error, "no input is an internal error");
  }
  return 0;
}
