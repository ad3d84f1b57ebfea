// Every way in which an image or a request is refused, each with its own code, each with a file
// that is really so.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/image/bytes.h"
#include "src/image/write_result.h"
#include "src/util/fd.h"
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

using namespace std::string_literals;

Bytes text(const std::string& words) { return {words.begin(), words.end()}; }

Code code_of(const Bytes& file, const Limits& limits = all_formats()) {
  const Rendered made = render(file, one({}), limits);
  EXPECT_FALSE(made.verdict.code != Code::ok && made.verdict.message.empty());
  EXPECT_TRUE(made.verdict.code == Code::ok || made.files[0].empty());
  return made.verdict.code;
}

TEST_F(ImageTest, AnEmptyFileIsCalledEmpty) { EXPECT_EQ(code_of({}), Code::empty_file); }

TEST_F(ImageTest, WhatIsNoImageIsCalledThat) {
  EXPECT_EQ(code_of(text("hello")), Code::not_an_image);
  EXPECT_EQ(code_of(text("<!DOCTYPE html><html><body><svg></svg></body></html>")),
            Code::not_an_image);
  EXPECT_EQ(code_of(text("BMW cars and such, in a text")), Code::not_an_image);
  EXPECT_EQ(code_of(Bytes(5000, 0x41)), Code::not_an_image);
  EXPECT_EQ(code_of({0xff}), Code::not_an_image);
}

TEST_F(ImageTest, WhatIsNeverReadIsCalledUnsupportedByItsName) {
  const std::vector<std::pair<std::string, std::string>> files{
      {"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "SVG"},
      {"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- drawn -->\n<svg width=\"5\"/>", "SVG"},
      {"%PDF-1.7\n", "PDF"},
      {"%!PS-Adobe-3.0\n", "PostScript"},
      {"8BPS\0\1"s, "Photoshop"},
      {"P6\n1 1\n255\nabc", "PNM"},
      {"FOVb\0\0"s, "camera raw (X3F)"},
      {"II*\0\x10\0\0\0CR\2\0"s, "camera raw"},
      {"\0\0\0\x18"
       "ftypcrx \0\0\0\1crx isom"s,
       "camera raw"},
      {"\0\0\0\x18"
       "ftypisom\0\0\0\1isommp42"s,
       "ISO media"},
      {"\0\0\0\x0cjP  \r\n\x87\n"s, "JPEG 2000"},
      {"\0\0\1\0\1\0"s, "icon"},
      {"gimp xcf v011", "GIMP"},
  };
  for (const auto& [content, name] : files) {
    const Rendered made = render(text(content), one({}));
    EXPECT_EQ(made.verdict.code, Code::unsupported_format) << name;
    EXPECT_NE(made.verdict.message.find(name), std::string::npos) << made.verdict.message;
  }
}

// A JPEG of three components, each of a sample in eight by eight pixels, and where its frame header
// stands (ITU T.81, B.2.2): precision at 4, height 5, width 7, the first one's factors 11, then 14.
struct Framed {
  Bytes file = jpeg(filled(16, 16, {1, 2, 3}));
  uint8_t* frame = nullptr;
  Framed() {
    for (size_t i = 0; frame == nullptr; ++i) {
      if (file.at(i) == 0xff && file.at(i + 1) == 0xc0) frame = &file[i];
    }
  }
};

// A JPEG whose frame header, marker and precision, is another.
Bytes jpeg_of_frame(uint8_t marker, uint8_t bits) {
  Framed made;
  made.frame[1] = marker;
  made.frame[4] = bits;
  return made.file;
}

TEST_F(ImageTest, AJpegOfAProcessThatIsNotReadIsUnsupportedNotDamaged) {
  EXPECT_EQ(code_of(jpeg_of_frame(0xc0, 8)), Code::ok);
  EXPECT_EQ(code_of(jpeg_of_frame(0xc1, 12)), Code::unsupported_format);
  EXPECT_EQ(code_of(jpeg_of_frame(0xc3, 8)), Code::unsupported_format) << "lossless";
  EXPECT_EQ(code_of(jpeg_of_frame(0xc3, 16)), Code::unsupported_format) << "lossless";
  EXPECT_EQ(code_of(jpeg_of_frame(0xc5, 8)), Code::unsupported_format) << "hierarchical";
  EXPECT_EQ(code_of(jpeg_of_frame(0xc0, 77)), Code::corrupt_image);
  Framed fraction, without_height;
  fraction.frame[11] = 0x31;
  fraction.frame[14] = 0x21;
  EXPECT_EQ(code_of(fraction.file), Code::unsupported_format) << "three samples to two";
  without_height.frame[5] = without_height.frame[6] = 0;
  EXPECT_EQ(code_of(without_height.file), Code::unsupported_format) << "a DNL marker";
}

TEST_F(ImageTest, WhatTheConfigurationSwitchesOffIsCalledThatAndNamesTheLine) {
  const Pixels pixels = scenery(64, 48);
  Rendition r = sized(64, 64);
  r.format = Format::avif;
  const Bytes avif = render(png(pixels), r).files[0];
  const std::vector<std::pair<Bytes, std::string>> files{
      {avif, "AVIF is switched off: the configuration has 'avif = false' below '[formats]'"},
      {tiff(pixels), "'tiff = false'"},
      {text("\0\0\0\x18"
            "ftypheic\0\0\0\0mif1heic"s),
       "'heic = false'"},
      {text("\xff\x0a\0\0"s), "'jxl = false'"},
  };
  for (const auto& [file, setting] : files) {
    Limits limits;
    limits.formats = {false, false, false, false, false};
    const Rendered made = render(file, one({}), limits);
    EXPECT_EQ(made.verdict.code, Code::format_not_enabled) << setting;
    EXPECT_NE(made.verdict.message.find(setting), std::string::npos) << made.verdict.message;
  }
  EXPECT_EQ(code_of(avif), Code::ok);
  EXPECT_EQ(code_of(tiff(pixels)), Code::ok);
}

TEST_F(ImageTest, TooManyBytesAreRefused) {
  Limits limits = all_formats();
  const Bytes file = png(scenery(64, 48));
  limits.max_file_bytes = static_cast<int64_t>(file.size()) - 1;
  EXPECT_EQ(code_of(file, limits), Code::file_too_large);
  limits.max_file_bytes = static_cast<int64_t>(file.size());
  EXPECT_EQ(code_of(file, limits), Code::ok);
}

// Nothing is behind the headers: what refuses them cannot have decoded anything.
Bytes png_that_says(uint32_t width, uint32_t height) {
  Bytes file = png(filled(1, 1, {1, 2, 3}));
  for (int i = 0; i < 4; ++i) {
    file[16 + static_cast<size_t>(i)] = static_cast<uint8_t>(width >> (24 - 8 * i));
    file[20 + static_cast<size_t>(i)] = static_cast<uint8_t>(height >> (24 - 8 * i));
  }
  return file;
}

TEST_F(ImageTest, ALimitThatIsPassedIsNamedAsInTheConfiguration) {
  const Bytes file = png(scenery(300, 200));
  const auto words = [&](auto Limits::* limit, int value) {
    Limits limits = all_formats();
    limits.*limit = value;
    return render(file, one({}), limits).verdict.message;
  };
  EXPECT_EQ(words(&Limits::max_pixels, 50'000),
            "300x200 is 60000 pixels, limits.max_pixels is 50000");
  EXPECT_EQ(words(&Limits::max_side_px, 250), "300x200, limits.max_side_px is 250");
  EXPECT_EQ(words(&Limits::max_file_bytes, 10),
            std::to_string(file.size()) + " bytes, limits.max_file_bytes is 10");
  EXPECT_NE(words(&Limits::max_result_side_px, 100).find("limits.max_result_side_px is 100"),
            std::string::npos);
  EXPECT_NE(words(&Limits::memory_bytes, 1 << 20).find("limits.memory_bytes is 1 MiB"),
            std::string::npos);
}

TEST_F(ImageTest, PixelFloodsAreRefusedByTheirHeader) {
  Limits limits = all_formats();
  EXPECT_EQ(code_of(png_that_says(50000, 50000), limits), Code::side_too_long);
  limits.max_side_px = 60000;
  EXPECT_EQ(code_of(png_that_says(50000, 50000), limits), Code::too_many_pixels);
  EXPECT_EQ(code_of(png_that_says(0xffffffff, 0xffffffff), limits), Code::side_too_long);
  EXPECT_EQ(code_of(gif({filled(1, 1, {0})}, {{1, 2, 3}}), limits), Code::ok);
  Bytes flood = gif({filled(1, 1, {0})}, {{1, 2, 3}});
  for (size_t i = 6; i < 10; ++i) flood[i] = 0xff;
  EXPECT_EQ(code_of(flood), Code::side_too_long);
  Bytes wide = jpeg(filled(8, 8, {1, 2, 3}));
  for (size_t i = 0; i + 8 < wide.size(); ++i) {
    if (wide[i] != 0xff || wide[i + 1] != 0xc0) continue;
    for (size_t b = 5; b < 9; ++b) wide[i + b] = 0xfa;
  }
  EXPECT_EQ(code_of(wide), Code::side_too_long);
}

TEST_F(ImageTest, TheReportSaysWhatWasRefused) {
  const Verdict verdict = inspect(png_that_says(50000, 40000));
  EXPECT_EQ(verdict.code, Code::side_too_long);
  EXPECT_EQ(verdict.source.width_px, 50000);
  EXPECT_EQ(verdict.source.height_px, 40000);
  EXPECT_EQ(verdict.source.format, "png");
}

TEST_F(ImageTest, NoPixelsAtAllAreCorrupt) {
  EXPECT_EQ(code_of(png_that_says(0, 10)), Code::corrupt_image);
}

TEST_F(ImageTest, AnAnimationOfAnyLengthIsItsFirstFrame) {
  Limits limits = all_formats();
  limits.max_frames = 3;
  const std::vector<Pixels> frames(4, filled(8, 8, {0}));
  EXPECT_EQ(code_of(gif(frames, {{1, 2, 3}}), limits), Code::ok);
  EXPECT_EQ(code_of(gif({frames.begin(), frames.end() - 1}, {{1, 2, 3}}), limits), Code::ok);
  const std::vector<Pixels> web(4, filled(8, 8, {9, 9, 9}));
  EXPECT_EQ(code_of(animated_webp(web), limits), Code::ok);
}

Rendition sized_avif(int side) {
  Rendition r = sized(side, side);
  r.format = Format::avif;
  return r;
}

TEST_F(ImageTest, WhatNeedsMoreMemoryThanAWorkerMayHaveIsTooLarge) {
  Limits limits = all_formats();
  limits.memory_bytes = 60LL << 20;
  JpegSpec spec;
  spec.progressive = true;
  const Bytes file = jpeg(filled(4000, 3000, {1, 2, 3}), spec);
  EXPECT_EQ(code_of(file, limits), Code::too_large);
  EXPECT_EQ(code_of(jpeg(filled(4000, 3000, {1, 2, 3})), limits), Code::ok);
}

TEST_F(ImageTest, KeepingTheFormatCostsWhatThatFormatCosts) {
  Limits limits = all_formats();
  limits.memory_bytes = 75LL << 20;
  Rendition r = sized(1500, 1000);
  r.format = Format::keep;
  const Pixels pixels = filled(1500, 1000, {1, 2, 3});
  EXPECT_EQ(render(jpeg(pixels), one(r), limits).verdict.code, Code::ok);
  EXPECT_EQ(render(png(pixels), one(r), limits).verdict.code, Code::ok);
  Rendition avif = r;
  avif.format = Format::avif;
  EXPECT_EQ(render(png(pixels), one(avif), limits).verdict.code, Code::too_large);
  const Bytes small = render(png(filled(300, 200, {1, 2, 3})), sized_avif(300)).files[0];
  r.enlarge = Enlarge::allow;
  EXPECT_EQ(render(small, one(r), limits).verdict.code, Code::too_large);
}

TEST_F(ImageTest, WhatIsSeenThroughCostsWhatItsFormatCosts) {
  Limits limits = all_formats();
  limits.memory_bytes = 45LL << 20;
  const auto estimate = [&](Format format) {
    Rendition r = sized(1500, 1000);
    r.format = format;
    return render(png(filled(1500, 1000, {1, 2, 3, 100})), one(r), limits).verdict.message;
  };
  EXPECT_EQ(estimate(Format::automatic), estimate(Format::png));
  EXPECT_NE(estimate(Format::automatic), estimate(Format::jpeg));
}

// Its decoder holds the whole image, however small the result.
TEST_F(ImageTest, ALosslessWebpIsCountedWholeAndALossyOneIsNot) {
  Limits limits = all_formats();
  limits.memory_bytes = 48LL << 20;
  const Pixels pixels = filled(2000, 1500, {1, 2, 3});
  WebpSpec spec;
  for (const bool extended : {false, true}) {
    if (extended) spec.extras.exif = exif({});
    spec.lossless = true;
    EXPECT_EQ(render(webp(pixels, spec), one(sized(100, 100)), limits).verdict.code,
              Code::too_large);
    spec.lossless = false;
    EXPECT_EQ(render(webp(pixels, spec), one(sized(100, 100)), limits).verdict.code, Code::ok);
  }
  spec.extras = {};
  const Bytes glass = webp(filled(2000, 1500, {1, 2, 3, 128}), spec);
  EXPECT_EQ(render(glass, one(sized(100, 100)), limits).verdict.code, Code::too_large);
}

TEST_F(ImageTest, AHeavyImageAsksForTheHeavySlotAndIsRenderedThere) {
  Limits limits = all_formats();
  limits.heavy_bytes = 60LL << 20;
  JpegSpec spec;
  spec.progressive = true;
  const Bytes file = jpeg(filled(4000, 3000, {1, 2, 3}), spec);
  const Rendered normal = render(file, one({}), limits, Slot::normal);
  EXPECT_TRUE(normal.verdict.heavy);
  EXPECT_TRUE(normal.verdict.results.empty());
  EXPECT_TRUE(normal.files[0].empty());
  EXPECT_FALSE(is_permanent(normal.verdict.code));
  const Rendered heavy = render(file, one({}), limits, Slot::heavy);
  EXPECT_EQ(heavy.verdict.code, Code::ok) << heavy.verdict.message;
  EXPECT_FALSE(heavy.verdict.heavy);
}

TEST_F(ImageTest, ARequestThatCannotBeIsRefused) {
  Request none;
  none.renditions.clear();
  EXPECT_EQ(render(png(scenery(9, 9)), none).verdict.code, Code::bad_request);
  Rendition r = sized(0, 0);
  EXPECT_EQ(render(png(scenery(9, 9)), one(r)).verdict.code, Code::bad_request);
}

TEST_F(ImageTest, ResultsThatAreTooFewAreABadRequest) {
  const Fd source(file_with(png(scenery(9, 9))));
  EXPECT_EQ(image::render(one({}), all_formats(), Slot::normal, source.get(), {}).code,
            Code::bad_request);
}

TEST_F(ImageTest, AResultOverTheLimitIsRefused) {
  Limits limits = all_formats();
  limits.max_result_side_px = 100;
  EXPECT_EQ(code_of(png(scenery(300, 200)), limits), Code::result_too_large);
}

// As panoramas and pictures of 200 MP are; padded here behind the end of the image.
TEST_F(ImageTest, AFileOfMoreThanAWorkersMemoryIsMapped) {
  Bytes file = jpeg(scenery(160, 120));
  const Pixels whole = render(file, lossless()).pixels();
  Limits limits = all_formats();
  limits.memory_bytes = 64LL << 20;
  for (const size_t mib : {64U, 65U}) {  // kept in memory, mapped
    file.resize((size_t{mib} << 20) + (mib == 65 ? 1 : 0));
    const Rendered made = render(file, one(lossless()), limits);
    EXPECT_EQ(made.verdict.code, mib == 64 ? Code::too_large : Code::ok) << made.verdict.message;
    if (mib == 65) {
      EXPECT_TRUE(near(made.pixels(), whole, 0));
    }
  }
}

TEST_F(ImageTest, AMappedFileThatItsOwnerCutsShortIsMissing) {
  const Fd file(file_with(Bytes(65UL << 20, 9)));
  image::Bytes bytes;
  ASSERT_FALSE(bytes.read(file.get(), INT64_C(1) << 30));
  EXPECT_EQ(bytes.held_bytes(), 0U);
  EXPECT_FALSE(bytes.has_shrunk());
  ASSERT_EQ(::ftruncate(file.get(), 1000), 0);
  EXPECT_EQ(bytes.view().back(), 0) << "a page that is gone is read as zeros";
  EXPECT_TRUE(bytes.has_shrunk());
  ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(bytes.view().size())), 0);
  EXPECT_TRUE(bytes.has_shrunk()) << "it was read while it was short";
}

// Where somebody else's hard limit leaves no room to widen it for the file.
TEST_F(ImageTest, AMappedFileLeavesTheLimitOfMemoryAsItWas) {
  const Fd file(file_with(Bytes(65UL << 20, 9)));
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit tight{rlim_t{1} << 46, rlim_t{1} << 46};
    rlimit before{};  // what was asked for, but where an emulator of user space has no such limit
    bool well = ::setrlimit(RLIMIT_AS, &tight) == 0 && ::getrlimit(RLIMIT_AS, &before) == 0;
    {
      image::Bytes bytes;
      well = well && !bytes.read(file.get(), INT64_C(1) << 30);
    }
    rlimit after{};
    well = well && ::getrlimit(RLIMIT_AS, &after) == 0 && after.rlim_cur == before.rlim_cur;
    ::_exit(well ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(ImageTest, WhatIsNoRegularFileIsMissing) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  EXPECT_EQ(image::inspect(all_formats(), reader.get()).code, Code::source_missing);
  const Fd directory(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(image::inspect(all_formats(), directory.get()).code, Code::source_missing);
}

TEST_F(ImageTest, AResultThatCannotBeWrittenIsAnIoError) {
  const Fd source(file_with(png(scenery(90, 90)))), full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  const int results[] = {full.get()};
  const Verdict verdict =
      image::render(one({}), all_formats(), Slot::normal, source.get(), results);
  EXPECT_EQ(verdict.code, Code::io_error);
  EXPECT_TRUE(verdict.results.empty());
  EXPECT_NE(verdict.message.find("No space left"), std::string::npos) << verdict.message;
}

TEST_F(ImageTest, ASourceThatCannotBeReadIsAnIoError) {
  const Fd closed(open("/dev/null", O_WRONLY | O_CLOEXEC));
  const Fd write_only(file_with(png(scenery(9, 9))));
  const Fd again(
      open(("/proc/self/fd/" + std::to_string(write_only.get())).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(again);
  EXPECT_EQ(image::inspect(all_formats(), again.get()).code, Code::io_error);
}

TEST_F(ImageTest, AResultOfTheWrongSizeIsNeverPublished) {
  const Fd result(file_with({}));
  const image::Raster raster({10, 10}, {image::Space::rgb, false});
  ResultReport report;
  std::vector<std::string> notes;
  const auto fault = image::finish({}, {10, 11}, raster, {}, result.get(), &report, &notes);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->code, Code::wrong_result);
  EXPECT_TRUE(content_of(result.get()).empty());
}

TEST_F(ImageTest, AFailureLeavesNothingBehindForTheNextImage) {
  Bytes broken = png(scenery(100, 100));
  broken.resize(broken.size() / 2);
  EXPECT_EQ(code_of(broken), Code::truncated);
  const Rendered made = render(png(scenery(100, 100)), one({}));
  EXPECT_EQ(made.verdict.code, Code::ok);
  EXPECT_TRUE(made.verdict.message.empty());
  EXPECT_TRUE(made.verdict.notes.empty());
}

TEST_F(ImageTest, WhereTheSourcesOffsetStandsDoesNotMatter) {
  const Fd source(file_with(png(scenery(40, 30)))), result(file_with({}));
  ASSERT_EQ(lseek(source.get(), 17, SEEK_SET), 17);
  const int results[] = {result.get()};
  EXPECT_EQ(image::render(one({}), all_formats(), Slot::normal, source.get(), results).code,
            Code::ok);
}

TEST_F(ImageTest, TheVerdictSaysWhatWasFoundAndWhatItCost) {
  const Rendered made = render(png(scenery(400, 300)), sized(100, 100));
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.source.format, "png");
  EXPECT_EQ(made.verdict.source.width_px, 400);
  EXPECT_EQ(made.verdict.source.height_px, 300);
  EXPECT_EQ(made.verdict.source.pages, 1);
  EXPECT_FALSE(made.verdict.source.alpha);
  EXPECT_FALSE(made.verdict.source.thumbhash.empty());
  EXPECT_GT(made.verdict.decode_ms, 0);
  EXPECT_GE(made.verdict.total_ms, made.verdict.decode_ms);
  EXPECT_GT(made.verdict.peak_kib, 1000);
  const ResultReport& result = made.verdict.results.at(0);
  EXPECT_EQ(result.rendition, "thumb");
  EXPECT_EQ(result.format, "jpeg");
  EXPECT_EQ(result.quality, 80);
  EXPECT_EQ(result.size_bytes, static_cast<int64_t>(made.files[0].size()));
}

}  // namespace
}  // namespace imgq::made
