// Files built as camera raws are, byte by byte: what matters of the picture in them is where it
// lies, so the raw data are a few bytes of nothing, and every JPEG but the right one is grey.
#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/notes.h"
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

constexpr uint32_t kSubfileType = 254, kWidth = 256, kHeight = 257, kCompression = 259,
                   kPhotometric = 262, kStrips = 273, kOrientation = 274, kStripBytes = 279,
                   kSubDirectories = 330, kJpegOffset = 513, kJpegBytes = 514, kExif = 34665,
                   kMakerNote = 37500, kDngVersion = 50706;

struct Tag {
  uint32_t id = 0;
  std::vector<uint32_t> numbers;
  Bytes bytes = {};      // instead of numbers, with their length as the count
  uint32_t of_type = 7;  // bytes: UNDEFINED
};
using Tags = std::vector<Tag>;

Tags operator+(Tags left, const Tags& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// Grows a file made like a TIFF: what is pointed to comes first.
class Grown {
 public:
  explicit Grown(bool big_endian = false, uint32_t magic = 42, const Bytes& head = {})
      : big_endian_(big_endian) {
    out_ = big_endian ? Bytes{'M', 'M'} : Bytes{'I', 'I'};
    put(magic, 2);
    put(0, 4);
    out_.insert(out_.end(), head.begin(), head.end());
  }

  uint32_t size() const { return static_cast<uint32_t>(out_.size()); }
  uint32_t data(const Bytes& bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return size() - static_cast<uint32_t>(bytes.size());
  }

  uint32_t directory(const Tags& tags, uint32_t next = 0) {
    std::vector<uint32_t> values;
    for (const Tag& tag : tags) {
      values.push_back(size());
      for (const uint32_t number : tag.numbers) put(number, 4);
      data(tag.bytes);
    }
    const uint32_t at = size();
    put(static_cast<uint32_t>(tags.size()), 2);
    for (size_t i = 0; i < tags.size(); ++i) {
      const Tag& tag = tags[i];
      put(tag.id, 2);
      put(tag.bytes.empty() ? 4 : tag.of_type, 2);
      put(static_cast<uint32_t>(tag.numbers.size() + tag.bytes.size()), 4);
      put(tag.numbers.size() == 1 ? tag.numbers[0] : values[i], 4);
    }
    put(next, 4);
    return at;
  }

  Tags old(const Bytes& jpeg) {
    return {{kJpegOffset, {data(jpeg)}}, {kJpegBytes, {static_cast<uint32_t>(jpeg.size())}}};
  }
  Tags strip(const Bytes& jpeg) {
    return {{kStrips, {data(jpeg)}}, {kStripBytes, {static_cast<uint32_t>(jpeg.size())}}};
  }
  Tags sensor(const Bytes& samples = Bytes(64)) {
    return strip(samples) + Tags{{kWidth, {800}}, {kHeight, {600}}, {kPhotometric, {32803}}};
  }

  // The first directory; or the other end of a pointer in the head.
  Bytes close(uint32_t first) {
    Bytes end;
    std::swap(end, out_);
    put(first, 4);
    std::copy(out_.begin(), out_.end(), end.begin() + 4);
    return end;
  }

  void put(uint32_t value, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; ++i) {
      const uint32_t shift = 8 * (big_endian_ ? bytes - 1 - i : i);
      out_.push_back(static_cast<uint8_t>(value >> shift));
    }
  }

 private:
  bool big_endian_;
  Bytes out_;
};

constexpr int kBlock = 120;

Bytes grey(int width, int height) { return jpeg(filled(width, height, {128, 128, 128})); }
Bytes thumbnail() { return grey(160, 120); }

// As a camera on its side stores it: to be shown turned to the right.
Bytes lying(int orientation_of_its_own = 0) {
  JpegSpec spec;
  ExifSpec own;
  own.orientation = orientation_of_its_own;
  if (orientation_of_its_own > 0) spec.extras.exif = exif(own);
  return jpeg(six_blocks(kBlock), spec);
}

// Larger than any preview, and raw data: the frame header says lossless.
Bytes lossless_jpeg() {
  Bytes file = grey(640, 480);
  const Bytes frame{0xff, 0xc0};
  *(std::search(file.begin(), file.end(), frame.begin(), frame.end()) + 1) = 0xc3;
  return file;
}

const Tags kTurned{{kOrientation, {6}}};
const Tags kReduced{{kSubfileType, {1}}};

Bytes nef(const Bytes& preview = lying(), uint32_t orientation = 6) {
  Grown t;
  const uint32_t first = t.directory(t.old(preview) + kReduced);
  const uint32_t second = t.directory(t.sensor());
  const uint32_t third = t.directory(t.old(grey(330, 200)) + kReduced);
  const Tags rgb = t.strip(Bytes(160 * 120 * 3, 128)) +
                   Tags{{kWidth, {160}}, {kHeight, {120}}, {kPhotometric, {2}}};
  return t.close(
      t.directory(rgb + kReduced +
                  Tags{{kOrientation, {orientation}}, {kSubDirectories, {first, second, third}}}));
}

Bytes cr2() {
  Grown t(false, 42, {'C', 'R', 2, 0, 0, 0, 0, 0});
  const uint32_t raw = t.directory(t.strip(lossless_jpeg()) + Tags{{kCompression, {6}}});
  const uint32_t plain =
      t.directory(t.strip(Bytes(96 * 64 * 3, 128)) + Tags{{kCompression, {6}}}, raw);
  const uint32_t thumb = t.directory(t.old(thumbnail()), plain);
  return t.close(t.directory(t.strip(lying()) + kTurned, thumb));
}

Bytes arw() {
  Grown t;
  const uint32_t raw = t.directory(t.sensor(lossless_jpeg()));
  const uint32_t last = t.directory(t.old(lying()) + kReduced);
  const uint32_t thumb = t.directory(t.old(thumbnail()) + kReduced, last);
  return t.close(t.directory(
      t.old(grey(330, 200)) + kReduced + kTurned + Tags{{kSubDirectories, {raw}}}, thumb));
}

Bytes dng(const Bytes& preview = lying()) {
  Grown t(true);
  const uint32_t raw = t.directory(t.sensor(lossless_jpeg()));
  return t.close(t.directory(t.strip(preview) + kTurned +
                             Tags{{kDngVersion, {0x01040000}}, {kSubDirectories, {raw}}}));
}

Bytes pef() {
  Grown t(true);
  const uint32_t last = t.directory(t.old(lying()));
  const uint32_t thumb = t.directory(t.old(thumbnail()), last);
  return t.close(t.directory(t.sensor() + kTurned, thumb));
}

Bytes orf(const std::string& name, uint32_t head) {
  Grown t(false, 0x4f52);
  const uint32_t note = t.data(Bytes(name.begin(), name.end()));
  t.data(Bytes(head + 18 - name.size()));  // the rest of its head, and a directory of one entry
  const Bytes preview = lying();
  const uint32_t at = t.data(preview);
  const uint32_t settings = t.directory(
      {{0x100, {1}}, {0x101, {at - note}}, {0x102, {static_cast<uint32_t>(preview.size())}}});
  const uint32_t camera = t.directory({{0x2020, {settings - note}}});
  const uint32_t exif = t.directory({{kMakerNote, {}, Bytes(8)}});
  Bytes file = t.close(t.directory(t.sensor() + kTurned + Tags{{kExif, {exif}}}));
  std::copy_n(file.begin() + camera, 18, file.begin() + note + head);
  for (uint32_t i = 0; i < 4; ++i) {
    file[exif + 10 + i] = static_cast<uint8_t>(note >> (8 * i));  // the value's place
  }
  return file;
}

Bytes rw2(uint32_t tag) {
  Grown t(false, 0x55, Bytes(16, 0x88));
  return t.close(t.directory({{tag, {}, lying(6)}, {kOrientation, {6}}}));
}

Bytes raf() {
  const std::string name = "FUJIFILMCCD-RAW 0201FF159502";
  const Bytes preview = lying(6);
  Grown numbers(true);
  numbers.put(148, 4);
  numbers.put(static_cast<uint32_t>(preview.size()), 4);
  Bytes file(name.begin(), name.end());
  file.resize(84);
  const Bytes place = numbers.close(0);
  file.insert(file.end(), place.begin() + 8, place.end());
  file.resize(148);
  file.insert(file.end(), preview.begin(), preview.end());
  return file;
}

// --- CR3

Bytes be32(uint32_t value) {
  Grown number(true);
  number.put(value, 4);
  const Bytes file = number.close(0);
  return {file.begin() + 8, file.end()};
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes box(const std::string& type, const Bytes& body) {
  return be32(static_cast<uint32_t>(body.size() + 8)) + Bytes(type.begin(), type.end()) + body;
}

Bytes cr3(const Bytes& preview = lying()) {
  const auto with_sample_at = [&preview](uint32_t at) {
    Grown camera;
    const Bytes cmt = camera.close(camera.directory(kTurned));
    const Bytes canon{0x85, 0xc0, 0xb6, 0x87, 0x82, 0x0f, 0x11, 0xe0,
                      0x81, 0x11, 0xf4, 0xce, 0x46, 0x2b, 0x6a, 0x48};
    const Bytes sizes =
        box("stsz", be32(0) + be32(0) + be32(1) + be32(static_cast<uint32_t>(preview.size())));
    const Bytes table = box("stbl", sizes + box("co64", be32(0) + be32(1) + be32(0) + be32(at)));
    const Bytes track = box("trak", box("mdia", box("minf", table)));
    const Bytes small = grey(330, 200);
    const Bytes shown = box("PRVW", Bytes(12) + be32(static_cast<uint32_t>(small.size())) + small);
    const Bytes id{0xea, 0xf4, 0x2b, 0x5e, 0x1c, 0x98, 0x4b, 0x88,
                   0xb9, 0xfb, 0xb7, 0xdc, 0x40, 0x6e, 0x4d, 0x16};
    return box("ftyp", Bytes{'c', 'r', 'x', ' ', 0, 0, 0, 1, 'i', 's', 'o', 'm'}) +
           box("moov", box("uuid", canon + box("CMT1", cmt)) + track) +
           box("uuid", id + Bytes(8) + shown);
  };
  const auto before = static_cast<uint32_t>(with_sample_at(0).size());
  return with_sample_at(before + 8) + box("mdat", preview);
}

// ---

class Raw : public ImageTest {
 protected:
  static void expect_upright(const Bytes& file, const std::string& which) {
    const Rendered made = render(file, lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << which << ": " << made.verdict.message;
    const Pixels pixels = made.pixels();
    ASSERT_EQ(pixels.width, 2 * kBlock) << which;
    ASSERT_EQ(pixels.height, 3 * kBlock) << which;
    for (int i = 0; i < 6; ++i) {  // turned to the right: the lower row stands on the left
      const int x = (i < 3 ? 1 : 0) * kBlock + kBlock / 2, y = i % 3 * kBlock + kBlock / 2;
      const auto& colour = kSixColours[static_cast<size_t>(i)];
      EXPECT_TRUE(shows(pixels, x, y, {colour[0], colour[1], colour[2]}, 3)) << which;
    }
    EXPECT_EQ(made.verdict.source.format, "raw");
    EXPECT_EQ(made.verdict.notes, std::vector<std::string>{std::string(note::kRawPreview)})
        << which;
  }
  static Code code_of(const Bytes& file) { return render(file, lossless()).verdict.code; }
};

TEST_F(Raw, OfEveryFamilyGivesItsLargestPreviewUpright) {
  const std::string olympus("OLYMPUS\0II\3\0", 12), om_system("OM SYSTEM\0\0\0II\4\0", 16);
  expect_upright(nef(), "NEF");
  expect_upright(cr2(), "CR2");
  expect_upright(arw(), "ARW");
  expect_upright(dng(), "DNG");
  expect_upright(pef(), "PEF");
  expect_upright(orf(olympus, 12), "ORF");
  expect_upright(orf(om_system, 16), "ORF of a newer camera");
  expect_upright(rw2(0x2e), "RW2");
  expect_upright(rw2(0x127), "RW2 of a newer camera");
  expect_upright(raf(), "RAF");
  expect_upright(cr3(), "CR3");
}

TEST_F(Raw, IsTurnedOnceAndAsThePreviewSaysItself) {
  expect_upright(nef(lying(6)), "both say so");
  expect_upright(nef(lying(6), 3), "they differ");
  Pixels turned(2 * kBlock, 3 * kBlock, 3);
  const Pixels blocks = six_blocks(kBlock);
  for (int y = 0; y < turned.height; ++y) {
    for (int x = 0; x < turned.width; ++x) {
      for (int b = 0; b < 3; ++b) turned.at(x, y, b) = blocks.at(y, 2 * kBlock - 1 - x, b);
    }
  }
  const Rendered made = render(nef(jpeg(turned), 8), lossless());  // a Coolpix 5700
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.pixels().width, turned.width);
  EXPECT_EQ(made.verdict.source.orientation, 1);
}

TEST_F(Raw, WithoutAPreviewIsUnsupported) {
  Grown none(true);
  EXPECT_EQ(code_of(none.close(none.directory(none.sensor() + Tags{{kDngVersion, {0x01040000}}}))),
            Code::unsupported_format);
  EXPECT_EQ(code_of(dng(lossless_jpeg())), Code::unsupported_format);
  EXPECT_EQ(code_of(dng(jpeg(filled(360, 240, {9, 9, 9, 9})))), Code::unsupported_format);
  const Verdict small = render(dng(thumbnail()), lossless()).verdict;
  EXPECT_EQ(small.code, Code::unsupported_format);
  EXPECT_EQ(small.message, "a camera raw that has but a thumbnail of 160x120 in it");
  // What a sensor saw can be a JPEG as others are: DNG's lossy compression.
  Grown lossy;
  EXPECT_EQ(code_of(lossy.close(lossy.directory(lossy.sensor(grey(640, 480))))),
            Code::unsupported_format);
}

TEST_F(Raw, CutIsTruncatedUnlessThatIsAccepted) {
  const Bytes whole = cr3();
  const Bytes cut(whole.begin(), whole.end() - 1000);
  EXPECT_EQ(code_of(cut), Code::truncated);
  Request lenient = one(lossless());
  lenient.truncated = Truncated::accept;
  const Rendered made = render(cut, lenient);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.source.width_px, 2 * kBlock);
  EXPECT_EQ(made.verdict.notes.size(), 2U);
  // The largest is gone altogether: the smaller one is not passed off as the picture.
  const Bytes less(whole.begin(), whole.end() - static_cast<ptrdiff_t>(lying().size()));
  EXPECT_EQ(code_of(less), Code::truncated);
  const Rendered rest = render(less, lenient);
  ASSERT_EQ(rest.verdict.code, Code::ok) << rest.verdict.message;
  EXPECT_EQ(rest.verdict.source.width_px, 200);
  EXPECT_EQ(rest.verdict.notes, (std::vector<std::string>{std::string(note::kRawPreview),
                                                          std::string(note::kTruncated)}));
}

TEST_F(Raw, CutOrChangedAnywhereEndsInAVerdict) {
  const std::vector<Bytes> files{nef(), orf(std::string("OLYMPUS\0II\3\0", 12), 12), cr3()};
  for (const Bytes& file : files) {
    for (size_t size = 1; size < file.size(); size += size < 400 ? 1 : 997) {
      const Bytes part(file.begin(), file.begin() + static_cast<ptrdiff_t>(size));
      EXPECT_NE(code_of(part), Code::ok) << size;
    }
    for (size_t at = file.size() - 120; at < file.size(); ++at) {
      Bytes changed = file;
      changed[at] = 0xff;
      EXPECT_NE(render(changed, lossless()).verdict.code, Code::internal_error) << at;
    }
  }
}

TEST_F(Raw, DirectoriesThatLeadRoundAreVisitedOnce) {
  Grown round;
  const uint32_t at = round.size();
  const Tags tags{{kPhotometric, {32803}}, {kSubDirectories, {at}}};
  EXPECT_EQ(round.directory(tags, at), at + 8);  // behind the numbers
  EXPECT_EQ(code_of(round.close(at + 8)), Code::unsupported_format);
  // One that could be found behind more of them than any camera writes.
  Grown chain;
  uint32_t next = chain.directory(chain.old(lying()));
  for (int i = 0; i < 100; ++i) next = chain.directory({{kWidth, {1}}}, next);
  EXPECT_EQ(code_of(chain.close(chain.directory(chain.sensor(), next))), Code::unsupported_format);
}

TEST_F(Raw, TellsColourAndAuthorWhereThePreviewDoesNot) {
  const Colour shot{120, 140, 90};
  const auto raw = [](const Bytes& preview) {
    Grown t;
    const std::string author = "Photo Grapher";
    const uint32_t exif = t.directory({{0xa001, {2}}});
    const Tags tags =
        t.old(preview) + Tags{{315, {}, Bytes(author.begin(), author.end()), 2}, {kExif, {exif}}};
    return t.close(t.directory(tags + t.sensor()));
  };
  JpegSpec with_profile;
  with_profile.extras.icc = adobe_rgb();
  const Rendered expected = render(jpeg(filled(360, 240, shot), with_profile), lossless());
  const Rendered told = render(raw(jpeg(filled(360, 240, shot))), lossless());
  EXPECT_TRUE(near(told.pixels(), expected.pixels(), 2));
  Rendition keeping = sized(100, 100);
  keeping.metadata = Metadata::keep_copyright;
  const Bytes kept = render(raw(jpeg(filled(360, 240, shot))), keeping).files.at(0);
  const std::string name = "Photo Grapher";
  EXPECT_NE(std::search(kept.begin(), kept.end(), name.begin(), name.end()), kept.end());
  with_profile.extras.icc = srgb();
  const Rendered own = render(raw(jpeg(filled(360, 240, shot), with_profile)), lossless());
  EXPECT_TRUE(shows(own.pixels(), 9, 9, shot, 2));
}

TEST_F(Raw, IsReadWhenAllowedWhateverOfTiff) {
  Limits limits = all_formats();
  limits.formats.tiff = false;
  EXPECT_EQ(inspect(nef(), limits).code, Code::ok);
  limits.formats.tiff = true;
  limits.formats.raw = false;
  for (const Bytes& file : {nef(), cr2()}) {
    const Verdict verdict = inspect(file, limits);
    EXPECT_EQ(verdict.code, Code::format_not_enabled);
    EXPECT_NE(verdict.message.find("'raw = false'"), std::string::npos) << verdict.message;
  }
}

TEST_F(Raw, KeepsItsFormatAsAJpeg) {
  Rendition r = sized(100, 100);
  r.format = Format::keep;
  const Rendered made = render(nef(), r);
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.results[0].format, "jpeg");
}

}  // namespace
}  // namespace imgq::made
