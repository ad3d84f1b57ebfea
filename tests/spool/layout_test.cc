#include "spool/layout.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace imgq::layout {
namespace {

JobId id() { return *JobId::parse("019374a1-5c00-7abc-8def-0123456789ab"); }
const std::string kId = "019374a1-5c00-7abc-8def-0123456789ab";
const std::string kHour = "jobs/" + JobId::parse(kId)->folder();
const sys::Identity kMe{"host-1", "0123456789abcdef0123456789abcdef", 4711};

TEST(Layout, PutsEverythingAboutAJobSideBySide) {
  EXPECT_EQ(ticket(id()), kHour + "/" + kId + ".job");
  EXPECT_EQ(source(id()), kHour + "/" + kId + ".src");
  EXPECT_EQ(outcome(id()), kHour + "/" + kId + ".end");
  EXPECT_EQ(try_record(id(), 12), kHour + "/" + kId + ".try-12");
  EXPECT_EQ(result(id(), "x"), kHour + "/x");
  EXPECT_EQ(result_file(id(), 3, "small", "webp"), kId + ".3.small.webp");
}

TEST(Layout, NamesTokensByStateAndAttempt) {
  const Token token{id(), 7};
  EXPECT_EQ(staging(token), "staging/" + kId + ".7");
  EXPECT_EQ(hold(token), "hold/" + kId + ".7");
  EXPECT_EQ(processing("me", token), "processing/me/" + kId + ".7");
  EXPECT_EQ(delayed(1'700'000'000'123, token), "delayed/1700000000123." + kId + ".7");
  EXPECT_EQ(ended(Ending::failed, id()), "failed/" + kId);
  EXPECT_EQ(ended(Ending::cancelled, id()), "cancelled/" + kId);
  EXPECT_EQ(ended(Ending::completed, id()), "completed/" + id().folder() + "/" + kId);
  EXPECT_EQ(first_token(id(), State::hold), "hold/" + kId + ".1");
  EXPECT_EQ(first_token(id(), State::staging), "staging/" + kId + ".1");
}

TEST(Layout, SplitsAKeyIntoShardAndName) {
  const std::string digest(64, 'a');
  EXPECT_EQ(key(digest), "keys/aa/" + std::string(62, 'a'));
  EXPECT_EQ(key_shard(digest), "keys/aa");
}

TEST(Layout, KeepsOnlyTheLastNameOfWhatGoesToCorrupt) {
  EXPECT_EQ(corrupt("processing/me/x.1", "r"), "corrupt/r.x.1");
  EXPECT_EQ(corrupt("x", "r"), "corrupt/r.x");
}

TEST(Layout, ReadsTokensBack) {
  for (const int n : {1, 9, 10, 9999}) {
    const Token token{id(), n};
    const auto read = parse_token(staging(token).substr(8));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, token);
  }
}

TEST(Layout, ReadsDueTimesBackAndSortsByThem) {
  const Token token{id(), 2};
  std::string before;
  for (const int64_t due : {int64_t{0}, int64_t{1}, int64_t{999'999}, int64_t{1'700'000'000'000},
                            int64_t{9'999'999'999'999}}) {
    const std::string name = delayed(due, token).substr(8);
    const auto read = parse_delayed(name);
    ASSERT_TRUE(read) << name;
    EXPECT_EQ(read->due_ms, due);
    EXPECT_EQ(read->token, token);
    EXPECT_LT(before, name);
    before = name;
  }
}

TEST(Layout, BoundsDueTimesThatCannotBeWritten) {
  EXPECT_EQ(delayed(-5, {id(), 1}).substr(0, 22), "delayed/0000000000000.");
  EXPECT_EQ(delayed(INT64_MAX, {id(), 1}).substr(0, 22), "delayed/9999999999999.");
}

TEST(Layout, RefusesHostileTokenNames) {
  const std::vector<std::string> names = {
      "",
      kId,
      kId + ".",
      kId + ".0",
      kId + ".01",
      kId + ".10000",
      kId + ".-1",
      kId + ".1x",
      kId + ".1.2",
      kId + ". 1",
      kId + "/1",
      "." + kId + ".1",
      kId + ".99999999999999999999",
      kId + ".1" + std::string(1, '\0'),
      ".alive",
      "..",
      "../" + kId + ".1",
  };
  for (const std::string& name : names) EXPECT_FALSE(parse_token(name)) << name;
}

TEST(Layout, RefusesHostileDelayedNames) {
  for (const std::string& name :
       {"170000000012." + kId + ".1", "17000000001234." + kId + ".1", "1700000000x23." + kId + ".1",
        "1700000000123" + kId + ".1", "1700000000123." + kId, std::string("1700000000123."),
        "-700000000123." + kId + ".1"}) {
    EXPECT_FALSE(parse_delayed(name)) << name;
  }
}

TEST(Layout, ReadsWritersOfTempsAndOwnersBack) {
  const std::string random = "00ff00ff00ff00ff";
  for (const std::string& name : {temp(random, kMe).substr(4), owner_name(kMe, random)}) {
    const auto writer = parse_writer(name);
    ASSERT_TRUE(writer) << name;
    EXPECT_EQ(writer->host, kMe.host);
    EXPECT_EQ(writer->boot, kMe.boot);
    EXPECT_EQ(writer->pid, kMe.pid);
  }
}

TEST(Layout, TellsCordonsFromOwners) {
  EXPECT_EQ(cordon("web-1"), "processing/cordon.web-1");
  EXPECT_EQ(parse_cordon(cordon_name("web-1")), "web-1");
  EXPECT_FALSE(parse_writer(cordon_name("web-1")));
  for (const std::string& name :
       {owner_name(kMe, "1234567890123456"), std::string("cordon."), std::string("cordon"),
        std::string("cordon.a.b"), std::string("cordon.a b"), "cordon." + std::string(65, 'a')}) {
    EXPECT_FALSE(parse_cordon(name)) << name;
  }
  EXPECT_FALSE(parse_cordon(owner_name({"cordon", "b", 1}, "1234567890123456")));
}

TEST(Layout, TellsTempsFromOwnersEvenWhenTheRandomPartIsAllDigits) {
  const std::string digits = "1234567890123456";
  EXPECT_EQ(parse_writer(temp(digits, kMe).substr(4))->pid, 4711);
  EXPECT_EQ(parse_writer(owner_name(kMe, digits))->pid, 4711);
}

TEST(Layout, RefusesWritersThatAreNone) {
  for (const char* name :
       {"", "a.b.c", "a.b.c.d", "00ff00ff00ff00ff.host.boot.", "00ff00ff00ff00ff.host.boot.0",
        "00ff00ff00ff00ff.ho_st.boot.1", "00ff00ff00ff00ff.host.boot.1.2", "shared",
        "00ff00ff00ff00ff.host.boot.99999999999", "00ff00ff00ff00ff..boot.1",
        "00FF00ff00ff00ff.host.boot.1"}) {
    EXPECT_FALSE(parse_writer(name)) << name;
  }
}

TEST(Layout, ReadsThePartsOfAJobBack) {
  const auto name = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
  EXPECT_EQ(parse_part(name(ticket(id())))->kind, Part::Kind::ticket);
  EXPECT_EQ(parse_part(name(source(id())))->kind, Part::Kind::source);
  EXPECT_EQ(parse_part(name(outcome(id())))->kind, Part::Kind::outcome);
  EXPECT_EQ(parse_part(name(placed(id())))->kind, Part::Kind::placed);
  const auto attempt = parse_part(name(try_record(id(), 42)));
  ASSERT_TRUE(attempt);
  EXPECT_EQ(attempt->kind, Part::Kind::try_record);
  EXPECT_EQ(attempt->attempt, 42);
  const auto result = parse_part(result_file(id(), 5, "w-500_x", "avif"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->kind, Part::Kind::result);
  EXPECT_EQ(result->attempt, 5);
  EXPECT_EQ(result->rendition, "w-500_x");
  EXPECT_EQ(result->id, id());
}

TEST(Layout, RefusesPartsThatAreNone) {
  for (const std::string& rest :
       {std::string(""), std::string(".jobx"), std::string(".JOB"), std::string(".try-0"),
        std::string(".try-"), std::string(".try-1 "), std::string(".0.main.jpg"),
        std::string(".1.main"), std::string(".1..jpg"), std::string(".1.main."),
        std::string(".1.Main.jpg"), std::string(".1.-main.jpg"), std::string(".1.main.j/g"),
        std::string(".1.a/b.jpg"), std::string(".1.main.jpg.x"),
        ".1." + std::string(33, 'a') + ".jpg", std::string(".1.main.abcdefghi")}) {
    EXPECT_FALSE(parse_part(kId + rest)) << rest;
  }
}

TEST(Layout, KnowsRenditionNames) {
  for (const char* good : {"main", "0", "w500", "a-b_c", "9_"})
    EXPECT_TRUE(is_rendition_name(good));
  for (const char* bad : {"", "-a", "_a", "A", "a.b", "a/b", "a b", "ä"}) {
    EXPECT_FALSE(is_rendition_name(bad)) << bad;
  }
  EXPECT_TRUE(is_rendition_name(std::string(32, 'x')));
  EXPECT_FALSE(is_rendition_name(std::string(33, 'x')));
}

TEST(Layout, KnowsDaysAndHours) {
  EXPECT_TRUE(is_day("2026-11-24"));
  for (const char* bad : {"2026-11-2", "2026/11/24", "20261124xx", "2026-11-24x", "....-..-.."}) {
    EXPECT_FALSE(is_day(bad)) << bad;
  }
  EXPECT_TRUE(is_hour("00"));
  EXPECT_TRUE(is_hour("23"));
  for (const char* bad : {"24", "0", "000", "..", "2x"}) EXPECT_FALSE(is_hour(bad)) << bad;
}

}  // namespace
}  // namespace imgq::layout
