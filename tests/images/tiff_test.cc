// TIFFs of many kinds, made byte by byte.
#include <cstring>
#include <map>
#include <vector>

#include "src/image/container.h"
#include "tests/images/rendered.h"

namespace imgq::made {
namespace {

constexpr uint32_t kSide = 24;

void put(Bytes* out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// One page of kSide by kSide: the tags that differ from a grey one of bytes, and its samples.
struct Page {
  std::map<uint32_t, uint32_t> tags;
  Bytes samples;
};

std::map<uint32_t, uint32_t> tags_of(const Page& page, uint32_t data_at) {
  std::map<uint32_t, uint32_t> tags{
      {256, kSide}, {257, kSide}, {258, 8},
      {259, 1},     {262, 1},     {273, data_at},
      {277, 1},     {278, kSide}, {279, static_cast<uint32_t>(page.samples.size())}};
  for (const auto& [tag, value] : page.tags) tags[tag] = value;
  return tags;
}

Bytes tiff_of(const std::vector<Page>& pages) {
  Bytes out{'I', 'I', '*', 0, 8, 0, 0, 0};
  for (size_t i = 0; i < pages.size(); ++i) {
    const auto count = static_cast<uint32_t>(tags_of(pages[i], 0).size());
    const auto data_at = static_cast<uint32_t>(out.size()) + 2 + 12 * count + 4;
    put(&out, count, 2);
    for (const auto& [tag, value] : tags_of(pages[i], data_at)) {
      put(&out, tag, 2);
      put(&out, 4, 2);
      put(&out, 1, 4);
      put(&out, value, 4);
    }
    put(&out, i + 1 < pages.size() ? data_at + pages[i].samples.size() : 0, 4);
    out.insert(out.end(), pages[i].samples.begin(), pages[i].samples.end());
  }
  return out;
}

Bytes repeated(const Bytes& pixel) {
  Bytes out;
  for (uint32_t i = 0; i < kSide * kSide; ++i) out.insert(out.end(), pixel.begin(), pixel.end());
  return out;
}

Bytes floats(const std::vector<float>& values) {
  Bytes out;
  for (const float value : values) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    put(&out, bits, 4);
  }
  return out;
}

Code code_of(const Page& page) { return render(tiff_of({page}), lossless()).verdict.code; }

class Tiff : public ImageTest {};

TEST_F(Tiff, OfFloatsShowsThemAsTheyAreStored) {
  for (const float value : {0.0F, 0.25F, 0.341F, 1.0F, 7.0F, -1.0F}) {
    const Page page{{{258, 32}, {339, 3}}, repeated(floats({value}))};
    const Rendered made = render(tiff_of({page}), lossless());
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_NEAR(made.pixels().at(5, 5), 255 * std::min(std::max(value, 0.0F), 1.0F), 1) << value;
  }
  const Page colour{{{258, 32}, {262, 2}, {277, 3}, {339, 3}},
                    repeated(floats({0.8F, 0.4F, 0.2F}))};
  const Rendered made = render(tiff_of({colour}), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_TRUE(shows(made.pixels(), 5, 5, {204, 102, 51}, 1));
}

TEST_F(Tiff, OfAKindThatNobodyHereReadsRightIsUnsupportedNotDamaged) {
  const Page half{{{258, 16}, {339, 3}}, repeated({0, 60})};
  const Page whole{{{258, 32}}, repeated({0, 0, 0, 128})};
  const Page icc_lab{{{262, 9}, {277, 3}}, repeated({128, 128, 128})};
  const Page lab{{{262, 8}, {277, 3}}, repeated({128, 0, 0})};
  const Page complex{{{258, 64}, {339, 6}}, repeated({0, 0, 0, 0, 0, 0, 0, 0})};
  const Page twelve{{{258, 12}}, repeated({0, 0})};
  const Page old_jpeg{{{259, 6}}, repeated({0})};
  const Page subsampled{{{262, 6}, {277, 3}}, repeated({0, 0, 0})};
  const Page planes{{{262, 2}, {277, 3}, {284, 2}, {322, 16}, {323, 16}}, repeated({0, 0, 0})};
  const Page raw{{{262, 32803}}, repeated({0})};
  for (const Page& page :
       {half, whole, icc_lab, lab, complex, twelve, old_jpeg, subsampled, planes, raw}) {
    EXPECT_EQ(code_of(page), Code::unsupported_format) << page.tags.begin()->first;
  }
}

TEST_F(Tiff, OfACameraIsNotItsPreview) {
  const Page preview{{{254, 1}}, repeated({9})};
  EXPECT_EQ(code_of({{{254, 1}, {330, 8}}, repeated({9})}), Code::unsupported_format);
  EXPECT_EQ(code_of({{{50706, 0x00000401}}, repeated({9})}), Code::unsupported_format);
  const Rendered made = render(tiff_of({preview, {{}, repeated({200})}}), lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.pixels().at(5, 5), 200);
}

// Of a fax: 204 pixels an inch across, 98 down.
TEST_F(Tiff, PixelsOfAFaxAreMadeSquare) {
  Page page{{}, repeated({200})};
  const auto count = static_cast<uint32_t>(tags_of(page, 0).size()) + 2;
  const uint32_t rational_at = 8 + 2 + 12 * count + 4 + kSide * kSide;
  page.tags = {{282, rational_at}, {283, rational_at + 8}};
  Bytes file = tiff_of({page});
  for (size_t at = 10; at + 12 < file.size() && at < 10 + size_t{12} * count; at += 12) {
    if (file[at] + 256 * file[at + 1] >= 282) file[at + 2] = 5;  // RATIONAL
  }
  for (const uint32_t number : {204U, 1U, 98U, 1U}) put(&file, number, 4);
  const Rendered made = render(file, lossless());
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.pixels().width, 24);
  EXPECT_EQ(made.pixels().height, 50);
}

TEST_F(Tiff, ASampleThatIsNotSaidToBeAlphaIsNone) {
  for (const uint32_t extra : {0U, 2U}) {
    const Page page{{{262, 2}, {277, 4}, {338, extra}}, repeated({220, 30, 30, 0})};
    Rendition r = lossless();
    const Rendered made = render(tiff_of({page}), r);
    ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
    EXPECT_EQ(made.pixels().bands, extra == 0 ? 3 : 4);
    EXPECT_EQ(made.verdict.source.alpha, extra != 0);
  }
}

// ITU T.6: white lines below white ones take a bit each; behind them stands EOFB.
TEST_F(Tiff, AFaxWithALineThatCannotBeReadIsDamaged) {
  const std::map<uint32_t, uint32_t> fax{{258, 1}, {259, 4}, {262, 0}};
  EXPECT_EQ(code_of({fax, {0xFF, 0xFF, 0xFF, 0x00, 0x10, 0x01}}), Code::ok);
  EXPECT_EQ(code_of({fax, {0xFF, 0x03, 0xFF, 0x00, 0x10, 0x01}}), Code::corrupt_image);
}

// libtiff reports them as errors, and leaves them out.
TEST_F(Tiff, ATagWithAValueThatIsNoneIsNoDamage) {
  for (const auto& [tag, value] : std::map<uint32_t, uint32_t>{{266, 3}, {274, 9}, {296, 9}}) {
    EXPECT_EQ(code_of({{{tag, value}}, repeated({77})}), Code::ok) << tag;
  }
}

TEST_F(Tiff, CutOrEmptyTellsWhatItIs) {
  const Bytes file = tiff_of({{{}, repeated({77})}});
  EXPECT_EQ(render(Bytes(file.begin(), file.end() - 100), lossless()).verdict.code,
            Code::truncated);
  // A directory whose values stand behind its pixels.
  Page page{{{282, 0}}, repeated({77})};
  Bytes behind = tiff_of({page});
  const size_t value_at = behind.size();
  for (size_t at = 10; behind[at] + 256 * behind[at + 1] < 283; at += 12) {
    if (behind[at] + 256 * behind[at + 1] != 282) continue;
    behind[at + 2] = 5;  // RATIONAL
    behind[at + 8] = static_cast<uint8_t>(value_at);
    behind[at + 9] = static_cast<uint8_t>(value_at >> 8);
    break;
  }
  for (const uint32_t number : {72U, 1U}) put(&behind, number, 4);
  EXPECT_FALSE(image::is_cut_short(Kind::tiff, behind));
  EXPECT_TRUE(image::is_cut_short(Kind::tiff, image::View(behind).first(behind.size() - 1)));
  const Bytes empty{'I', 'I', '*', 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(render(empty, lossless()).verdict.code, Code::corrupt_image);
}

}  // namespace
}  // namespace imgq::made
