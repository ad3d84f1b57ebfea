#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "src/base/formats.h"

namespace imgq {
namespace {

using namespace std::string_view_literals;

Kind kind_of(std::string_view bytes) { return sniff(bytes).kind; }

TEST(Sniff, EachFormatIsKnownByItsFirstBytes) {
  EXPECT_EQ(kind_of("\xff\xd8\xff\xe0"sv), Kind::jpeg);
  EXPECT_EQ(kind_of("\x89PNG\r\n\x1a\n...."sv), Kind::png);
  EXPECT_EQ(kind_of("GIF89a"sv), Kind::gif);
  EXPECT_EQ(kind_of("GIF87a"sv), Kind::gif);
  EXPECT_EQ(kind_of("RIFF\0\0\0\0WEBPVP8 "sv), Kind::webp);
  EXPECT_EQ(kind_of("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"sv), Kind::bmp);
  EXPECT_EQ(kind_of("\0\0\0\x18"
                    "ftypheic\0\0\0\0"sv),
            Kind::heic);
  EXPECT_EQ(kind_of("\0\0\0\x18"
                    "ftypavif\0\0\0\0"sv),
            Kind::avif);
  EXPECT_EQ(kind_of("\0\0\0\x1c"
                    "ftypmif1\0\0\0\0mif1avif"sv),
            Kind::avif);
  EXPECT_EQ(kind_of("\0\0\0\x1c"
                    "ftypmif1\0\0\0\0mif1heic"sv),
            Kind::heic);
  EXPECT_EQ(kind_of("\0\0\0\x18"
                    "ftypabcd\0\0\0\0abcdheic"sv),
            Kind::heic);
  EXPECT_EQ(kind_of("\0\0\0\x14"
                    "ftyphevx\0\0\0\0hevx"sv),
            Kind::heic);
  EXPECT_EQ(kind_of("\xff\x0a"sv), Kind::jxl);
  EXPECT_EQ(kind_of("\0\0\0\x0cJXL \r\n\x87\n"sv), Kind::jxl);
  EXPECT_EQ(kind_of("II*\0...."sv), Kind::tiff);
  EXPECT_EQ(kind_of("MM\0*...."sv), Kind::tiff);
  EXPECT_EQ(kind_of("II+\0\x08\0\0\0"sv), Kind::tiff);
}

TEST(Sniff, ACameraRawIsKnownUnlessItBeginsAsATiff) {
  for (const auto bytes : {"II*\0\x10\0\0\0CR\x02\0"sv, "FUJIFILMCCD-RAW 0201"sv, "IIU\0...."sv,
                           "IIRO...."sv, "IIRS...."sv, "MMOR...."sv,
                           "\0\0\0\x18"
                           "ftypcrx \0\0\0\1crx isom"sv}) {
    EXPECT_EQ(kind_of(bytes), Kind::raw) << bytes;
  }
}

// Its first box is 256 bytes long, as an icon begins.
TEST(Sniff, ALongListOfBrandsIsNoIcon) {
  EXPECT_EQ(kind_of("\0\0\x01\0ftypmif1\0\0\0\0heic"sv), Kind::heic);
}

TEST(Formats, EachIsFoundByItsWordItsExtensionsAndItsKind) {
  for (const ImageFormat& format : kFormats) {
    EXPECT_EQ(format_named(format.word), &format);
    EXPECT_EQ(format_of(format.kind), &format);
    EXPECT_EQ(format_with_extension(extension_of(format.word)), &format);
    EXPECT_EQ(format.written ? format_of(*format.written) : &format, &format);
  }
  EXPECT_EQ(format_with_extension("jpe"), format_named("jpeg"));
  for (const char* word : {"", " ", "jpg jpeg", "svg", "auto"}) {
    EXPECT_EQ(format_named(word), nullptr) << word;
    EXPECT_EQ(format_with_extension(word), nullptr) << word;
  }
  for (const Format format : {Format::automatic, Format::keep})
    EXPECT_EQ(format_of(format), nullptr);
  for (const Kind kind : {Kind::unsupported, Kind::unknown}) EXPECT_EQ(format_of(kind), nullptr);
}

TEST(Sniff, FormatsThatAreNeverReadAreCalledByTheirName) {
  const std::pair<std::string_view, std::string_view> named[] = {
      {"%PDF-1.7"sv, "PDF"},
      {"<?xml version='1.0'?><svg"sv, "SVG"},
      {"FOVb...."sv, "camera raw (X3F)"},
      {"P6\n640 480"sv, "PNM"},
      {"\0\0\2\0\0\0\0\0\0\0\0\0\x40\0\x30\0\x18\0"sv, "TGA"},
      {"\5\1\x9\0\0\0\1\x18\0\0\0\0\x40\0\x30\0\x8\x20name."sv, "TGA"},
      {"\0\0\2\0\1\0\x20\x20\0\0\0\0\x30\0\0\0\x16\0"sv, "cursor"},
      {"\0\0\0\x18"
       "ftypisom\0\0\0\0"sv,
       "ISO media (a film?)"},
  };
  for (const auto& [bytes, name] : named) {
    EXPECT_EQ(sniff(bytes).kind, Kind::unsupported) << name;
    EXPECT_EQ(sniff(bytes).name, name);
  }
}

TEST(Sniff, EverythingElseIsUnknown) {
  for (const auto bytes :
       {""sv, "\xff\xd8"sv, "RIFF"sv, "RIFF\0\0\0\0WAVE"sv, "<html><svg"sv, "root:x:0:0"sv,
        "BMW, a car maker"sv, "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x29\0\0\0"sv,
        "\0\0\0\x18"
        "ftyp"sv}) {
    EXPECT_EQ(kind_of(bytes), Kind::unknown) << bytes;
  }
}

TEST(Sniff, FormatsAreReadUntilTheyAreSwitchedOff) {
  const OptionalFormats none{false, false, false, false, false};
  const OptionalFormats all;
  for (const Kind kind : {Kind::heic, Kind::avif, Kind::jxl, Kind::tiff, Kind::raw}) {
    EXPECT_FALSE(is_read(kind, none)) << name_of(kind);
    EXPECT_TRUE(is_read(kind, all)) << name_of(kind);
  }
  for (const Kind kind : {Kind::jpeg, Kind::png, Kind::webp, Kind::gif, Kind::bmp}) {
    EXPECT_TRUE(is_read(kind, none)) << name_of(kind);
  }
  EXPECT_FALSE(is_read(Kind::unsupported, all));
  EXPECT_FALSE(is_read(Kind::unknown, all));
}

}  // namespace
}  // namespace imgq
