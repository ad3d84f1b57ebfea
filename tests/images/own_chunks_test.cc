// The same of PNG and WebP: of their chunks those of the picture go out, where nothing else is in
// them.
#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "src/image/own_coding.h"
#include "tests/images/own_coding.h"

namespace imgq::made {
namespace {

// --- PNG, byte by byte

Bytes deflated(const Bytes& data) {
  Bytes out(compressBound(data.size()));
  uLongf size = out.size();
  EXPECT_EQ(compress2(out.data(), &size, data.data(), data.size(), 9), Z_OK);
  out.resize(size);
  return out;
}

// The rows of 64 by 64 pixels of one bit: noise, and below it in each row the one above, every byte
// of it 0x35 more, as the filter "up" tells it in next to nothing. Interlaced in seven passes.
Bytes climbing_rows(const std::vector<std::pair<int, int>>& passes) {
  Bytes out;
  uint32_t state = 1;
  for (const auto& [rows, bytes] : passes) {
    for (int y = 0; y < rows; ++y) {
      out.push_back(y == 0 ? 0 : 2);
      for (int i = 0; i < bytes; ++i) {
        state = state * 1664525 + 1013904223;
        out.push_back(y == 0 ? static_cast<uint8_t>(state >> 24) : 0x35);
      }
    }
  }
  return out;
}

const std::vector<std::pair<int, int>> kRows{{64, 8}},
    kAdam7{{8, 1}, {8, 1}, {8, 2}, {16, 2}, {16, 4}, {32, 4}, {32, 8}};

using Chunks = std::vector<std::pair<std::string, Bytes>>;

Bytes png_of(const Chunks& chunks) {
  Bytes out = plus_text(Bytes{0x89}, std::string("PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82", 19));
  for (const auto& [name, data] : chunks) out = with_chunk(std::move(out), name, data, "IEND");
  return out;
}

Bytes header(int depth, int colour, int interlaced) {
  return {0,
          0,
          0,
          64,
          0,
          0,
          0,
          64,
          static_cast<uint8_t>(depth),
          static_cast<uint8_t>(colour),
          0,
          0,
          static_cast<uint8_t>(interlaced)};
}

const Bytes kText = plus_text({}, std::string("Comment\0Secret", 14));

TEST_F(ImageTest, APngThatWouldGrowIsItsOwnDataWithoutTheRest) {
  const Bytes rows = deflated(climbing_rows(kRows)), woven = deflated(climbing_rows(kAdam7));
  const Bytes first(rows.begin(), rows.begin() + 20), rest(rows.begin() + 20, rows.end());
  const Bytes two_colours{200, 30, 30, 30, 30, 200};
  const std::vector<Chunks> kBare{
      {{"IHDR", header(1, 0, 0)}, {"IDAT", rows}},
      {{"IHDR", header(1, 0, 1)}, {"IDAT", woven}},
      {{"IHDR", header(1, 0, 0)}, {"IDAT", first}, {"IDAT", {}}, {"IDAT", rest}},
      {{"IHDR", header(1, 0, 0)}, {"tRNS", {0, 1}}, {"IDAT", rows}},
      {{"IHDR", header(1, 3, 0)}, {"PLTE", two_colours}, {"tRNS", {0, 99}}, {"IDAT", rows}},
  };
  for (const Chunks& bare : kBare) {
    Chunks more = bare;
    more.insert(more.begin() + 1, {"tEXt", kText});
    more.insert(more.end(), {"tEXt", kText});
    expect_kept(plus_text(png_of(more), "SecretBehindTheEnd"), Format::png, png_of(bare));
    expect_kept(png_of(bare), Format::keep, png_of(bare));
  }
}

// Whatever a decoder passes over must not be passed on.
TEST_F(ImageTest, APngWithMoreThanItsPictureIsMadeAnew) {
  const Bytes shown = climbing_rows(kRows), rows = deflated(shown);
  const Bytes more_rows = deflated(plus_text(shown, "SecretSecretSecret"));
  const Bytes behind = plus_text(rows, "SecretThatStandsBehindTheStream");
  const std::pair<std::string, Bytes> head{"IHDR", header(1, 0, 0)}, data{"IDAT", rows},
      hidden{"IDAT", plus_text({}, "Secret")}, pair{"PLTE", {200, 30, 30, 30, 30, 200}},
      palette_head{"IHDR", header(1, 3, 0)};
  const auto bare = [](const Chunks& chunks) {
    return !image::own_coding(Kind::png, png_of(chunks), {}).empty();
  };
  EXPECT_TRUE(bare({head, data}));
  EXPECT_TRUE(bare({palette_head, pair, data}));
  const std::vector<std::pair<const char*, Chunks>> kOdd{
      {"behind the stream", {head, {"IDAT", behind}}},
      {"in the stream", {head, {"IDAT", more_rows}}},
      {"in one more chunk", {head, data, hidden}},
      {"in one more chunk apart", {head, data, {"tEXt", kText}, hidden}},
      {"in a palette of grey", {head, {"PLTE", plus_text({}, "Secret")}, data}},
      {"in a palette that is too long",
       {palette_head, {"PLTE", plus_text(pair.second, "Sec")}, data}},
      {"in a second transparency", {head, {"tRNS", {0, 1}}, {"tRNS", plus_text({}, "Se")}, data}},
      {"in a transparency that is too long", {head, {"tRNS", plus_text({}, "Secret")}, data}},
      {"in a late transparency", {head, data, {"tRNS", plus_text({}, "Se")}}},
      {"in a transparency of more colours",
       {palette_head, pair, {"tRNS", plus_text({}, "Sec")}, data}},
  };
  for (const auto& [where, chunks] : kOdd) EXPECT_FALSE(bare(chunks)) << where;
  Bytes damaged = png_of({head, data});
  damaged[damaged.size() - 16 - 4] ^= 1;  // within the stream's own checksum
  EXPECT_TRUE(image::own_coding(Kind::png, damaged, {}).empty());
  damaged = png_of({head, data});
  damaged.back() ^= 1;  // within the checksum of its end
  EXPECT_TRUE(image::own_coding(Kind::png, damaged, {}).empty());
}

TEST_F(ImageTest, APngMadeAnewIsNoLargerThanLibpngsOwn) {
  const Bytes source = png(scenery(200, 150));
  Rendition r = whole_as(Format::png);
  r.recompress = Recompress::always;
  const Rendered made = render(source, r);
  EXPECT_LE(made.files.at(0).size(), source.size());
  EXPECT_TRUE(near(made.pixels(), read(source), 0));
}

TEST_F(ImageTest, APngThatIsNotAsResultsAreIsMadeAnew) {
  PngSpec deep, wide;
  deep.depth = 16;
  wide.extras.icc = display_p3();
  Pixels pixels = scenery(320, 240);
  expect_made_anew(png(pixels, wide), whole_as(Format::png), "Display P3");
  for (uint16_t& sample : pixels.data) sample = static_cast<uint16_t>(sample * 257);
  expect_made_anew(png(pixels, deep), whole_as(Format::png), "16 bits");
  Bytes animated = png_of({{"IHDR", header(1, 0, 0)},
                           {"acTL", {0, 0, 0, 2, 0, 0, 0, 0}},
                           {"IDAT", deflated(climbing_rows(kRows))}});
  expect_made_anew(animated, whole_as(Format::png), "animated");
}

// --- WebP

uint32_t le32(const Bytes& file, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | file.at(at + i);
  return value;
}

// The chunks of a RIFF file by their names.
Chunks chunks_of(const Bytes& file) {
  Chunks out;
  for (size_t at = 12; at < file.size();) {
    const auto begin = file.begin() + static_cast<ptrdiff_t>(at);
    const auto size = le32(file, at + 4);
    out.emplace_back(std::string(begin, begin + 4), Bytes(begin + 8, begin + 8 + size));
    at += 8 + size + size % 2;
  }
  EXPECT_EQ(le32(file, 4), file.size() - 8);
  return out;
}

Bytes chunk_named(const Bytes& file, const std::string& name) {
  for (const auto& [found, data] : chunks_of(file)) {
    if (found == name) return data;
  }
  return {};
}

std::string names_in(const Bytes& file) {
  std::string names;
  for (const auto& [name, data] : chunks_of(file)) names += name + ";";
  return names;
}

Pixels see_through(const Pixels& from) {
  Pixels out(from.width, from.height, 4);
  for (int y = 0; y < from.height; ++y) {
    for (int x = 0; x < from.width; ++x) {
      for (int b = 0; b < 3; ++b) out.at(x, y, b) = from.at(x, y, b);
      out.at(x, y, 3) = static_cast<uint16_t>(x * 255 / from.width);
    }
  }
  return out;
}

// A chunk more at the end of a WebP with an extended header, which counts it.
Bytes with_more(Bytes file, const std::string& name, const Bytes& data) {
  file = plus_text(std::move(file), name);
  const auto size = static_cast<uint32_t>(data.size());
  for (int i = 0; i < 4; ++i) file.push_back(static_cast<uint8_t>(size >> (8 * i)));
  file.insert(file.end(), data.begin(), data.end());
  if (size % 2 != 0) file.push_back(0);
  for (int i = 0; i < 4; ++i) {
    file[4 + static_cast<size_t>(i)] = static_cast<uint8_t>((file.size() - 8) >> (8 * i));
  }
  return file;
}

WebpSpec small_webp() {
  WebpSpec spec;
  spec.lossless = false;
  spec.quality = 5;
  spec.extras = secret_extras();
  return spec;
}

TEST_F(ImageTest, AWebpThatWouldGrowIsItsImageChunksAlone) {
  const Bytes plain = webp(scenery(320, 240), small_webp());
  const Bytes alpha = webp(see_through(scenery(320, 240)), small_webp());
  ASSERT_EQ(names_in(plain), "VP8X;VP8 ;EXIF;");
  ASSERT_EQ(names_in(alpha), "VP8X;ALPH;VP8 ;EXIF;");
  for (const Bytes& source : {plain, alpha, plus_text(alpha, "SecretBehindTheEnd")}) {
    const Rendered made = render(source, whole_as(Format::webp));
    const Bytes& file = made.files.at(0);
    const bool has_alpha = holds_word(source, "ALPH");
    EXPECT_EQ(made.verdict.notes, kKept);
    EXPECT_EQ(names_in(file), has_alpha ? "VP8X;ALPH;VP8 ;" : "VP8 ;");
    EXPECT_EQ(chunk_named(file, "VP8 "), chunk_named(has_alpha ? alpha : plain, "VP8 "));
    EXPECT_EQ(chunk_named(file, "ALPH"), chunk_named(has_alpha ? alpha : plain, "ALPH"));
    EXPECT_TRUE(near(read(file), read(source), 0));
    EXPECT_FALSE(holds_word(file, "Secret"));
  }
  Rendition r = whole_as(Format::webp);
  r.metadata = Metadata::keep_copyright;
  const Bytes kept = render(alpha, r).files.at(0);
  EXPECT_EQ(names_in(kept), "VP8X;ALPH;VP8 ;EXIF;");
  EXPECT_TRUE(holds_word(kept, "SecretArtist"));
  EXPECT_FALSE(holds_word(kept, "SecretModel"));
}

TEST_F(ImageTest, ALosslessWebpStaysSoWhereALossyOneWouldBeLarger) {
  WebpSpec spec;
  spec.extras = secret_extras();
  Pixels stripes = filled(300, 200, {255, 255, 255});
  for (size_t i = 0; i < stripes.data.size(); ++i) {
    stripes.data[i] = static_cast<uint16_t>(i / 3 % 7 == 0 ? 0 : 255);
  }
  const Bytes source = webp(stripes, spec);
  const Rendered made = render(source, whole_as(Format::webp));
  EXPECT_EQ(made.verdict.notes, kKept);
  EXPECT_EQ(names_in(made.files.at(0)), "VP8L;");
  EXPECT_EQ(chunk_named(made.files[0], "VP8L"), chunk_named(source, "VP8L"));
}

// The header goes before what the image says: such alpha is not shown, and must not appear.
TEST_F(ImageTest, AWebpWithAlphaThatItsHeaderDoesNotTellOfIsMadeAnew) {
  WebpSpec spec;
  spec.extras = secret_extras();
  Bytes source = webp(see_through(filled(300, 200, {255, 255, 255})), spec);
  ASSERT_EQ(names_in(source), "VP8X;VP8L;EXIF;");
  EXPECT_EQ(names_in(image::own_coding(Kind::webp, source, {})), "VP8X;VP8L;");
  source[20] &= 0xef;
  EXPECT_TRUE(image::own_coding(Kind::webp, source, {}).empty());
}

TEST_F(ImageTest, AWebpOfMoreThanOnePictureIsMadeAnew) {
  const Bytes plain = webp(scenery(320, 240), small_webp());
  const Bytes other = chunk_named(webp(scenery(32, 32), small_webp()), "VP8 ");
  for (const char* more : {"VP8 ", "VP8L", "ALPH", "ANMF"}) {
    EXPECT_TRUE(image::own_coding(Kind::webp, with_more(plain, more, other), {}).empty()) << more;
  }
  EXPECT_EQ(names_in(image::own_coding(Kind::webp, with_more(plain, "what", other), {})), "VP8 ;");
  const Pixels frame = filled(64, 64, {10, 200, 30});
  expect_made_anew(animated_webp({frame, scenery(64, 64)}), whole_as(Format::webp), "animated");
}

}  // namespace
}  // namespace imgq::made
