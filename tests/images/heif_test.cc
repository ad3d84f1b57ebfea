// The size and colour of a HEIC or AVIF file, read from its boxes before libheif sees it.
#include "src/image/heif.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace imgq::image {
namespace {

using namespace std::string_literals;

std::string number(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string box(const std::string& type, const std::string& body) {
  return number(body.size() + 8, 4) + type + body;
}

std::string wide_box(const std::string& type, const std::string& body) {
  return number(1, 4) + type + number(body.size() + 16, 8) + body;
}

std::string full_box(const std::string& type, uint32_t version_and_flags, const std::string& body) {
  return box(type, number(version_and_flags, 4) + body);
}

std::string ispe(uint32_t width, uint32_t height) {
  return full_box("ispe", 0, number(width, 4) + number(height, 4));
}

// A colour, the size of a thumbnail, and the size of the picture.
std::string properties() {
  return box("ipco", box("colr", "nclx" + number(12, 2) + number(16, 2) + number(9, 2) + "\x80") +
                         ispe(160, 120) + ispe(4032, 3024));
}

struct Form {
  const char* name;
  uint32_t pitm_version, ipma_version_and_flags;
};

// Item 1 is a thumbnail, item 2 the primary one.
std::string associations(const Form& form) {
  const int id = form.ipma_version_and_flags >> 24 == 0 ? 2 : 4;
  const int bytes = (form.ipma_version_and_flags & 1) == 0 ? 1 : 2;
  const uint64_t essential = bytes == 1 ? 0x80 : 0x8000;
  const auto entry = [&](uint64_t item, uint64_t size) {
    return number(item, id) + number(2, 1) + number(essential | 1, bytes) + number(size, bytes);
  };
  return full_box("ipma", form.ipma_version_and_flags, number(2, 4) + entry(1, 2) + entry(2, 3));
}

std::string file(const Form& form) {
  const std::string primary =
      full_box("pitm", form.pitm_version << 24, number(2, form.pitm_version == 0 ? 2 : 4));
  return box("ftyp", "avif") +
         full_box("meta", 0, primary + box("iprp", properties() + associations(form)));
}

Container read(const std::string& text) {
  Container out;
  read_heif_properties({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, &out);
  return out;
}

class EachForm : public testing::TestWithParam<Form> {};

TEST_P(EachForm, GivesSizeAndColourOfThePrimaryItem) {
  const Container found = read(file(GetParam()));
  EXPECT_EQ(found.width, 4032);
  EXPECT_EQ(found.height, 3024);
  EXPECT_EQ(found.colour.points.primaries, 12U);
  EXPECT_EQ(found.colour.points.transfer, 16U);
  EXPECT_EQ(found.matrix, 9U);
}

TEST_P(EachForm, CutAnywhereGivesNoSize) {
  const std::string whole = file(GetParam());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(read(whole.substr(0, size)).width, 0) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Heif, EachForm,
                         testing::Values(Form{"short", 0, 0}, Form{"wide_items", 1, 1U << 24},
                                         Form{"wide_properties", 0, 1}),
                         [](const auto& test) { return test.param.name; });

TEST(HeifSize, IsFoundInBoxesOfALongSizeAndInOneThatLastsToTheEnd) {
  const std::string primary = full_box("pitm", 0, number(2, 2));
  const std::string meta =
      number(0, 4) + primary + wide_box("iprp", properties() + associations({"", 0, 0}));
  EXPECT_EQ(read(wide_box("meta", meta)).width, 4032);
  EXPECT_EQ(read(number(0, 4) + "meta" + meta).width, 4032);
}

TEST(HeifSize, IsNotReadFromAPropertyThatIsNotThere) {
  const std::string primary = full_box("pitm", 0, number(2, 2));
  const std::string past_the_end =
      full_box("ipma", 0, number(1, 4) + number(2, 2) + number(2, 1) + "\x00\x09"s);
  EXPECT_EQ(read(full_box("meta", 0, primary + box("iprp", properties() + past_the_end))).width, 0);
}

}  // namespace
}  // namespace imgq::image
