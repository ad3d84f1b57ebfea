// The quick way through a JPEG never judges: what it takes, libjpeg reads to the last row, and has
// nothing to warn of.
#include "src/image/decoder.h"
#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

constexpr int64_t kMostPixels = 4'000'000;

bool is_taken(image::View file, int by) {
  image::Opened image;
  if (image::open_jpeg(file, Truncated::refuse, &image)) return false;
  const image::Size size = image.decoder->picture().size;
  if (int64_t{size.width} * size.height > kMostPixels) return false;
  return !image.decoder->planes({{size.width / (2 * by) + 1, size.height / (2 * by) + 1}}).empty();
}

void require_flawless(image::View file) {
  image::Opened image;
  require(!image::open_jpeg(file, Truncated::refuse, &image), "the header is read again");
  const bool said = !image.decoder->notes().empty();  // of the header
  image::Decoder::Output rows;
  require(!image.decoder->begin({image.decoder->picture().size}, &rows), "libjpeg begins");
  const uint8_t* row = nullptr;
  for (int y = 0; y < rows.size.height; ++y)
    require(!image.decoder->next(&row), "libjpeg reads each row");
  require(said || image.decoder->is_flawless(), "libjpeg warns of nothing");
}

}  // namespace
}  // namespace imgq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace imgq;  // NOLINT(google-build-using-namespace)
  const image::View file(data, size);
  bool taken = false;
  for (const int by : {1, 2, 4}) taken |= fuzz::is_taken(file, by);
  if (taken) fuzz::require_flawless(file);
  return 0;
}
