// The quick way through a baseline JPEG, against libjpeg's coefficients and an inverse DCT in
// floating point; and that it takes nothing which libjpeg finds fault with.
// clang-format off
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <random>

#include "src/image/decoder.h"
#include "src/image/jpeg_idct.h"
#include "src/image/planes.h"
#include "tests/images/rendered.h"

namespace imgq::image {
namespace {

using made::Bytes;
using made::Pixels;

// One sample of the block that has only these `side` by `side` of its 8 by 8 frequencies.
double exact_sample(const int16_t* c, int side, int row_stride, int x, int y) {
  const auto wave = [side](int u, int at) {
    if (u == 0) return 1.0;
    return std::numbers::sqrt2 * std::cos((2 * at + 1) * u * std::numbers::pi / (2 * side));
  };
  double sum = 0;
  for (int v = 0; v < side; ++v) {
    for (int u = 0; u < side; ++u) sum += c[v * row_stride + u] * wave(u, x) * wave(v, y);
  }
  return std::clamp(sum / 8 + 128, 0.0, 255.0);
}

TEST(InverseDct, IsWithinOneOfTheExactOne) {
  std::mt19937 random(7);
  for (const int side : {1, 2, 4}) {
    for (const int most : {20, 300, kMostCoefficient}) {
      constexpr size_t kBlocks = 9;  // with vectors, and without
      std::vector<int16_t> in(kBlocks * static_cast<size_t>(side * side));
      std::uniform_int_distribution<int> value(-most, most);
      for (int16_t& c : in) c = static_cast<int16_t>(value(random));
      const size_t stride = kBlocks * static_cast<size_t>(side);
      std::vector<uint8_t> out(stride * static_cast<size_t>(side)), alone(out.size());
      inverse_dct(in.data(), side, kBlocks, out.data(), stride);
      for (size_t i = 0; i < kBlocks; ++i) {
        const int16_t* block = &in[i * static_cast<size_t>(side * side)];
        inverse_dct(block, side, 1, &alone[i * static_cast<size_t>(side)], stride);
        for (int y = 0; y < side; ++y) {
          for (int x = 0; x < side; ++x) {
            const size_t at = static_cast<size_t>(y) * stride + i * static_cast<size_t>(side) +
                              static_cast<size_t>(x);
            EXPECT_NEAR(out[at], exact_sample(block, side, side, x, y), 1.5) << side << " " << most;
          }
        }
      }
      EXPECT_EQ(out, alone);
    }
  }
}

made::JpegSpec sampled(int across, int down, int quality = 90, int restart_mcus = 0) {
  made::JpegSpec spec;
  spec.across = across;
  spec.down = down;
  spec.quality = quality;
  spec.restart_mcus = restart_mcus;
  return spec;
}

made::JpegSpec optimised(made::JpegSpec spec) {
  spec.optimised = true;
  return spec;
}

// What each plane should be: libjpeg's coefficients, times their quantisers.
class Coefficients {
 public:
  explicit Coefficients(const Bytes& file) {
    reader_.err = jpeg_std_error(&errors_);
    jpeg_create_decompress(&reader_);
    jpeg_mem_src(&reader_, file.data(), file.size());
    (void)jpeg_read_header(&reader_, TRUE);
    blocks_ = jpeg_read_coefficients(&reader_);
  }
  Coefficients(const Coefficients&) = delete;
  Coefficients& operator=(const Coefficients&) = delete;
  ~Coefficients() { jpeg_destroy_decompress(&reader_); }

  double sample(size_t component, int side, int x, int y) {
    const jpeg_component_info& info = reader_.comp_info[component];
    auto* common = reinterpret_cast<j_common_ptr>(&reader_);
    JBLOCKARRAY rows = reader_.mem->access_virt_barray(common, blocks_[component],
                                                       static_cast<JDIMENSION>(y / side), 1, FALSE);
    const JCOEF* block = rows[0][x / side];
    std::array<int16_t, 64> c{};
    for (size_t i = 0; i < c.size(); ++i)
      c[i] = static_cast<int16_t>(block[i] * info.quant_table->quantval[i]);
    return exact_sample(c.data(), side, 8, x % side, y % side);
  }

 private:
  jpeg_error_mgr errors_{};
  jpeg_decompress_struct reader_{};
  jvirt_barray_ptr* blocks_ = nullptr;
};

std::vector<Plane> planes_of(const Bytes& file, int by) {
  Opened image;
  if (open_jpeg(file, Truncated::refuse, &image)) return {};
  const Size size = image.decoder->picture().size;
  const double left = by == 2 ? 1 : 1.3;
  return image.decoder->planes(
      {{static_cast<int>(size.width / (by * left)), static_cast<int>(size.height / (by * left))}});
}

// The farthest that any sample of any plane is off.
double farthest_off(const Bytes& file, int by, const made::JpegSpec& as) {
  Coefficients exact(file);
  double most = 0;
  const std::vector<Plane> planes = planes_of(file, by);
  EXPECT_FALSE(planes.empty());
  for (size_t i = 0; i < planes.size(); ++i) {
    const bool as_large = i > 0 && as.across == 1 && as.down == 1;
    const int side = std::max(1, 8 / by / (as_large ? 2 : 1));
    for (int y = 0; y < planes[i].size.height; ++y) {
      for (int x = 0; x < planes[i].size.width; ++x)
        most = std::max(most, std::abs(planes[i].row(y)[x] - exact.sample(i, side, x, y)));
    }
  }
  return most;
}

const std::array<made::JpegSpec, 8> kUsual = {
    sampled(1, 1),      sampled(2, 1),       sampled(1, 2),        sampled(2, 2),
    sampled(2, 2, 100), sampled(1, 1, 5, 1), sampled(2, 2, 90, 7), optimised(sampled(2, 2))};

TEST(JpegPlanes, AreWhatTheCoefficientsSay) {
  const Pixels picture = made::scenery(237, 149), grey = made::filled(131, 90, {77});
  for (const made::JpegSpec& as : kUsual) {
    for (const int by : {2, 4, 8}) {
      SCOPED_TRACE(testing::Message() << as.across << "x" << as.down << " 1/" << by);
      EXPECT_LE(farthest_off(made::jpeg(picture, as), by, as), 1.5);
      EXPECT_LE(
          farthest_off(made::jpeg(grey, sampled(1, 1, 90, as.restart_mcus)), by, sampled(2, 1)),
          1.5);
    }
  }
}

TEST(JpegPlanes, AreOfTheSizesThatAreStored) {
  const std::vector<Plane> halves = planes_of(made::jpeg(made::scenery(237, 149), kUsual[3]), 4);
  ASSERT_EQ(halves.size(), 3U);
  EXPECT_EQ(halves[0].size, (Size{60, 38}));
  EXPECT_EQ(halves[1].size, (Size{30, 19}));
  EXPECT_EQ(halves[1].reduced_x, 8);
  const std::vector<Plane> wholes = planes_of(made::jpeg(made::scenery(237, 149), kUsual[0]), 8);
  ASSERT_EQ(wholes.size(), 3U);
  EXPECT_EQ(wholes[0].size, wholes[1].size);  // one sample a block is the least
}

TEST(JpegPlanes, WhatIsUnusualIsLeftToLibjpeg) {
  const Pixels picture = made::scenery(320, 200);
  EXPECT_FALSE(planes_of(made::jpeg(picture, sampled(1, 1)), 4).empty());
  made::JpegSpec progressive;
  progressive.progressive = true;
  EXPECT_TRUE(planes_of(made::jpeg(picture, progressive), 4).empty());
  EXPECT_TRUE(planes_of(made::jpeg(made::filled(320, 200, {9, 9, 9, 9})), 4).empty());
  EXPECT_TRUE(planes_of(made::jpeg(picture, sampled(4, 1)), 4).empty());
  ASSERT_EQ(::setenv("IMGQ_JPEG", "libjpeg", 1), 0);
  EXPECT_TRUE(planes_of(made::jpeg(picture, sampled(1, 1)), 4).empty());
  ASSERT_EQ(::unsetenv("IMGQ_JPEG"), 0);
}

// The place of a marker's second byte, the `number`th from the start of the scan.
size_t marker_in(const Bytes& file, uint8_t first, uint8_t last, int number) {
  size_t at = 0;
  while (file[at] != 0xff || file[at + 1] != 0xda) ++at;
  for (at += 2; at + 1 < file.size(); ++at) {
    if (file[at] == 0xff && file[at + 1] >= first && file[at + 1] <= last && number-- == 0)
      return at + 1;
  }
  ADD_FAILURE() << "no such marker";
  return 0;
}

TEST(JpegPlanes, DoubtWhatIsNotAsItShouldBe) {
  const Bytes good = made::jpeg(made::scenery(320, 200), sampled(1, 1, 90, 40));
  ASSERT_FALSE(planes_of(good, 4).empty());
  const auto at = static_cast<ptrdiff_t>(marker_in(good, 0xd0, 0xd7, 3));
  const auto end = static_cast<ptrdiff_t>(marker_in(good, 0xd9, 0xd9, 0));
  Bytes other_number = good, none = good, byte_before = good, byte_at_end = good, cut = good;
  other_number[static_cast<size_t>(at)] ^= 1;
  none.erase(none.begin() + at - 1, none.begin() + at + 1);
  byte_before.insert(byte_before.begin() + at - 1, 0);
  byte_at_end.insert(byte_at_end.begin() + end - 1, 0);
  cut.resize(static_cast<size_t>(end - 1));
  Bytes other_end = good;
  other_end[static_cast<size_t>(end)] = 0xc4;
  for (const Bytes& bad : {other_number, none, byte_before, byte_at_end, cut, other_end})
    EXPECT_TRUE(planes_of(bad, 4).empty());
  Bytes behind = good;
  behind.push_back(7);  // what cameras put behind the image is nobody's business
  EXPECT_FALSE(planes_of(behind, 4).empty());
}

// Coefficients that no encoder makes would be beyond what the arithmetic holds.
TEST(JpegPlanes, DoubtCoefficientsThatNoEncoderMakes) {
  Bytes file = made::jpeg(made::scenery(320, 200), sampled(1, 1));
  size_t at = 0;
  while (file[at] != 0xff || file[at + 1] != 0xdb) ++at;
  std::fill_n(file.begin() + static_cast<ptrdiff_t>(at) + 5, 64, uint8_t{255});
  EXPECT_TRUE(planes_of(file, 4).empty());
}

bool has_no_fault(const Bytes& file) {
  Opened image;
  if (open_jpeg(file, Truncated::refuse, &image)) return false;
  Decoder::Output rows;
  if (image.decoder->begin({{8, 8}}, &rows)) return false;
  const uint8_t* row = nullptr;
  for (int y = 0; y < rows.size.height; ++y) {
    if (image.decoder->next(&row)) return false;
  }
  return image.decoder->is_flawless();
}

TEST(JpegPlanes, NothingIsTakenThatLibjpegWarnsOf) {
  std::mt19937 random(11);
  int taken = 0, refused = 0;
  for (const made::JpegSpec& as : kUsual) {
    const Bytes good = made::jpeg(made::scenery(131, 77), as);
    const size_t scan = marker_in(good, 0, 255, 0) - 1;
    for (int i = 0; i < 150; ++i) {
      Bytes file = good;
      for (int flips = 0; flips <= i % 3; ++flips) {
        const size_t at = 100 + random() % (file.size() - 102);
        if (at + 60 > scan || i % 5 == 0) file[at] ^= static_cast<uint8_t>(1U << random() % 8);
      }
      if (planes_of(file, 2 << i % 3).empty()) {
        ++refused;
        continue;
      }
      ++taken;
      EXPECT_TRUE(has_no_fault(file)) << "variant " << i;
    }
  }
  EXPECT_GT(taken, 100);
  EXPECT_GT(refused, 100);
}

double psnr(const Pixels& a, const Pixels& b) {
  EXPECT_EQ(a.data.size(), b.data.size());
  double sum = 0;
  for (size_t i = 0; i < a.data.size(); ++i) sum += std::pow(a.data[i] - b.data[i], 2);
  return 10 * std::log10(255.0 * 255 * static_cast<double>(a.data.size()) / std::max(sum, 1e-9));
}

// Both ways make the same picture, whichever way it is turned and wherever it is cut; of odd sizes,
// too, where half the chroma is on neither side.
using JpegWays = made::ImageTest;
TEST_F(JpegWays, BothWaysMakeTheSamePicture) {
  const Pixels picture = made::six_blocks(180);
  for (const made::JpegSpec& as : kUsual) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      for (const auto& [width, height] : {std::pair{101, 101}, {64, 40}}) {
        Rendition rendition = made::sized(width, height, width == 64 ? Fit::fill : Fit::fit);
        rendition.quality = 100;
        made::JpegSpec turned = as;
        made::ExifSpec exif;
        exif.orientation = orientation;
        turned.extras.exif = made::exif(exif);
        if (orientation % 2 == 0) turned.extras.icc = made::display_p3();
        const Bytes file = made::jpeg(picture, turned);
        const Pixels quick = made::render(file, rendition).pixels();
        ASSERT_EQ(::setenv("IMGQ_JPEG", "libjpeg", 1), 0);
        const Pixels slow = made::render(file, rendition).pixels();
        ASSERT_EQ(::unsetenv("IMGQ_JPEG"), 0);
        EXPECT_EQ(quick.width, slow.width);
        EXPECT_GT(psnr(quick, slow), 30) << orientation << " " << as.across << as.down;
      }
    }
  }
}

}  // namespace
}  // namespace imgq::image
