#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/base/limits.h"
#include "src/base/request.h"
#include "src/base/verdict.h"
#include "src/image/engine.h"
#include "tests/images/made.h"

namespace imgq {

// Names the code in a failed comparison.
inline void PrintTo(Code code, std::ostream* out) { *out << name_of(code); }

namespace made {

struct Rendered {
  Verdict verdict;
  std::vector<Bytes> files;

  // The only result, read back by the library of its format.
  Pixels pixels() const { return read(files.at(0)); }
};

// Every optional format allowed, so that a test says what it forbids.
Limits all_formats();

Request one(const Rendition& rendition);

// The whole engine on a file in memory, which is handed over as a descriptor.
Rendered render(const Bytes& file, const Request& request, const Limits& limits = all_formats(),
                Slot slot = Slot::heavy);
Rendered render(const Bytes& file, const Rendition& rendition);

// With watermarks, one for each rendition that names one.
struct MadeMark {
  Bytes file;
  Anchor place = Anchor::south_east;
  int opacity_percent = 100;
};
Rendered render_marked(const Bytes& file, const Request& request,
                       const std::vector<MadeMark>& marks, const Limits& limits = all_formats());

Verdict inspect(const Bytes& file, const Limits& limits = all_formats());

// Descriptors of files that exist only while they are open.
int file_with(const Bytes& content);
Bytes content_of(int descriptor);

// A rendition of its natural size in a lossless format.
Rendition lossless();
Rendition sized(int width, int height, Fit fit = Fit::fit);

// Whether every sample is within `tolerance`; says where not.
::testing::AssertionResult near(const Pixels& made, const Pixels& expected, int tolerance);

// Whether the pixel at x, y has this colour.
::testing::AssertionResult shows(const Pixels& made, int x, int y, const Colour& expected,
                                 int tolerance);

// The engine is started once a process, with every format.
class ImageTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
};

}  // namespace made
}  // namespace imgq
