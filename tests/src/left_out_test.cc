#include "src/supervise/left_out.h"

#include <gtest/gtest.h>

namespace imgq::supervise {
namespace {

size_t told(LeftOutNames& names, const std::vector<LeftOut>& found, int64_t now_ms) {
  return names.to_tell(found, now_ms).size();
}

TEST(LeftOutNames, EachIsToldOfOnceUntilItHasGone) {
  LeftOutNames names;
  const std::vector<LeftOut> found = {{"holiday", "it is a folder"}};
  EXPECT_EQ(told(names, found, 0), 1U);
  EXPECT_EQ(told(names, found, 100'000), 0U);
  EXPECT_EQ(told(names, {{"holiday", "it is a symbolic link"}}, 100'000), 1U);
  EXPECT_EQ(told(names, {}, 100'000), 0U);
  EXPECT_EQ(told(names, found, 100'000), 1U);
}

TEST(LeftOutNames, AnUploadIsToldOfOnlyWhenItStays) {
  LeftOutNames names;
  const std::vector<LeftOut> found = {{"a.part", "its name", true}};
  EXPECT_EQ(told(names, found, 1000), 0U);
  EXPECT_EQ(told(names, found, 60'999), 0U);
  EXPECT_EQ(told(names, found, 61'000), 1U);
  EXPECT_EQ(told(names, found, 200'000), 0U);
}

}  // namespace
}  // namespace imgq::supervise
