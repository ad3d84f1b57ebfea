#include "src/util/json.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "src/util/digest.h"
#include "src/util/fd.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

TEST(Json, DepthOf32IsReadAnd33Refused) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_TRUE(parse_json(nested(32), "j"));
  EXPECT_FALSE(parse_json(nested(33), "j"));
  EXPECT_FALSE(parse_json(nested(30'000), "j"));
  EXPECT_TRUE(parse_json("\"" + nested(100) + "\"", "j"));
  EXPECT_TRUE(parse_json("\"\\\"" + nested(100) + "\"", "j"));
}

TEST(Json, TextOf64KiBIsReadAndMoreRefused) {
  EXPECT_TRUE(parse_json("\"" + std::string(kMaxJsonBytes - 2, 'x') + "\"", "j"));
  EXPECT_FALSE(parse_json("\"" + std::string(kMaxJsonBytes - 1, 'x') + "\"", "j"));
}

TEST(Json, AKeyTwiceInOneObjectIsRefusedAtAnyDepth) {
  EXPECT_FALSE(parse_json(R"({"a":1,"a":1})", "j"));
  EXPECT_FALSE(parse_json(R"([{"b":{"a":1,"c":2,"a":3}}])", "j"));
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":{"a":2}})", "j"));
}

TEST(Json, WhatIsNotJsonIsRefusedWithItsPlace) {
  for (const char* bad : {"", "{", "{]", "nul", "{\"a\":}", "1 2", "{'a':1}", "\"\xff\"", "[1,]",
                          "NaN", "]", "}", "\"\\u12\""}) {
    const auto read = parse_json(bad, "where");
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().path, "where");
    EXPECT_EQ(read.error().code, 0);
    EXPECT_EQ(read.error().action.find("not JSON from byte "), 0U) << read.error().action;
  }
  EXPECT_EQ(parse_json("[1e999]", "where").error().action, "JSON holds a number that is too large");
}

TEST(Json, GettersAnswerOnlyTheirOwnTypeAndRange) {
  const auto object = parse_json(
      R"({"t":"x","i":5,"n":2.5,"b":true,"big":18446744073709551615,"neg":-7,"null":null})", "j");
  ASSERT_TRUE(object);
  EXPECT_EQ(text_in(*object, "t"), "x");
  EXPECT_FALSE(text_in(*object, "i"));
  EXPECT_FALSE(text_in(*object, "missing"));
  EXPECT_EQ(integer_in(*object, "i", 0, 5), 5);
  EXPECT_FALSE(integer_in(*object, "i", 0, 4));
  EXPECT_FALSE(integer_in(*object, "n", 0, 10));
  EXPECT_FALSE(integer_in(*object, "b", 0, 10));
  EXPECT_FALSE(integer_in(*object, "big", 0, INT64_MAX));
  EXPECT_EQ(integer_in(*object, "neg", INT64_MIN, 0), -7);
  EXPECT_EQ(number_in(*object, "n", 0, 10), 2.5);
  EXPECT_EQ(number_in(*object, "i", 0, 10), 5);
  EXPECT_FALSE(number_in(*object, "n", 3, 10));
  EXPECT_FALSE(number_in(*object, "t", 0, 10));
  EXPECT_EQ(truth_in(*object, "b"), true);
  EXPECT_FALSE(truth_in(*object, "i"));
  EXPECT_EQ(member(*object, "missing"), nullptr);
  EXPECT_NE(member(*object, "null"), nullptr);
  EXPECT_EQ(member(Json::array(), "x"), nullptr);
  EXPECT_FALSE(text_in(Json(5), "x"));
}

TEST(Json, WritingNeverThrows) {
  EXPECT_EQ(dump_json(Json("a\xff")), "\"a\xEF\xBF\xBD\"");
  EXPECT_EQ(dump_json(Json("ä")), "\"ä\"");
}

TEST(Percent, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::string text = percent_encode(all);
  for (const char c : text) EXPECT_TRUE(c >= 0x21 && c <= 0x7e);
  EXPECT_EQ(percent_decode(text), all);
  EXPECT_EQ(percent_encode("photo.jpg"), "photo.jpg");
  EXPECT_EQ(percent_encode("a b%\n"), "a%20b%25%0A");
}

TEST(Percent, BadEscapesAreRefused) {
  for (const char* bad : {"%", "a%", "%4", "%zz", "%0a", "x%4"}) EXPECT_FALSE(percent_decode(bad));
}

TEST(Digest, KnowsTheAnswersOfTheStandard) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, AFileHasTheDigestOfItsBytesFromItsStart) {
  const lab::Scratch scratch;
  const std::string bytes(300'000, 'x');
  lab::write_file(scratch / "f", bytes);
  const Fd file(sys::openat(AT_FDCWD, (scratch / "f").c_str(), O_RDONLY));
  char skipped[100];
  ASSERT_EQ(sys::read(file.get(), skipped, sizeof skipped), 100);
  EXPECT_EQ(*sha256_of_file(file.get(), "f"), sha256_hex(bytes));
}

TEST(Digest, AReadErrorIsAnErrorAndNoDigest) {
  const lab::Scratch scratch;
  const faults::Scope scope;
  lab::write_file(scratch / "f", "x");
  const Fd file(sys::openat(AT_FDCWD, (scratch / "f").c_str(), O_RDONLY));
  faults::add({.call = "pread", .code = EIO, .skip = 1});
  EXPECT_EQ(lab::code_of(sha256_of_file(file.get(), "f")), EIO);
}

TEST(Error, ReadsAsOneLineForPeople) {
  EXPECT_EQ((Error{ENOSPC, "move to processing", "staging/x"}).text(),
            "cannot move to processing: staging/x: No space left on device");
  EXPECT_EQ((Error{0, "digest differs", "a.job"}).text(), "digest differs: a.job");
  EXPECT_EQ((Error{EIO, "sync", ""}).text(), "cannot sync: Input/output error");
  EXPECT_EQ((Error{0, "too deep", ""}).text(), "too deep");
}

TEST(Error, PausingAndAmbiguousErrorsAreToldApart) {
  for (const int code : {ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE}) {
    EXPECT_TRUE(is_pausing({code, "", ""}));
    EXPECT_FALSE(is_ambiguous({code, "", ""}));
  }
  for (const int code : {EIO, EBADFD, ESHUTDOWN, ENOTCONN, ESTALE}) {
    EXPECT_TRUE(is_ambiguous({code, "", ""}));
    EXPECT_FALSE(is_pausing({code, "", ""}));
  }
  EXPECT_FALSE(is_pausing({ENOENT, "", ""}) || is_ambiguous({0, "", ""}));
}

TEST(Fd, ClosesWhatItOwnsOnceAndMovesIt) {
  const lab::Scratch scratch;
  lab::write_file(scratch / "f", "x");
  int raw = -1;
  {
    Fd first(sys::openat(AT_FDCWD, (scratch / "f").c_str(), O_RDONLY));
    raw = first.get();
    Fd second(std::move(first));
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_EQ(second.get(), raw);
    EXPECT_NE(::fcntl(raw, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(::fcntl(raw, F_GETFD), -1);
  Fd third(sys::openat(AT_FDCWD, (scratch / "f").c_str(), O_RDONLY));
  EXPECT_EQ(third.close_checked(), 0);
  EXPECT_FALSE(third);
}

}  // namespace
}  // namespace imgq
