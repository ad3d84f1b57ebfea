// Nothing that is not a pixel gets out, unless it was asked for. Asked twice: exiftool reads every
// result, and the bytes themselves are searched for the words that went in.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "src/util/fd.h"
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

constexpr const char* kSecrets[] = {"SecretModel", "SecretArtist", "SecretCopyright", "2024:05:06",
                                    "SecretXmp",   "SecretIptc",   "SecretComment",   "acsp"};

Extras everything() {
  ExifSpec tags;
  tags.model = "SecretModel";
  tags.artist = "SecretArtist";
  tags.copyright = "SecretCopyright";
  tags.gps = true;
  const std::string xmp = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>SecretXmp</x:xmpmeta>";
  const std::string caption = "SecretIptc";
  Extras out;
  out.exif = exif(tags);
  out.icc = display_p3();
  out.xmp = Bytes(xmp.begin(), xmp.end());
  out.iptc = {0x1c, 2, 120, 0, static_cast<uint8_t>(caption.size())};
  out.iptc.insert(out.iptc.end(), caption.begin(), caption.end());
  out.comment = "SecretComment";
  return out;
}

bool contains(const Bytes& file, const std::string& word) {
  return std::search(file.begin(), file.end(), word.begin(), word.end()) != file.end();
}

std::vector<Bytes> sources() {
  const Pixels pixels = scenery(120, 80);
  JpegSpec jpeg_spec;
  PngSpec png_spec;
  WebpSpec webp_spec;
  jpeg_spec.extras = png_spec.extras = webp_spec.extras = everything();
  return {jpeg(pixels, jpeg_spec), png(pixels, png_spec), webp(pixels, webp_spec)};
}

constexpr Format kFormats[] = {Format::jpeg, Format::png, Format::webp, Format::avif};

// The tags exiftool finds, without those it makes up about the file and the pixels.
std::string tags_in(const Bytes& file) {
  const Fd memory(file_with(file));
  const std::string command =
      "exiftool -a -G1 -s --File:all --System:all --ExifTool:all "
      "--Composite:all /proc/" +
      std::to_string(getpid()) + "/fd/" + std::to_string(memory.get());
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "re"), &pclose);
  std::string out;
  std::array<char, 4096> chunk{};
  while (fgets(chunk.data(), chunk.size(), pipe.get()) != nullptr) out += chunk.data();
  return out;
}

// What a file needs to be one: the header fields of its container.
bool is_structure(const std::string& line) {
  for (const char* group :
       {"[JFIF]", "[PNG]", "[PNG-pHYs]", "[RIFF]", "[QuickTime]", "[Meta]", "[Track1]", "[HEIF]"}) {
    if (line.rfind(group, 0) == 0) return true;
  }
  return false;
}

bool has_exiftool() { return std::system("exiftool -ver >/dev/null 2>&1") == 0; }

TEST_F(ImageTest, TheSourcesOfTheseTestsReallyHoldWhatMustNotGetOut) {
  const std::vector<Bytes> files = sources();
  for (const char* secret : kSecrets) {
    EXPECT_TRUE(contains(files[0], secret)) << secret;
  }
  for (const Bytes& file : files) {
    EXPECT_TRUE(contains(file, "SecretModel"));
    EXPECT_TRUE(contains(file, "2024:05:06"));
  }
}

TEST_F(ImageTest, NoWordOfTheMetadataGetsOutInAnyFormat) {
  for (const Bytes& source : sources()) {
    for (const Format format : kFormats) {
      Rendition r = sized(60, 60);
      r.format = format;
      const Rendered made = render(source, r);
      ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
      for (const char* secret : kSecrets) {
        EXPECT_FALSE(contains(made.files[0], secret)) << secret << " in " << name_of(format);
      }
      for (const char* block : {"Exif", "EXIF", "eXIf", "XMP", "xap", "ICC", "iCCP", "Photoshop"}) {
        EXPECT_FALSE(contains(made.files[0], block)) << block << " in " << name_of(format);
      }
    }
  }
}

TEST_F(ImageTest, ExiftoolFindsNothingInAnyFormat) {
  if (!has_exiftool()) GTEST_SKIP() << "exiftool is not installed";
  ASSERT_NE(tags_in(sources()[0]).find("SecretArtist"), std::string::npos);
  for (const Format format : kFormats) {
    Rendition r = sized(60, 60);
    r.format = format;
    std::istringstream tags(tags_in(render(sources()[0], r).files[0]));
    for (std::string line; std::getline(tags, line);) {
      EXPECT_TRUE(is_structure(line)) << name_of(format) << ": " << line;
    }
  }
}

TEST_F(ImageTest, KeepCopyrightKeepsArtistAndCopyrightAndNothingElse) {
  for (const Bytes& source : sources()) {
    for (const Format format : kFormats) {
      Rendition r = sized(60, 60);
      r.format = format;
      r.metadata = Metadata::keep_copyright;
      const Rendered made = render(source, r);
      ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
      EXPECT_TRUE(contains(made.files[0], "SecretArtist")) << name_of(format);
      EXPECT_TRUE(contains(made.files[0], "SecretCopyright")) << name_of(format);
      for (const char* secret :
           {"SecretModel", "2024:05:06", "SecretXmp", "SecretIptc", "SecretComment", "acsp"}) {
        EXPECT_FALSE(contains(made.files[0], secret)) << secret << " in " << name_of(format);
      }
    }
  }
}

TEST_F(ImageTest, ExiftoolReadsTheCopyrightThatWasKept) {
  if (!has_exiftool()) GTEST_SKIP() << "exiftool is not installed";
  for (const Format format : kFormats) {
    Rendition r = sized(60, 60);
    r.format = format;
    r.metadata = Metadata::keep_copyright;
    const std::string tags = tags_in(render(sources()[0], r).files[0]);
    EXPECT_NE(tags.find(": SecretArtist\n"), std::string::npos) << name_of(format) << tags;
    EXPECT_NE(tags.find(": SecretCopyright\n"), std::string::npos) << name_of(format) << tags;
    EXPECT_EQ(tags.find("GPS"), std::string::npos) << tags;
    EXPECT_EQ(tags.find("SecretModel"), std::string::npos) << tags;
  }
}

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// A TIFF of 8 by 8 grey pixels with one more field.
Bytes tiff_with(uint32_t tag, uint32_t type, const std::string& text) {
  const std::vector<std::array<uint32_t, 4>> fields{
      {256, 4, 1, 8},  {257, 4, 1, 8},
      {258, 4, 1, 8},  {259, 4, 1, 1},
      {262, 4, 1, 1},  {273, 4, 1, 134},
      {277, 4, 1, 1},  {278, 4, 1, 8},
      {279, 4, 1, 64}, {tag, type, static_cast<uint32_t>(text.size()), 134 + 64}};
  Bytes out{'I', 'I', '*', 0, 8, 0, 0, 0, 10, 0};
  const auto put = [&out](uint32_t value, int width) {
    for (int i = 0; i < width; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
  };
  for (const auto& field : fields) {
    put(field[0], 2);
    put(field[1], 2);
    put(field[2], 4);
    put(field[3], 4);
  }
  out.resize(134 + 64);
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

struct Told {
  std::string artist, copyright;
};

// Every format has the same block of EXIF: these two fields, and nothing else.
void expect_rights(const Bytes& source, const Told& told, const std::string& which) {
  for (const Format format : kFormats) {
    Rendition r = sized(60, 60);
    r.format = format;
    r.metadata = Metadata::keep_copyright;
    const Rendered made = render(source, r);
    ASSERT_EQ(made.verdict.code, Code::ok) << which << ": " << made.verdict.message;
    ExifSpec expected;
    expected.artist = told.artist;
    expected.copyright = told.copyright;
    const Bytes block = exif(expected);
    const Bytes& file = made.files[0];
    EXPECT_NE(std::search(file.begin(), file.end(), block.begin(), block.end()), file.end())
        << which << " to " << name_of(format);
  }
}

const std::string kXmp =
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description dc:format='image/jpeg'>"
    "<dc:creator>\n<rdf:Seq><rdf:li>Ann &amp; Co.</rdf:li><rdf:li>Zo&#xeb; &lt;x&gt; &y</rdf:li>"
    "</rdf:Seq></dc:creator><dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>&#169; 2026 Ann"
    "</rdf:li><rdf:li xml:lang='de'>nein</rdf:li></rdf:Alt></dc:rights></rdf:Description>"
    "</rdf:RDF></x:xmpmeta>";
const Told kInXmp{"Ann & Co.; Zo\xc3\xab <x> &y", "\xc2\xa9 2026 Ann"};

TEST_F(ImageTest, KeepCopyrightKeepsItsTextToTheLetter) {
  for (const Told& told : {Told{"Ann (Studio, ASCII, 3 components)", "\xc2\xa9 2026 Zo\xc3\xab"},
                           Told{"A", ""}, Told{"", std::string(4000, 'x')}, Told{" B ", "C  "}}) {
    ExifSpec tags;
    tags.artist = told.artist;
    tags.copyright = told.copyright;
    JpegSpec spec;
    spec.extras.exif = exif(tags);
    expect_rights(jpeg(scenery(80, 60), spec), told, told.artist);
  }
}

TEST_F(ImageTest, ExiftoolFindsNothingBesideTheCopyrightThatWasKept) {
  if (!has_exiftool()) GTEST_SKIP() << "exiftool is not installed";
  for (const Format format : kFormats) {
    Rendition r = sized(60, 60);
    r.format = format;
    r.metadata = Metadata::keep_copyright;
    std::istringstream tags(tags_in(render(sources()[0], r).files[0]));
    int kept = 0;
    for (std::string line; std::getline(tags, line);) {
      const bool is_kept = line.rfind("[IFD0]", 0) == 0;
      kept += is_kept ? 1 : 0;
      EXPECT_TRUE(is_kept || is_structure(line)) << name_of(format) << ": " << line;
    }
    EXPECT_EQ(kept, 2) << name_of(format);
  }
}

TEST_F(ImageTest, KeepCopyrightReadsXmpAndIptcWhereExifSaysNothing) {
  const Pixels pixels = scenery(80, 60);
  JpegSpec in_jpeg;
  PngSpec in_png;
  WebpSpec in_webp;
  HeifSpec in_heif;
  JxlSpec in_jxl;
  in_jpeg.extras.xmp = in_png.extras.xmp = in_webp.extras.xmp = in_heif.xmp = in_jxl.xmp =
      bytes_of(kXmp);
  expect_rights(jpeg(pixels, in_jpeg), kInXmp, "XMP in JPEG");
  expect_rights(png(pixels, in_png), kInXmp, "XMP in PNG");
  expect_rights(webp(pixels, in_webp), kInXmp, "XMP in WebP");
  expect_rights(avif(pixels, in_heif), kInXmp, "XMP in AVIF");
  expect_rights(jxl({pixels}, in_jxl), kInXmp, "XMP in JPEG XL");
  expect_rights(tiff_with(700, 1, kXmp), kInXmp, "XMP in TIFF");
  ExifSpec tags;
  tags.artist = "Somebody else";
  in_jpeg.extras.exif = exif(tags);
  expect_rights(jpeg(pixels, in_jpeg), {"Somebody else", kInXmp.copyright}, "EXIF goes before XMP");

  JpegSpec with_iptc;
  with_iptc.extras.iptc = bytes_of(std::string("\x1c\2\x50\0\3Zo\xeb\x1c\2\x50\0\3Ann", 16) +
                                   std::string("\x1c\2\x74\0\6(c) Zo", 11));
  expect_rights(jpeg(pixels, with_iptc), {"Zo\xc3\xab; Ann", "(c) Zo"}, "IPTC in JPEG");
  with_iptc.extras.xmp = bytes_of(kXmp);
  expect_rights(jpeg(pixels, with_iptc), kInXmp, "XMP goes before IPTC");
}

TEST_F(ImageTest, KeepCopyrightReadsTheExifOfEverySource) {
  const Pixels pixels = scenery(80, 60);
  ExifSpec tags;
  tags.artist = "Ann (A)";
  tags.copyright = "All of it";
  HeifSpec in_heif;
  JxlSpec in_jxl;
  in_heif.exif = in_jxl.exif = exif(tags);
  expect_rights(avif(pixels, in_heif), {"Ann (A)", "All of it"}, "AVIF");
  expect_rights(jxl({pixels}, in_jxl), {"Ann (A)", "All of it"}, "JPEG XL");
  expect_rights(tiff_with(315, 2, "Ann (A)"), {"Ann (A)", ""}, "TIFF");
}

TEST_F(ImageTest, XmpThatIsCutOrOddIsLeftAlone) {
  for (size_t size = 0; size < kXmp.size(); ++size) {
    JpegSpec spec;
    spec.extras.xmp = bytes_of(kXmp.substr(0, size) + (size % 2 == 0 ? "<dc:rights" : ""));
    Rendition r = sized(8, 8);
    r.metadata = Metadata::keep_copyright;
    EXPECT_EQ(render(jpeg(filled(8, 8, {9, 9, 9}), spec), r).verdict.code, Code::ok) << size;
  }
}

TEST_F(ImageTest, KeepCopyrightOfAnImageThatHasNoneWritesNothing) {
  for (const Format format : kFormats) {
    Rendition r = sized(60, 60);
    r.format = format;
    const Bytes plain = render(png(scenery(120, 80)), r).files[0];
    r.metadata = Metadata::keep_copyright;
    EXPECT_EQ(render(png(scenery(120, 80)), r).files[0], plain) << name_of(format);
  }
}

}  // namespace
}  // namespace imgq::made
