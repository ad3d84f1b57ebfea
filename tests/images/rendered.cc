#include "tests/images/rendered.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "src/util/fd.h"

namespace imgq::made {

Limits all_formats() {
  Limits limits;
  limits.formats = {true, true, true, true};
  return limits;
}

Request one(const Rendition& rendition) {
  Request request;
  request.renditions = {rendition};
  return request;
}

int file_with(const Bytes& content) {
  const int descriptor = memfd_create("imgq-test", MFD_CLOEXEC);
  if (descriptor < 0) throw std::runtime_error("no memory file");
  if (write(descriptor, content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    throw std::runtime_error("memory file cannot be written");
  }
  return descriptor;
}

Bytes content_of(int descriptor) {
  Bytes out(static_cast<size_t>(lseek(descriptor, 0, SEEK_END)));
  if (pread(descriptor, out.data(), out.size(), 0) != static_cast<ssize_t>(out.size())) {
    throw std::runtime_error("memory file cannot be read");
  }
  return out;
}

namespace {

Rendered render_with(const Bytes& file, const Request& request, const Limits& limits, Slot slot,
                     const std::vector<image::Mark>& marks) {
  const Fd source(file_with(file));
  std::vector<Fd> owned;
  std::vector<int> results;
  for (size_t i = 0; i < request.renditions.size(); ++i) {
    owned.emplace_back(file_with({}));
    results.push_back(owned.back().get());
  }
  Rendered out;
  out.verdict = image::render(request, limits, slot, source.get(), results, marks);
  for (const int result : results) out.files.push_back(content_of(result));
  return out;
}

}  // namespace

Rendered render(const Bytes& file, const Request& request, const Limits& limits, Slot slot) {
  return render_with(file, request, limits, slot, {});
}

Rendered render_marked(const Bytes& file, const Request& request,
                       const std::vector<MadeMark>& marks, const Limits& limits) {
  std::vector<Fd> owned;
  std::vector<image::Mark> open;
  for (const MadeMark& mark : marks) {
    owned.emplace_back(file_with(mark.file));
    open.push_back({owned.back().get(), mark.place, mark.opacity_percent});
  }
  return render_with(file, request, limits, Slot::heavy, open);
}

Rendered render(const Bytes& file, const Rendition& rendition) {
  return render(file, one(rendition));
}

Verdict inspect(const Bytes& file, const Limits& limits) {
  const Fd source(file_with(file));
  return image::inspect(limits, source.get());
}

Rendition lossless() {
  Rendition r = sized(8000, 8000);
  r.format = Format::png;
  return r;
}

Rendition sized(int width, int height, Fit fit) {
  Rendition r;
  r.width_px = width;
  r.height_px = height;
  r.fit = fit;
  return r;
}

::testing::AssertionResult near(const Pixels& made, const Pixels& expected, int tolerance) {
  if (made.width != expected.width || made.height != expected.height ||
      made.bands != expected.bands) {
    return ::testing::AssertionFailure()
           << made.width << "x" << made.height << " of " << made.bands << " bands, expected "
           << expected.width << "x" << expected.height << " of " << expected.bands;
  }
  for (size_t i = 0; i < made.data.size(); ++i) {
    const int difference = std::abs(int{made.data[i]} - int{expected.data[i]});
    if (difference <= tolerance) continue;
    const size_t pixel = i / static_cast<size_t>(made.bands);
    const auto width = static_cast<size_t>(made.width);
    return ::testing::AssertionFailure() << "at " << pixel % width << "," << pixel / width
                                         << " band " << i % static_cast<size_t>(made.bands) << ": "
                                         << made.data[i] << ", expected " << expected.data[i];
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult shows(const Pixels& made, int x, int y, const Colour& expected,
                                 int tolerance) {
  Pixels spot(1, 1, made.bands), wanted(1, 1, static_cast<int>(expected.size()));
  for (int b = 0; b < made.bands; ++b) spot.at(0, 0, b) = made.at(x, y, b);
  wanted.data = expected;
  return near(spot, wanted, tolerance) << " for the pixel " << x << "," << y;
}

void ImageTest::SetUpTestSuite() {
  static const Status started = image::start(all_formats().formats);
  ASSERT_TRUE(started) << started.error().text();
}

}  // namespace imgq::made
