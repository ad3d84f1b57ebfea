#include "src/base/sniff.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace imgq {
namespace {

using namespace std::string_view_literals;

TEST(Sniff, EachFormatIsKnownByItsFirstBytes) {
  EXPECT_EQ(sniff("\xff\xd8\xff\xe0"sv), Kind::jpeg);
  EXPECT_EQ(sniff("\x89PNG\r\n\x1a\n...."sv), Kind::png);
  EXPECT_EQ(sniff("GIF89a"sv), Kind::gif);
  EXPECT_EQ(sniff("GIF87a"sv), Kind::gif);
  EXPECT_EQ(sniff("RIFF\0\0\0\0WEBPVP8 "sv), Kind::webp);
  EXPECT_EQ(sniff("\0\0\0\x18"
                  "ftypheic\0\0\0\0"sv),
            Kind::heic);
  EXPECT_EQ(sniff("\0\0\0\x18"
                  "ftypavif\0\0\0\0"sv),
            Kind::avif);
  EXPECT_EQ(sniff("\0\0\0\x1c"
                  "ftypmif1\0\0\0\0mif1avif"sv),
            Kind::avif);
  EXPECT_EQ(sniff("\0\0\0\x1c"
                  "ftypmif1\0\0\0\0mif1heic"sv),
            Kind::heic);
  EXPECT_EQ(sniff("\xff\x0a"sv), Kind::jxl);
  EXPECT_EQ(sniff("\0\0\0\x0cJXL \r\n\x87\n"sv), Kind::jxl);
  EXPECT_EQ(sniff("II*\0...."sv), Kind::tiff);
  EXPECT_EQ(sniff("MM\0*...."sv), Kind::tiff);
}

TEST(Sniff, EverythingElseIsUnknown) {
  for (const auto bytes :
       {""sv, "\xff\xd8"sv, "RIFF"sv, "RIFF\0\0\0\0WAVE"sv, "<svg"sv, "%PDF-1.7"sv, "root:x:0:0"sv,
        "\0\0\0\x18"
        "ftyp"sv,
        "\0\0\0\x18"
        "ftypisom\0\0\0\0"sv}) {
    EXPECT_EQ(sniff(bytes), Kind::unknown) << bytes;
  }
}

TEST(Sniff, OptionalFormatsAreReadOnlyWhenAllowed) {
  const OptionalFormats none;
  OptionalFormats all;
  all.heic = all.avif = all.jxl = all.tiff = true;
  for (const Kind kind : {Kind::heic, Kind::avif, Kind::jxl, Kind::tiff}) {
    EXPECT_FALSE(is_read(kind, none)) << name_of(kind);
    EXPECT_TRUE(is_read(kind, all)) << name_of(kind);
  }
  for (const Kind kind : {Kind::jpeg, Kind::png, Kind::webp, Kind::gif}) {
    EXPECT_TRUE(is_read(kind, none)) << name_of(kind);
  }
  EXPECT_FALSE(is_read(Kind::unknown, all));
}

}  // namespace
}  // namespace imgq
