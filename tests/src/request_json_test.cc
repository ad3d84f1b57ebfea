#include <gtest/gtest.h>

#include <limits>

#include "src/base/request.h"
#include "src/util/text.h"

namespace imgq {
namespace {

std::string complaint(std::string_view json) {
  const auto request = parse_request(json, "x.job");
  return request ? "(accepted)" : request.error().action;
}

TEST(Request, WithNothingSaidIsTheOldServicesDefault) {
  const auto request = parse_request("{}", "x.job");
  ASSERT_TRUE(request);
  ASSERT_EQ(request->renditions.size(), 1U);
  const Rendition& thumb = request->renditions[0];
  EXPECT_EQ(thumb.name, "thumb");
  EXPECT_EQ(thumb.width_px, 500);
  EXPECT_EQ(thumb.height_px, 500);
  EXPECT_EQ(thumb.fit, Fit::fit);
  EXPECT_EQ(thumb.enlarge, Enlarge::never);
  EXPECT_EQ(thumb.format, Format::jpeg);
}

TEST(Request, EveryFieldSurvivesItsJson) {
  Rendition full;
  full.name = "hero-2_x";
  full.width_px = 1280;
  full.height_px = 720;
  full.fit = Fit::fill;
  full.anchor = Anchor::focus;
  full.focus_x = 0.1;
  full.focus_y = 0.987654321;
  full.enlarge = Enlarge::allow;
  full.format = Format::automatic;
  full.quality = 61;
  full.chroma = Chroma::full;
  full.scan = Scan::progressive;
  full.max_bytes = 123'456;
  full.background = {1, 2, 254};
  full.sharpen = 0.75;
  full.metadata = Metadata::keep_copyright;
  full.recompress = Recompress::always;
  full.pixels = PixelShape::square;
  full.colours = Colours::keep;
  Request request;
  request.renditions = {full, Rendition{}};
  request.truncated = Truncated::accept;
  request.preset = "web";
  const auto again = parse_request(to_json(request), "x.job");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(to_json(*again), to_json(request));
  const Rendition& read = again->renditions[0];
  EXPECT_EQ(read.name, full.name);
  EXPECT_EQ(read.anchor, Anchor::focus);
  EXPECT_DOUBLE_EQ(read.focus_x, full.focus_x);
  EXPECT_DOUBLE_EQ(read.focus_y, full.focus_y);
  EXPECT_EQ(read.fit, Fit::fill);
  EXPECT_EQ(read.enlarge, Enlarge::allow);
  EXPECT_EQ(read.format, Format::automatic);
  EXPECT_EQ(read.quality, 61);
  EXPECT_EQ(read.chroma, Chroma::full);
  EXPECT_EQ(read.scan, Scan::progressive);
  EXPECT_EQ(read.max_bytes, 123'456);
  EXPECT_EQ(read.background.blue, 254);
  EXPECT_DOUBLE_EQ(read.sharpen, 0.75);
  EXPECT_EQ(read.shades, Shades::coloured);
  EXPECT_EQ(read.metadata, Metadata::keep_copyright);
  EXPECT_EQ(read.recompress, Recompress::always);
  EXPECT_EQ(read.pixels, PixelShape::square);
  EXPECT_EQ(read.colours, Colours::keep);
  EXPECT_EQ(read.light, Light::as_stored);
  EXPECT_EQ(again->truncated, Truncated::accept);
  EXPECT_EQ(again->preset, "web");
}

TEST(Request, EveryAnchorAndFormatSurvivesItsWord) {
  for (const char* word : {"centre", "north", "north-east", "east", "south-east", "south",
                           "south-west", "west", "north-west", "attention", "entropy"}) {
    const auto anchor = parse_anchor(word);
    ASSERT_TRUE(anchor) << word;
    EXPECT_EQ(name_of(*anchor), word);
  }
  for (const char* word : {"jpeg", "png", "webp", "avif", "auto", "keep"}) {
    const auto format = parse_format(word);
    ASSERT_TRUE(format) << word;
    EXPECT_EQ(name_of(*format), word);
  }
}

TEST(Request, UnknownFieldsAreErrorsThatNameTheNearest) {
  EXPECT_EQ(complaint(R"({"rendition":[]})"),
            "unknown field 'rendition'; did you mean 'renditions'?");
  EXPECT_EQ(complaint(R"({"renditions":[{"widdth":3}]})"),
            "rendition 1: unknown field 'widdth'; did you mean 'width'?");
  EXPECT_EQ(complaint(R"({"renditions":[{},{"name":"b","path":"/etc/passwd"}]})"),
            "rendition 2: unknown field 'path'");
}

TEST(Request, ValuesOutOfBoundsAreErrorsThatSayTheBounds) {
  EXPECT_EQ(complaint(R"({"renditions":[{"width":8193}]})"),
            "rendition 1: 'width' takes pixels from 0 to 8192");
  EXPECT_EQ(complaint(R"({"renditions":[{"width":-1}]})"),
            "rendition 1: 'width' takes pixels from 0 to 8192");
  EXPECT_EQ(complaint(R"({"renditions":[{"width":18446744073709551615}]})"),
            "rendition 1: 'width' takes pixels from 0 to 8192");
  EXPECT_EQ(complaint(R"({"renditions":[{"width":"300"}]})"),
            "rendition 1: 'width' takes pixels from 0 to 8192");
  EXPECT_EQ(complaint(R"({"renditions":[{"quality":101}]})"),
            "rendition 1: 'quality' takes 1 to 100, or 0 for the format's default");
  EXPECT_EQ(complaint(R"({"renditions":[{"sharpen":10.5}]})"),
            "rendition 1: 'sharpen' takes a number from 0 to 10");
  EXPECT_EQ(complaint(R"({"renditions":[{"name":"../up"}]})"),
            "rendition 1: 'name' takes a name of a-z, 0-9, _ and -, at most 32 characters");
  EXPECT_EQ(complaint(R"({"renditions":[{"anchor":"focus"}]})"),
            "rendition 1: 'anchor' takes centre, north, north-east, ..., attention or entropy");
}

TEST(Request, AsAWholeMustMakeSense) {
  EXPECT_EQ(complaint(R"({"renditions":[]})"), "no rendition is asked for");
  EXPECT_EQ(complaint(R"({"renditions":[{},{}]})"), "two renditions are named 'thumb'");
  EXPECT_EQ(complaint(R"({"renditions":[{"width":0,"height":0}]})"),
            "rendition 'thumb': width and height are both free");
  EXPECT_EQ(complaint(R"({"renditions":[{"width":0,"fit":"fill"}]})"),
            "rendition 'thumb': fill, force and pad need both width and height");
  EXPECT_EQ(complaint(R"([1])"), "the request is not a JSON object");
  std::string many = R"({"renditions":[)";
  for (int i = 0; i < 17; ++i) many += (i == 0 ? "" : ",") + std::string("{}");
  EXPECT_EQ(complaint(many + "]}"), "more than 16 renditions");
}

TEST(Request, AnimatedIsForFormatsThatCanBeAndLeavesNoChoiceOfSize) {
  const auto asked = [](const std::string& more) {
    return R"({"renditions":[{"animated":true)" + more + "}]}";
  };
  const char* needs =
      "rendition 'thumb': only WebP can be animated: it needs format webp, auto or keep";
  EXPECT_EQ(complaint(asked("")), needs);
  for (const char* format : {"jpeg", "png", "avif"}) {
    EXPECT_EQ(complaint(asked(std::string(R"(,"format":")") + format + "\"")), needs) << format;
  }
  EXPECT_EQ(complaint(asked(R"(,"format":"webp","max_bytes":9)")),
            "rendition 'thumb': animated and max_bytes exclude each other");
  for (const char* format : {"webp", "auto", "keep"}) {
    EXPECT_TRUE(parse_request(asked(std::string(R"(,"format":")") + format + "\""), "x")) << format;
  }
}

TEST(Request, LosslessIsForFormatsThatCanBeAndLeavesNoChoiceOfSize) {
  for (const char* format : {"jpeg", "avif"}) {
    EXPECT_EQ(complaint(std::string(R"({"renditions":[{"lossless":true,"format":")") + format +
                        R"("}]})"),
              "rendition 'thumb': only WebP and PNG can be lossless");
  }
  EXPECT_EQ(complaint(R"({"renditions":[{"lossless":true,"format":"webp","max_bytes":9}]})"),
            "rendition 'thumb': lossless and max_bytes exclude each other");
  for (const char* format : {"webp", "png", "auto", "keep"}) {
    EXPECT_TRUE(parse_request(
        std::string(R"({"renditions":[{"lossless":true,"format":")") + format + R"("}]})", "x"))
        << format;
  }
}

TEST(Request, BuiltByHandIsCheckedTheSameWay) {
  Request request;
  request.renditions[0].focus_x = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(check(request));
  request = Request{};
  request.renditions[0].max_bytes = -1;
  EXPECT_FALSE(check(request));
  request = Request{};
  request.renditions[0].light = Light::linear;
  EXPECT_TRUE(check(request));
  request.renditions[0].colours = Colours::keep;
  EXPECT_FALSE(check(request));
  request.renditions[0].light = Light::as_stored;
  EXPECT_TRUE(check(request));
  request.renditions[0].shades = Shades::grey;
  EXPECT_FALSE(check(request));
  request.renditions[0].shades = Shades::coloured;
  request.renditions[0].fit = Fit::pad;
  EXPECT_FALSE(check(request));
  EXPECT_TRUE(check(Request{}));
}

// A value that each field takes as text, other than what it is without one.
std::string_view text_for(std::string_view field) {
  const std::pair<std::string_view, std::string_view> kTexts[] = {
      {"name", "wide"},        {"width", "640"},
      {"height", "480"},       {"size", "800x600"},
      {"fit", "fill"},         {"anchor", "north-east"},
      {"focus", "0.25,0.75"},  {"enlarge", "true"},
      {"format", "webp"},      {"quality", "61"},
      {"progressive", "true"}, {"chroma", "444"},
      {"max_bytes", "200kB"},  {"background", "#102030"},
      {"sharpen", "0.75"},     {"trim", "true"},
      {"watermark", "logo"},   {"grey", "true"},
      {"lossless", "true"},    {"keep_copyright", "true"},
      {"animated", "true"},    {"square_pixels", "true"},
      {"linear", "true"},      {"colours", "keep"},
      {"recompress", "true"}};
  for (const auto& [name, text] : kTexts) {
    if (name == field) return text;
  }
  return "";
}

TEST(RenditionFields, EachIsSetByATextAndStandsInTheRecord) {
  for (const RenditionField& field : kRenditionFields) {
    Request request;
    request.renditions[0].format = Format::automatic;  // which takes every other field
    const std::string before = to_json(request);
    ASSERT_TRUE(field.set(request.renditions[0], text_for(field.name))) << field.name;
    EXPECT_NE(to_json(request), before) << field.name;
    const auto again = parse_request(to_json(request), "x.job");
    ASSERT_TRUE(again) << field.name;
    EXPECT_EQ(to_json(*again), to_json(request)) << field.name;
  }
}

TEST(RenditionFields, EachRefusesATextThatItDoesNotTake) {
  Rendition rendition;
  for (const RenditionField& field : kRenditionFields) {
    const Status done = field.set(rendition, "No Such");
    ASSERT_FALSE(done) << field.name;
    EXPECT_EQ(done.error().action.find("'No Such' is not "), 0U) << field.name;
  }
}

TEST(RenditionFields, WordsThatAreOfferedAreTaken) {
  Rendition rendition;
  for (const RenditionField& field : kRenditionFields) {
    if (field.words == nullptr) continue;
    for (const std::string& word : split(field.words(), ' ')) {
      EXPECT_TRUE(field.set(rendition, word)) << field.name << " " << word;
    }
  }
  EXPECT_EQ(complaint(R"({"renditions":[{"fit":"cover"}]})"),
            "rendition 1: 'fit' takes fit, fill, force or pad");
  EXPECT_EQ(complaint(R"({"renditions":[{"format":"gif"}]})"),
            "rendition 1: 'format' takes jpeg, png, webp, avif, auto or keep");
}

TEST(Box, IsWidthHeightOrOneOfThem) {
  EXPECT_EQ(parse_box("500x400")->width_px, 500);
  EXPECT_EQ(parse_box("500x400")->height_px, 400);
  EXPECT_EQ(parse_box("800x")->height_px, 0);
  EXPECT_EQ(parse_box("x600")->width_px, 0);
  for (const char* text :
       {"", "x", "500", "0x0", "8193x1", "-1x5", "5x-1", "1x2x3", "5X5", "5x5 "}) {
    EXPECT_FALSE(parse_box(text)) << text;
  }
}

TEST(Colour, IsHexInBothLengthsOrAWord) {
  EXPECT_EQ(hex_of(*parse_colour("#FFffff")), "#ffffff");
  EXPECT_EQ(hex_of(*parse_colour("102030")), "#102030");
  EXPECT_EQ(hex_of(*parse_colour("#abc")), "#aabbcc");
  EXPECT_EQ(hex_of(*parse_colour("black")), "#000000");
  for (const char* text : {"", "#", "#12345", "#gggggg", "red;", "##fff", "#1234567"}) {
    EXPECT_FALSE(parse_colour(text)) << text;
  }
}

TEST(FocusPoint, LiesInTheImage) {
  EXPECT_DOUBLE_EQ(parse_focus("0.25,1")->x, 0.25);
  EXPECT_DOUBLE_EQ(parse_focus("0,0.5")->y, 0.5);
  for (const char* text : {"", ",", "0.5", "1.1,0", "0,-0.1", "nan,0", "inf,0", "0,0,0", "0;0",
                           "1e-1,0", "0.5, 0.5"}) {
    EXPECT_FALSE(parse_focus(text)) << text;
  }
}

TEST(Words, ThatAreUnknownAreRefusedWithTheKnownOnes) {
  EXPECT_EQ(parse_fit("cover").error().action,
            "'cover' is not a mode: use fit, fill, force or pad");
  EXPECT_FALSE(parse_format("gif"));
  EXPECT_FALSE(parse_anchor("focus"));
  EXPECT_FALSE(parse_anchor("up"));
}

}  // namespace
}  // namespace imgq
