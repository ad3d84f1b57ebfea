#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>

#include "src/image/convolve.h"
#include "src/image/decoder.h"
#include "src/image/engine.h"
#include "src/image/jpeg_idct.h"
#include "src/util/fd.h"
#include "tests/bench/cases.h"
#include "tests/images/made.h"

namespace imgq::bench {
namespace {

constexpr int kWidth = 2048, kHeight = 1536;

// With noise, so that its blocks have the many small coefficients that a camera's have.
const made::Pixels& picture() {
  static const made::Pixels kPicture = [] {
    made::Pixels pixels = made::scenery(kWidth, kHeight);
    std::mt19937 random(1);
    for (uint16_t& value : pixels.data) value = static_cast<uint16_t>(value + random() % 16);
    return pixels;
  }();
  return kPicture;
}

const made::Bytes& photo() {
  static const made::Bytes kPhoto = [] {
    made::JpegSpec spec;
    spec.quality = 90;
    spec.across = spec.down = 2;
    return made::jpeg(picture(), spec);
  }();
  return kPhoto;
}

template <class T>
std::vector<T> numbers(size_t count, int below) {
  std::mt19937 random(2);
  std::vector<T> out(count);
  for (T& value : out) value = static_cast<T>(random() % static_cast<uint32_t>(below));
  return out;
}

// The scan's entropy decoding, and as much inverse DCT as is left of a block at 1/8, 1/4 and 1/2.
Steps planes(int reduced) {
  (void)photo();
  return {{}, [reduced] {
            image::Opened opened;
            const int by = reduced == 2 ? 2 : reduced * 13 / 10 + 1;
            const bool fails = open_jpeg(photo(), Truncated::refuse, &opened).has_value();
            if (fails || opened.decoder->planes({{kWidth / by, kHeight / by}}).empty()) {
              throw std::runtime_error("the quick way does not take its photograph");
            }
          }};
}

Steps inverse_dcts(int side) {
  constexpr size_t kBlocks = 4096;
  const auto in = numbers<int16_t>(kBlocks * static_cast<size_t>(side * side), 200);
  return {{}, [in, side, out = std::vector<uint8_t>(in.size())]() mutable {
            image::inverse_dct(in.data(), side, kBlocks, out.data(),
                               kBlocks * static_cast<size_t>(side));
          }};
}

// As many rows into one as a reduction from 3 to 1 takes.
template <class T>
Steps rows() {
  constexpr size_t kTaps = 18, kSamples = 6000;
  const auto in = numbers<T>(kTaps * kSamples, 256);
  return {{}, [in, out = std::vector<int16_t>(kSamples)]() mutable {
            std::array<const T*, kTaps> from{};
            for (size_t i = 0; i < kTaps; ++i) from[i] = in.data() + i * kSamples;
            std::array<int16_t, kTaps> weights{};
            weights.fill((1 << image::kWeightBits) / kTaps);
            image::convolve_rows(from.data(), weights.data(), kTaps, out.data(), kSamples);
          }};
}

Steps columns(int bands) {
  constexpr int kFrom = 1500, kTo = 500;
  const auto taps = image::lanczos_taps({0, double{kFrom} / kTo, kTo}, kFrom);
  const image::ColumnTaps of(*taps, 0, bands);
  const auto row = numbers<int16_t>(of.row_samples(bands), 256 << 6);
  return {
      {},
      [row, bands, of, sums = std::vector<int32_t>(static_cast<size_t>(kTo * bands))]() mutable {
        image::convolve_columns(row.data(), of, bands, sums.data());
      }};
}

// From a file to files, as a worker does it.
class Rendering {
 public:
  Rendering(const made::Bytes& file, const std::vector<int>& sides, Format format)
      : source_(memfd_create("source", MFD_CLOEXEC)) {
    if (!image::start({})) throw std::runtime_error("libvips does not start");
    if (write(source_.get(), file.data(), file.size()) != std::ssize(file)) {
      throw std::runtime_error("write a source");
    }
    request_.renditions.clear();
    for (const int side : sides) {
      Rendition& rendition = request_.renditions.emplace_back();
      rendition.name = "s" + std::to_string(side);
      rendition.width_px = rendition.height_px = side;
      rendition.format = format;
      files_.emplace_back(memfd_create("result", MFD_CLOEXEC));
      results_.push_back(files_.back().get());
    }
  }

  void run() {
    for (const int result : results_) {
      if (ftruncate(result, 0) != 0 || lseek(result, 0, SEEK_SET) != 0) {
        throw std::runtime_error("empty a result");
      }
    }
    const auto verdict = image::render(request_, {}, Slot::heavy, source_.get(), results_);
    if (verdict.code != Code::ok) throw std::runtime_error(verdict.message);
  }

 private:
  Fd source_;
  Request request_;
  std::vector<Fd> files_;
  std::vector<int> results_;
};

Case render(std::string name, const made::Bytes& (*file)(), std::vector<int> sides,
            Format format = Format::jpeg) {
  return {std::move(name), 1, [file, sides = std::move(sides), format] {
            auto rendering = std::make_shared<Rendering>(file(), sides, format);
            return Steps{{}, [rendering] { rendering->run(); }};
          }};
}

const made::Bytes& png() {
  static const made::Bytes kPng = made::png(picture());
  return kPng;
}

const made::Bytes& icon() {
  static const made::Bytes kIcon = made::jpeg(made::scenery(64, 64));
  return kIcon;
}

}  // namespace

std::vector<Case> image_cases() {
  std::vector<Case> cases;
  for (const int by : {8, 4, 2}) {
    cases.push_back({"planes/" + std::to_string(by), 1, [by] { return planes(by); }});
  }
  for (const int side : {1, 2, 4}) {
    cases.push_back(
        {"inverse-dct/" + std::to_string(side), 4096, [side] { return inverse_dcts(side); }});
  }
  cases.push_back({"rows/bytes", 1, [] { return rows<uint8_t>(); }});
  cases.push_back({"rows/samples", 1, [] { return rows<int16_t>(); }});
  for (const int bands : {1, 3}) {
    cases.push_back({"columns/" + std::to_string(bands), 1, [bands] { return columns(bands); }});
  }
  cases.push_back(render("render/jpeg-500", photo, {500}));
  cases.push_back(render("render/jpeg-1600", photo, {1600}));
  cases.push_back(render("render/jpeg-1600-800-400-200", photo, {1600, 800, 400, 200}));
  cases.push_back(render("render/png-500", png, {500}));
  cases.push_back(render("render/tiny", icon, {500}));
  cases.push_back(render("render/to-png-500", photo, {500}, Format::png));
  cases.push_back(render("render/to-webp-500", photo, {500}, Format::webp));
  return cases;
}

}  // namespace imgq::bench
