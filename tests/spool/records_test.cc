#include "spool/records.h"

#include <gtest/gtest.h>

#include <random>

#include "spool/types.h"
#include "src/util/digest.h"

namespace imgq {
namespace {

JobId id() { return *JobId::parse("019374a1-5c00-7abc-8def-0123456789ab"); }

Ticket full_ticket() {
  Ticket ticket{id()};
  ticket.submitted_ms = 1'732'000'000'123;
  ticket.name = "odd \xff\n%name\x01.jpg";
  ticket.source = {SourceKind::referenced, "/home/me/odd \xfe\n.jpg", 123'456, -5,
                   std::string(64, 'a')};
  ticket.request = R"({"renditions":[{"name":"main","width":500}],"x":{"y":[1,2.5,null,true]}})";
  ticket.key = "key\x80 with bytes";
  ticket.max_attempts = 5;
  return ticket;
}

Try full_try() {
  return {
      id(), 3, 1000, 2000, "host.boot.1.2", {"crashed", "killed \"hard\"", 9}, Try::Kind::counted};
}

Outcome full_outcome() {
  Outcome outcome{id()};
  outcome.ending = Ending::completed;
  outcome.attempt = 2;
  outcome.ended_ms = 2000;
  outcome.started_ms = 1000;
  outcome.owner = "host.boot.1.2";
  outcome.results = {{"main", id().text() + ".2.main.jpg", 31'000, std::string(64, 'b'),
                      R"({"height":333,"width":500})"},
                     {"small", id().text() + ".2.small.webp", 0, std::string(64, 'c'), "{}"}};
  outcome.report = R"({"format":"jpeg","width":4000})";
  return outcome;
}

// The text of a record with other fields, its digest made right again.
std::string sealed(std::string body) {
  const std::string digest = sha256_hex(body);
  return body + ",\"digest\":\"" + digest + "\"}\n";
}
std::string body_of(const std::string& text) { return text.substr(0, text.size() - 78); }
std::string changed(std::string text, const std::string& from, const std::string& to) {
  std::string body = body_of(text);
  const size_t at = body.find(from);
  if (at == std::string::npos) throw std::runtime_error("no " + from + " in " + body);
  return sealed(body.replace(at, from.size(), to));
}

TEST(Records, ATicketComesBackAsItWas) {
  const Ticket before = full_ticket();
  const auto after = decode_ticket(encode(before), "t");
  ASSERT_TRUE(after) << after.error().text();
  EXPECT_EQ(after->id, before.id);
  EXPECT_EQ(after->submitted_ms, before.submitted_ms);
  EXPECT_EQ(after->name, before.name);
  EXPECT_EQ(after->source.kind, before.source.kind);
  EXPECT_EQ(after->source.path, before.source.path);
  EXPECT_EQ(after->source.size_bytes, before.source.size_bytes);
  EXPECT_EQ(after->source.modified_ns, before.source.modified_ns);
  EXPECT_EQ(after->source.sha256, before.source.sha256);
  EXPECT_EQ(after->request, before.request);
  EXPECT_EQ(after->key, before.key);
  EXPECT_EQ(after->max_attempts, before.max_attempts);
}

TEST(Records, ASmallTicketComesBackWithItsDefaults) {
  const auto after = decode_ticket(encode(Ticket{id()}), "t");
  ASSERT_TRUE(after);
  EXPECT_EQ(after->source.kind, SourceKind::spooled);
  EXPECT_EQ(after->key, "");
  EXPECT_EQ(after->request, "{}");
  EXPECT_EQ(after->max_attempts, 3);
}

TEST(Records, ATryComesBackAsItWas) {
  for (const Try::Kind kind : {Try::Kind::counted, Try::Kind::lost, Try::Kind::retried}) {
    Try before = full_try();
    before.kind = kind;
    const auto after = decode_try(encode(before), "t");
    ASSERT_TRUE(after) << after.error().text();
    EXPECT_EQ(after->attempt, 3);
    EXPECT_EQ(after->ended_ms, 1000);
    EXPECT_EQ(after->retry_ms, 2000);
    EXPECT_EQ(after->owner, before.owner);
    EXPECT_EQ(after->cause.code, "crashed");
    EXPECT_EQ(after->cause.message, "killed \"hard\"");
    EXPECT_EQ(after->cause.signal, 9);
    EXPECT_EQ(after->kind, kind);
  }
}

TEST(Records, AnOutcomeComesBackAsItWas) {
  const Outcome before = full_outcome();
  const auto after = decode_outcome(encode(before), "t");
  ASSERT_TRUE(after) << after.error().text();
  EXPECT_EQ(after->ending, Ending::completed);
  EXPECT_EQ(after->attempt, 2);
  EXPECT_EQ(after->started_ms, 1000);
  EXPECT_EQ(after->ended_ms, 2000);
  EXPECT_EQ(after->owner, before.owner);
  EXPECT_EQ(after->report, before.report);
  ASSERT_EQ(after->results.size(), 2u);
  EXPECT_EQ(after->results[0].rendition, "main");
  EXPECT_EQ(after->results[0].file, before.results[0].file);
  EXPECT_EQ(after->results[0].size_bytes, 31'000);
  EXPECT_EQ(after->results[0].sha256, before.results[0].sha256);
  EXPECT_EQ(after->results[0].about, before.results[0].about);
}

TEST(Records, AFailedOutcomeCarriesItsCause) {
  Outcome before = full_outcome();
  before.ending = Ending::failed;
  before.results.clear();
  before.cause = {"poison", "line one\nline two", 11};
  const auto after = decode_outcome(encode(before), "t");
  ASSERT_TRUE(after);
  EXPECT_EQ(after->cause.code, "poison");
  EXPECT_EQ(after->cause.message, "line one line two");
  EXPECT_EQ(after->cause.signal, 11);
}

TEST(Records, OnlyACancelledJobEndsWithoutAnAttempt) {
  Outcome outcome = full_outcome();
  outcome.results.clear();
  outcome.attempt = 0;
  outcome.cause = {"cancelled", "", 0};
  outcome.ending = Ending::cancelled;
  EXPECT_TRUE(decode_outcome(encode(outcome), "t"));
  EXPECT_TRUE(encode_checked(outcome));
  outcome.ending = Ending::failed;
  EXPECT_FALSE(decode_outcome(encode(outcome), "t"));
  EXPECT_FALSE(decode_try(encode(outcome), "t"));
  EXPECT_FALSE(encode_checked(outcome));
}

TEST(Records, AFailedOutcomeReadsAsTheRetriedTryOfItsAttempt) {
  Outcome outcome = full_outcome();
  outcome.ending = Ending::failed;
  outcome.results.clear();
  outcome.cause = {"timed_out", "slow", 9};
  const auto attempt = decode_try(encode(outcome), "t");
  ASSERT_TRUE(attempt);
  EXPECT_EQ(attempt->kind, Try::Kind::retried);
  EXPECT_EQ(attempt->attempt, 2);
  EXPECT_EQ(attempt->cause.code, "timed_out");
  EXPECT_FALSE(decode_try(encode(full_outcome()), "t"));
}

TEST(Records, ARecordCutAtAnyByteIsRefused) {
  for (const std::string& text :
       {encode(full_ticket()), encode(full_try()), encode(full_outcome())}) {
    for (size_t length = 0; length < text.size(); ++length) {
      const std::string cut = text.substr(0, length);
      ASSERT_FALSE(decode_ticket(cut, "t")) << length;
      ASSERT_FALSE(decode_try(cut, "t")) << length;
      ASSERT_FALSE(decode_outcome(cut, "t")) << length;
    }
  }
}

TEST(Records, ARecordWithAnyBitFlippedIsRefused) {
  const std::string ticket = encode(full_ticket()), outcome = encode(full_outcome());
  for (size_t bit = 0; bit < ticket.size() * 8; ++bit) {
    std::string bad = ticket;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_FALSE(decode_ticket(bad, "t")) << bit;
  }
  for (size_t bit = 0; bit < outcome.size() * 8; ++bit) {
    std::string bad = outcome;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_FALSE(decode_outcome(bad, "t")) << bit;
  }
}

TEST(Records, ARecordWithBytesAddedIsRefused) {
  const std::string text = encode(full_ticket());
  for (const std::string& bad :
       {text + "\n", text + text, " " + text, text + std::string(1, '\0')}) {
    EXPECT_FALSE(decode_ticket(bad, "t"));
  }
}

TEST(Records, RandomBytesAreRefused) {
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same every time
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 300, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    ASSERT_FALSE(decode_ticket(bytes, "t"));
    ASSERT_FALSE(decode_ticket(sealed("{" + bytes), "t"));
    ASSERT_FALSE(decode_outcome(sealed("{\"imgq\":1" + bytes), "t"));
  }
}

TEST(Records, ALongRecordIsRefusedBeforeItIsRead) {
  const auto read = decode_ticket(std::string(kMaxRecordBytes + 1, ' '), "t");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().action, "record is longer than 65536 bytes");
}

TEST(Records, AnUnknownVersionIsToldApart) {
  const std::string newer = changed(encode(full_ticket()), "\"imgq\":1", "\"imgq\":2");
  const auto read = decode_ticket(newer, "t");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, EPROTO);
  EXPECT_EQ(read.error().action, "format version 2 is unknown");
  for (const char* bad : {"\"imgq\":0", "\"imgq\":-1", "\"imgq\":\"1\"", "\"imgq\":1.0"}) {
    const auto wrong = decode_ticket(changed(encode(full_ticket()), "\"imgq\":1", bad), "t");
    ASSERT_FALSE(wrong) << bad;
    EXPECT_EQ(wrong.error().code, 0) << bad;
  }
}

TEST(Records, UnknownFieldsDoNotDisturb) {
  const auto ticket = decode_ticket(
      changed(encode(full_ticket()), "\"kind\":", "\"colour\":{\"a\":[1]},\"kind\":"), "t");
  ASSERT_TRUE(ticket) << ticket.error().text();
  EXPECT_EQ(ticket->max_attempts, 5);
  EXPECT_TRUE(decode_outcome(
      changed(encode(full_outcome()), "\"rendition\":", "\"z\":null,\"rendition\":"), "t"));
}

TEST(Records, AKeyThatStandsTwiceIsRefused) {
  EXPECT_FALSE(decode_ticket(
      changed(encode(full_ticket()), "\"max_attempts\":5", "\"max_attempts\":5,\"max_attempts\":5"),
      "t"));
}

TEST(Records, OneKindIsNotReadAsAnother) {
  EXPECT_FALSE(decode_ticket(encode(full_try()), "t"));
  EXPECT_FALSE(decode_ticket(encode(full_outcome()), "t"));
  EXPECT_FALSE(decode_outcome(encode(full_ticket()), "t"));
  EXPECT_FALSE(decode_try(encode(full_ticket()), "t"));
}

TEST(Records, AFieldThatIsMissingOrOfAnotherTypeIsNamed) {
  struct Case {
    const char *from, *to, *says;
  };
  const Case cases[] = {
      {"\"submitted_ms\":1732000000123,", "", "field submitted_ms is missing"},
      {"\"submitted_ms\":1732000000123", "\"submitted_ms\":\"x\"",
       "field submitted_ms is not a number in range"},
      {"\"submitted_ms\":1732000000123", "\"submitted_ms\":-1",
       "field submitted_ms is not a number in range"},
      {"\"max_attempts\":5", "\"max_attempts\":0", "field max_attempts is not a number in range"},
      {"\"max_attempts\":5", "\"max_attempts\":1e3", "field max_attempts is not a number in range"},
      {"\"max_attempts\":5", "\"max_attempts\":18446744073709551615",
       "field max_attempts is not a number in range"},
      {"\"name\":\"odd%20", "\"name\":\"%2", "field name is not percent-encoded"},
      {"\"name\":\"odd%20", "\"name\":\"%zz", "field name is not percent-encoded"},
      {"\"kind\":\"referenced\"", "\"kind\":\"remote\"", "field kind is not a kind of source"},
      {"\"path\":\"/home", "\"path\":\"home", "field path is not an absolute path"},
      {"\"path\":\"/home", "\"path\":\"/home%00", "field path is not an absolute path"},
      {"\"request\":{", "\"request\":[{", "JSON"},
      {"019374a1-5c00-7abc", "019374a1-5c00-4abc", "field id is not a job id"},
  };
  for (const Case& one : cases) {
    const auto read = decode_ticket(changed(encode(full_ticket()), one.from, one.to), "t");
    ASSERT_FALSE(read) << one.to;
    EXPECT_EQ(read.error().code, 0);
    if (std::string(one.says) != "JSON") {
      EXPECT_EQ(read.error().action, one.says);
    }
  }
}

TEST(Records, AForgedResultNameIsRefused) {
  const std::string good = id().text() + ".2.main.jpg";
  for (const std::string& bad :
       {std::string("../../../etc/passwd"), std::string("/etc/passwd"),
        std::string("019374a1-5c00-7abc-8def-0123456789ac.2.main.jpg"), id().text() + ".3.main.jpg",
        id().text() + ".2.other.jpg", id().text() + ".job", std::string("")}) {
    EXPECT_FALSE(decode_outcome(changed(encode(full_outcome()), good, bad), "t")) << bad;
  }
}

TEST(Records, CheckRefusesWhatCouldNotBeReadBack) {
  const auto refused = [](const auto& change) {
    Ticket ticket = full_ticket();
    change(ticket);
    const auto status = encode_checked(ticket);
    return !status && status.error().code == EINVAL;
  };
  EXPECT_EQ(*encode_checked(full_ticket()), encode(full_ticket()));
  EXPECT_TRUE(refused([](Ticket& t) { t.name = std::string(kMaxNameBytes + 1, 'x'); }));
  EXPECT_TRUE(refused([](Ticket& t) { t.key = std::string(kMaxKeyBytes + 1, 'x'); }));
  EXPECT_TRUE(refused([](Ticket& t) { t.max_attempts = 0; }));
  EXPECT_TRUE(refused([](Ticket& t) { t.max_attempts = kMaxAttempts + 1; }));
  EXPECT_TRUE(refused([](Ticket& t) { t.request = "[]"; }));
  EXPECT_TRUE(refused([](Ticket& t) { t.request = "{\"a\":"; }));
  EXPECT_TRUE(refused([](Ticket& t) {  // 32 deep in itself, 33 in the record
    t.request = "{\"a\":" + std::string(31, '[') + std::string(31, ']') + "}";
  }));
  EXPECT_TRUE(
      refused([](Ticket& t) { t.request = "{\"a\":\"" + std::string(65'400, 'x') + "\"}"; }));
  EXPECT_TRUE(refused([](Ticket& t) { t.source.path = "relative"; }));
  EXPECT_TRUE(refused([](Ticket& t) { t.source.path = std::string("/a\0b", 4); }));
  EXPECT_TRUE(refused([](Ticket& t) { t.source.size_bytes = -1; }));
  EXPECT_TRUE(refused([](Ticket& t) { t.source.sha256 = "abc"; }));
}

TEST(Records, TheLongestTicketThatCheckAllowsIsReadBack) {
  Ticket ticket = full_ticket();
  ticket.name = std::string(kMaxNameBytes, '\xff');
  ticket.source.path = "/" + std::string(kMaxNameBytes - 1, '\xff');
  ticket.key = std::string(kMaxKeyBytes, '\xff');
  ticket.request = "{}";
  const size_t room = kMaxRecordBytes - encode(ticket).size();
  ticket.request = "{\"a\":\"" + std::string(room - 6, 'x') + "\"}";
  ASSERT_EQ(encode(ticket).size(), kMaxRecordBytes);
  ASSERT_TRUE(encode_checked(ticket));
  EXPECT_TRUE(decode_ticket(encode(ticket), "t"));
}

TEST(Records, CheckRefusesOutcomesThatCouldNotBeReadBack) {
  const auto refused = [](const auto& change) {
    Outcome outcome = full_outcome();
    change(outcome);
    return !encode_checked(outcome);
  };
  EXPECT_EQ(*encode_checked(full_outcome()), encode(full_outcome()));
  EXPECT_TRUE(refused([](Outcome& o) { o.attempt = 3; }));
  EXPECT_TRUE(refused([](Outcome& o) { o.started_ms = -1; }));
  EXPECT_TRUE(refused([](Outcome& o) { o.attempt = -1; }));
  EXPECT_TRUE(refused([](Outcome& o) { o.results[0].sha256 = "x"; }));
  EXPECT_TRUE(refused([](Outcome& o) { o.results[0].about = "no"; }));
  EXPECT_TRUE(refused([](Outcome& o) { o.results[0].rendition = "../x"; }));
  EXPECT_TRUE(refused([](Outcome& o) { o.results.resize(kMaxResults + 1, o.results[0]); }));
  EXPECT_TRUE(refused([](Outcome& o) { o.report = "7"; }));
}

TEST(Records, InvalidUtf8InAMessageDoesNotSpoilTheRecord) {
  Try attempt = full_try();
  attempt.cause.message = "bad \xff bytes\tand\x01 controls";
  const auto read = decode_try(encode(attempt), "t");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->cause.message, "bad \xEF\xBF\xBD bytes and  controls");
  attempt.cause.message = std::string(100'000, 'm');
  EXPECT_EQ(decode_try(encode(attempt), "t")->cause.message.size(), kMaxMessageBytes);
}

TEST(Records, TheExampleOfTheFormatDocumentIsWhatIsWritten) {
  const Try lost{id(), 1, 1000, 0, "h.b.1.0000000000000000", {"lost", "x", 0}, Try::Kind::lost};
  EXPECT_EQ(
      encode(lost),
      "{\"imgq\":1,\"kind\":\"try\",\"id\":\"019374a1-5c00-7abc-8def-0123456789ab\",\"attempt\":1,"
      "\"what\":\"lost\",\"ended_ms\":1000,\"owner\":\"h.b.1.0000000000000000\",\"code\":\"lost\","
      "\"message\":\"x\",\"digest\":"
      "\"f29c915e38a5db1abeee15911a874e21526417633fbbc12e2fbcae11fa1e97cd\"}\n");
}

TEST(Records, ARecordIsOneLineThatGrepFinds) {
  for (const std::string& text :
       {encode(full_ticket()), encode(full_try()), encode(full_outcome())}) {
    EXPECT_EQ(text.find('\n'), text.size() - 1);
    EXPECT_EQ(text.rfind("{\"imgq\":1,\"kind\":\"", 0), 0u);
  }
}

}  // namespace
}  // namespace imgq
