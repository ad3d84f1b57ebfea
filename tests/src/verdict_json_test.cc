#include <gtest/gtest.h>

#include <array>
#include <iterator>
#include <random>
#include <set>

#include "src/base/limits.h"
#include "src/base/request.h"
#include "src/base/verdict.h"
#include "src/base/wire.h"
#include "src/util/json.h"

namespace imgq {
namespace {

Verdict good() {
  Verdict verdict;
  verdict.code = Code::ok;
  verdict.source = {4000, 3000, "jpeg", false, 6, "Display P3", 1, 3'456'789, "EwkSFIR="};
  verdict.results = {{"thumb", 500, 375, 27'337, "jpeg", 80, true},
                     {"big", 1280, 960, 99'000, "webp", 40, false}};
  verdict.notes = {"profile_ignored"};
  verdict.decode_ms = 12.5;
  verdict.total_ms = 40.25;
  verdict.peak_kib = 31'396;
  return verdict;
}

constexpr Code kAllCodes[] = {
    Code::ok,
    Code::empty_file,
    Code::not_an_image,
    Code::unsupported_format,
    Code::format_not_enabled,
    Code::truncated,
    Code::corrupt_image,
    Code::file_too_large,
    Code::too_many_pixels,
    Code::side_too_long,
    Code::too_many_frames,
    Code::too_large,
    Code::bad_request,
    Code::result_too_large,
    Code::source_missing,
    Code::poison,
    Code::cancelled,
    Code::crashed,
    Code::timed_out,
    Code::out_of_memory,
    Code::io_error,
    Code::lost,
    Code::wrong_result,
    Code::internal_error,
};

TEST(Codes, EachHasItsOwnNameThatLeadsBackToIt) {
  std::set<std::string_view> names;
  for (const Code code : kAllCodes) {
    EXPECT_TRUE(names.insert(name_of(code)).second) << name_of(code);
    ASSERT_TRUE(code_named(name_of(code)));
    EXPECT_EQ(*code_named(name_of(code)), code);
    EXPECT_FALSE(explain(code).empty());
  }
  EXPECT_FALSE(code_named("no_such_code"));
  EXPECT_FALSE(code_named(""));
}

TEST(Codes, WhatCannotGetBetterIsPermanentAndTheRestIsTriedAgain) {
  for (const Code code : {Code::not_an_image, Code::truncated, Code::bad_request, Code::poison,
                          Code::source_missing, Code::cancelled, Code::too_large}) {
    EXPECT_TRUE(is_permanent(code)) << name_of(code);
  }
  for (const Code code : {Code::crashed, Code::timed_out, Code::out_of_memory, Code::io_error,
                          Code::lost, Code::wrong_result, Code::internal_error}) {
    EXPECT_FALSE(is_permanent(code)) << name_of(code);
  }
}

TEST(Codes, WhatNoSettingChangesIsNotRetryable) {
  const std::set<Code> hopeless = {Code::empty_file, Code::not_an_image,  Code::unsupported_format,
                                   Code::truncated,  Code::corrupt_image, Code::bad_request};
  for (const Code code : kAllCodes) {
    EXPECT_EQ(is_retryable(code), !hopeless.contains(code)) << name_of(code);
    EXPECT_TRUE(is_retryable(code) || is_permanent(code)) << name_of(code);
  }
}

TEST(Verdicts, SurviveTheirJson) {
  const auto again = parse_verdict(to_json(good()));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(to_json(*again), to_json(good()));
  EXPECT_EQ(again->source.profile, "Display P3");
  EXPECT_EQ(again->results[1].rendition, "big");
  EXPECT_FALSE(again->results[1].max_bytes_met);
  EXPECT_EQ(again->notes, good().notes);
  Verdict bad;
  bad.code = Code::crashed;
  bad.signal = 11;
  bad.heavy = true;
  bad.recycle = true;
  const auto read = parse_verdict(to_json(bad));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->signal, 11);
  EXPECT_TRUE(read->heavy);
  EXPECT_TRUE(read->recycle);
}

TEST(Verdicts, WrittenWithTooMuchTextAreCutSoThatTheyCanBeRead) {
  Verdict verdict = good();
  verdict.message = std::string(100'000, 'x') + "\xff";
  verdict.notes.assign(100, std::string(5000, 'n'));
  const std::string text = to_json(verdict);
  EXPECT_LT(text.size(), 60U * 1024);
  const auto read = parse_verdict(text);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->notes.size(), 16U);
}

// What an honest worker may come to, at its extremes and between them; texts of any bytes.
class Honest {
 public:
  explicit Honest(uint32_t seed) : random_(seed) {}

  Verdict verdict() {
    Verdict out;
    out.code = kAllCodes[at_most(std::size(kAllCodes) - 1)];
    out.message = text();
    out.signal = static_cast<int>(number(0, 64));
    out.source = source();
    const int64_t results = number(0, kMaxRenditions);
    for (int64_t i = 0; i < results; ++i) out.results.push_back(result());
    out.notes.resize(at_most(20));
    for (std::string& note : out.notes) note = text();
    out.decode_ms = static_cast<double>(number(0, 1'000'000'000)) / 7;
    out.total_ms = static_cast<double>(number(0, 1'000'000'000));
    out.peak_kib = number(0, INT64_MAX);
    out.heavy = at_most(1) == 1;
    out.recycle = at_most(1) == 1;
    return out;
  }

 private:
  size_t at_most(size_t most) { return std::uniform_int_distribution<size_t>(0, most)(random_); }
  int64_t number(int64_t low, int64_t high) {
    const size_t kind = at_most(3);
    if (kind == 0) return low;
    return kind == 1 ? high : std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  int side(int least) { return static_cast<int>(number(least, INT32_MAX)); }
  std::string text() {
    std::string out(std::array<size_t, 5>{0, 1, 30, 1'500, 100'000}[at_most(4)], '\0');
    const size_t kind = at_most(3);  // control characters, no UTF-8, quotes, anything
    for (char& c : out) c = kind == 3 ? static_cast<char>(at_most(255)) : "\x01\xff\""[kind];
    return out;
  }
  SourceReport source() {
    static const char* const kFormats[] = {"", "jpeg", "png", "webp", "gif", "heic", "avif", "jxl"};
    return {side(0),
            side(0),
            kFormats[at_most(7)],
            at_most(1) == 1,
            static_cast<int>(number(1, 8)),
            text(),
            side(1),
            number(0, INT64_MAX),
            std::string(at_most(64), '=')};
  }
  ResultReport result() {
    static const char* const kFormats[] = {"jpeg", "png", "webp", "avif"};
    return {std::string(1 + at_most(31), 'r'),
            side(1),
            side(1),
            number(1, INT64_MAX),
            kFormats[at_most(3)],
            static_cast<int>(number(0, 100)),
            at_most(1) == 1};
  }

  std::mt19937 random_;
};

TEST(Verdicts, OfAnHonestWorkerAreNeverRefused) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const Verdict said = Honest(seed).verdict();
    const std::string text = to_json(said);
    ASSERT_LE(text.size(), wire::kMaxMessageBytes) << seed;
    const auto heard = parse_verdict(text);
    ASSERT_TRUE(heard) << seed << ": " << heard.error().text();
    EXPECT_EQ(heard->code, said.code);
    EXPECT_EQ(heard->source.width_px, said.source.width_px);
    EXPECT_EQ(heard->source.size_bytes, said.source.size_bytes);
    EXPECT_EQ(heard->results.size(), said.results.size());
    EXPECT_LE(report_json(*heard).size(), wire::kMaxMessageBytes) << seed;
  }
}

TEST(Verdicts, TellOfSidesThatNoLimitAllows) {
  Verdict verdict;
  verdict.code = Code::side_too_long;
  verdict.source.width_px = INT32_MAX;
  verdict.source.height_px = 20'000'000;
  const auto read = parse_verdict(to_json(verdict));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->source.width_px, INT32_MAX);
  EXPECT_EQ(read->source.height_px, 20'000'000);
}

// A worker in a hostile image's hands may send anything.
TEST(Verdicts, OfATreacherousWorkerAreRefused) {
  const auto with = [](const std::string& key, const Json& value) {
    Json object = Json::parse(to_json(good()));
    object[Json::json_pointer(key)] = value;
    return bool(parse_verdict(object.dump()));
  };
  EXPECT_TRUE(with("/code", "ok"));
  EXPECT_FALSE(with("/code", "fine"));
  EXPECT_FALSE(with("/code", 1));
  EXPECT_FALSE(with("/results/0/rendition", "../../etc/cron.d/x"));
  EXPECT_FALSE(with("/results/0/format", "sh"));
  EXPECT_FALSE(with("/results/0/width", 0));
  EXPECT_FALSE(with("/results/0/width", 1e300));
  EXPECT_FALSE(with("/results/0/bytes", -1));
  EXPECT_FALSE(with("/source/format", "a/b"));
  EXPECT_FALSE(with("/source/orientation", 9));
  EXPECT_FALSE(with("/source/thumbhash", std::string(65, 'a')));
  EXPECT_FALSE(with("/signal", 65));
  EXPECT_FALSE(with("/total_ms", -1));
  EXPECT_FALSE(with("/notes", "none"));
  EXPECT_FALSE(parse_verdict(""));
  EXPECT_FALSE(parse_verdict("[]"));
  EXPECT_FALSE(parse_verdict("{\"code\":\"ok\"}"));
  const std::string whole = to_json(good());
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_FALSE(parse_verdict(std::string_view(whole).substr(0, cut))) << cut;
  }
}

TEST(Verdicts, GiveTheOutcomeWhatPeopleAskFor) {
  const auto about = parse_json(about_json(good().results[0]), "about");
  ASSERT_TRUE(about);
  EXPECT_EQ(integer_in(*about, "width", 0, 9999), 500);
  EXPECT_EQ(integer_in(*about, "height", 0, 9999), 375);
  EXPECT_EQ(text_in(*about, "type"), "image/jpeg");
  EXPECT_EQ(integer_in(*about, "quality", 0, 100), 80);
  EXPECT_EQ(truth_in(*about, "max_bytes_met"), true);
  const auto report = parse_json(report_json(good()), "report");
  ASSERT_TRUE(report);
  EXPECT_EQ(text_in(*member(*report, "source"), "thumbhash"), "EwkSFIR=");
}

TEST(MediaTypes, FollowTheFormat) {
  EXPECT_EQ(extension_of("jpeg"), "jpg");
  EXPECT_EQ(media_type_of("webp"), "image/webp");
  EXPECT_EQ(extension_of("../x"), "bin");
  EXPECT_EQ(media_type_of(""), "application/octet-stream");
}

TEST(LimitsJson, SurvivesAndIsWholeOrRefused) {
  Limits limits;
  limits.max_pixels = 1'234;
  limits.formats.avif = false;
  limits.wall_seconds = 7;
  const auto again = parse_limits(to_json(limits));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(to_json(*again), to_json(limits));
  EXPECT_EQ(again->max_pixels, 1'234);
  EXPECT_FALSE(again->formats.avif);
  EXPECT_TRUE(again->formats.heic);
  Json object = Json::parse(to_json(limits));
  object.erase("max_pixels");
  EXPECT_FALSE(parse_limits(object.dump()));
  EXPECT_FALSE(parse_limits("{}"));
  EXPECT_FALSE(parse_limits("x"));
  object = Json::parse(to_json(limits));
  object["cpu_seconds"] = 0;
  EXPECT_FALSE(parse_limits(object.dump()));
  object["cpu_seconds"] = 1LL << 40;
  EXPECT_FALSE(parse_limits(object.dump()));
}

}  // namespace
}  // namespace imgq
