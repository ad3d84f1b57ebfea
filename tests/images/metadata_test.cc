// Nothing that is not a pixel gets out, unless it was asked for. Asked twice: exiftool reads every
// result, and the bytes themselves are searched for the words that went in.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>

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
