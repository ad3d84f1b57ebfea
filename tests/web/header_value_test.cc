#include "src/http/header_value.h"

#include <gtest/gtest.h>

#include "src/util/base64.h"

namespace imgq::web {
namespace {

TEST(HeaderValue, ABoundaryIsFoundAmongOtherParameters) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=B; charset=utf-8"), "B");
  EXPECT_EQ(multipart_boundary("multipart/form-data; charset=utf-8; BOUNDARY=\"a b\""), "a b");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data;boundary=--x"), "--x");
}

TEST(HeaderValue, BadBoundariesAreRefused) {
  for (const char* type :
       {"multipart/form-data", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a", "multipart/mixed; boundary=B",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=a@b",
        "text/plain; boundary=B", "multipart/form-data; boundary=\"a\"b\"",
        "multipart/form-data; boundary=\"a\\\"", "multipart/form-data; boundary=a; boundary=b"}) {
    EXPECT_EQ(multipart_boundary(type), std::nullopt) << type;
  }
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'a')),
            std::nullopt);
  EXPECT_NE(multipart_boundary("multipart/form-data; boundary=" + std::string(70, 'a')),
            std::nullopt);
}

TEST(HeaderValue, AValueOfMegabytesTakesNoStack) {
  const auto read = parse_parameters("form-data; name=\"" + std::string(4 << 20, '\\') + "\"");
  ASSERT_TRUE(read);
  EXPECT_EQ(find_in(read->pairs, "name")->size(), size_t{2} << 20);
  std::string quotes;
  while (quotes.size() < size_t{4} << 20) quotes += "\";a ";
  EXPECT_FALSE(parse_parameters("form-data; name=\"" + quotes));
  EXPECT_FALSE(decode_ext_value("UTF-8''" + std::string(4 << 20, '%')));
}

TEST(HeaderValue, Base64IsDecodedStrictly) {
  EXPECT_EQ(base64_decoded("dXNlcjp0b2tlbg=="), "user:token");
  EXPECT_EQ(base64_decoded("dXNlcjp0b2tlbg"), "user:token");
  EXPECT_EQ(base64_decoded(""), "");
  EXPECT_EQ(base64_decoded("dXN*"), std::nullopt);
}

}  // namespace
}  // namespace imgq::web
