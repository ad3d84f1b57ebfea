#include "src/http/multipart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace imgq::web {
namespace {

struct Got {
  Part part;
  std::string data;
  bool ended = false;
};

class Recorder final : public PartSink {
 public:
  Status part_begins(const Part& part) override {
    got.push_back({part, "", false});
    if (fail_at == "begin") return bad_data("no", "sink");
    return Ok{};
  }
  Status part_data(std::string_view bytes) override {
    if (fail_at == "data") return bad_data("no", "sink");
    got.back().data += bytes;
    return Ok{};
  }
  Status part_ends() override {
    got.back().ended = true;
    if (fail_at == "end") return bad_data("no", "sink");
    return Ok{};
  }

  std::vector<Got> got;
  std::string fail_at;
};

// Bytes that look like boundaries and are none.
const std::string kTricky("\r\n--\r\n--B\r\n--BO\r\n-\r\r\n--BOUNDAR\r\n\0\xff--BOUNDARY\r", 45);

std::string sample_form() {
  return "preamble\r\n--BOUNDARY\r\n"
         "Content-Disposition: form-data; name=\"preset\"\r\n\r\nweb\r\n"
         "--BOUNDARY  \r\n"
         "content-type: image/jpeg\r\n"
         "Content-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n" +
         kTricky +
         "\r\n--BOUNDARY\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n"
         "\r\n--BOUNDARY--\r\nepilogue\r\n--BOUNDARY\r\n";
}

void expect_sample(const Recorder& sink) {
  ASSERT_EQ(sink.got.size(), 3U);
  EXPECT_EQ(sink.got[0].part.name, "preset");
  EXPECT_EQ(sink.got[0].data, "web");
  EXPECT_FALSE(sink.got[0].part.filename);
  EXPECT_EQ(sink.got[1].part.name, "file");
  EXPECT_EQ(sink.got[1].part.filename, "a.jpg");
  EXPECT_EQ(sink.got[1].data, kTricky);
  EXPECT_EQ(sink.got[2].data, "");
  for (const Got& got : sink.got) EXPECT_TRUE(got.ended);
}

Status read_in_pieces(std::string_view form, size_t size, PartSink& sink) {
  Multipart parser("BOUNDARY", sink);
  for (; !form.empty(); form.remove_prefix(std::min(size, form.size()))) {
    if (Status fed = parser.feed(form.substr(0, size)); !fed) return fed;
  }
  return parser.finish();
}

Status read_whole(std::string_view form, PartSink& sink) {
  return read_in_pieces(form, form.size(), sink);
}

std::string one_part(const std::string& header, const std::string& data = "x") {
  return "--BOUNDARY\r\n" + header + "\r\n\r\n" + data + "\r\n--BOUNDARY--\r\n";
}

Part part_of(const std::string& header) {
  Recorder sink;
  const Status read = read_whole(one_part(header), sink);
  EXPECT_TRUE(read) << header;
  return sink.got.empty() ? Part{} : sink.got.front().part;
}

std::string refusal_of(const std::string& form) {
  Recorder sink;
  const Status read = read_whole(form, sink);
  return read ? "" : read.error().action;
}

TEST(Multipart, AFormSplitAtAnyByteReadsTheSame) {
  const std::string form = sample_form();
  for (size_t cut = 0; cut <= form.size(); ++cut) {
    Recorder sink;
    Multipart parser("BOUNDARY", sink);
    ASSERT_TRUE(parser.feed(std::string_view(form).substr(0, cut))) << cut;
    ASSERT_TRUE(parser.feed(std::string_view(form).substr(cut))) << cut;
    ASSERT_TRUE(parser.finish()) << cut;
    expect_sample(sink);
  }
}

TEST(Multipart, AFormInPiecesOfAnySizeReadsTheSame) {
  for (size_t size = 1; size < 80; ++size) {
    Recorder sink;
    ASSERT_TRUE(read_in_pieces(sample_form(), size, sink)) << size;
    expect_sample(sink);
  }
}

TEST(Multipart, AFormCutBeforeItsClosingBoundaryIsRefused) {
  const std::string form = sample_form();
  const size_t closing = form.find("--BOUNDARY--") + 12;
  for (size_t cut = 0; cut < closing; ++cut) {
    Recorder sink;
    EXPECT_FALSE(read_whole(form.substr(0, cut), sink)) << cut;
  }
}

TEST(Multipart, TheLastLineEndMayBeMissing) {
  const std::string form = sample_form();
  Recorder sink;
  EXPECT_TRUE(read_whole(form.substr(0, form.find("--BOUNDARY--") + 12), sink));
  expect_sample(sink);
}

TEST(Multipart, ParametersComeInAnyOrderQuotedOrNot) {
  const Part part = part_of("Content-Disposition: form-data; filename=a.jpg; name=file");
  EXPECT_EQ(part.name, "file");
  EXPECT_EQ(part.filename, "a.jpg");
}

TEST(Multipart, AnExtendedFileNameCountsMore) {
  const Part part = part_of(
      "Content-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"; "
      "filename*=UTF-8''%C3%A4%20b.jpg");
  EXPECT_EQ(part.filename, "\xC3\xA4 b.jpg");
}

TEST(Multipart, OnlyTheLastComponentOfAFileNameIsKept) {
  EXPECT_EQ(
      part_of("Content-Disposition: form-data; name=f; filename=\"../../etc/passwd\"").filename,
      "passwd");
  EXPECT_EQ(
      part_of("Content-Disposition: form-data; name=f; filename=\"C:\\photos\\a.jpg\"").filename,
      "a.jpg");
  EXPECT_EQ(
      part_of("Content-Disposition: form-data; name=f; filename*=UTF-8''..%2f..%2fx").filename,
      "x");
}

TEST(Multipart, EscapedQuotesDoNotEndAName) {
  EXPECT_EQ(part_of("Content-Disposition: form-data; name=f; filename=\"a\\\"b;c.jpg\"").filename,
            "a\"b;c.jpg");
}

TEST(Multipart, AnExtendedFileNameThatIsNotUnderstoodIsPassedOver) {
  for (const char* other : {"iso-8859-1''%E4.jpg", "Shift_JIS'ja'%83.jpg", "UTF-8''%zz", "a.jpg"}) {
    const std::string extended = std::string("; filename*=") + other;
    const std::string header = "Content-Disposition: form-data; name=f";
    EXPECT_EQ(part_of(header + "; filename=\"b.jpg\"" + extended).filename, "b.jpg") << other;
    EXPECT_EQ(part_of(header + extended).filename, "") << other;
  }
}

TEST(Multipart, ARawQuoteBelongsToTheName) {
  const auto name_of = [](const std::string& filename) {
    const Part part = part_of("Content-Disposition: form-data; filename=\"" + filename +
                              "\"; name=\"file\" ; size=1");
    EXPECT_EQ(part.name, "file") << filename;
    return part.filename.value_or("none");
  };
  for (const char* raw : {"a \"big\" b.jpg", "\"", "a\"", "7\"; b.jpg", "a\";b c=d.jpg", "\"a\""}) {
    EXPECT_EQ(name_of(raw), raw);
  }
}

TEST(Multipart, ABackslashAtTheEndBelongsToTheName) {
  for (const char* header :
       {"Content-Disposition: form-data; name=file; filename=\"a.jpg\\\"",
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.jpg\\\"; size=1"}) {
    const Part part = part_of(header);
    EXPECT_EQ(part.name, "file") << header;
    EXPECT_EQ(part.filename, "a.jpg") << header;
  }
}

TEST(Multipart, AFileNameOfMegabytesCostsABoundedHeader) {
  const std::string header =
      "Content-Disposition: form-data; name=f; filename*=UTF-8''" + std::string(8 * 1024, 'a');
  EXPECT_EQ(refusal_of(one_part(header)), "a part's header is too long");
}

TEST(Multipart, HostileHeadersAreRefused) {
  const std::string bad_headers[] = {
      "Content-Disposition: attachment; name=\"file\"",
      "Content-Disposition: form-data; name=\"file",
      "Content-Disposition: form-data; name=a; name=b",
      "Content-Disposition: form-data; name=a; a=;b=;c=;d=;e=;f=;g=;h=;i=;j=;k=;l=;m=;n=;o=;p=",
      "Content-Disposition form-data",
      ": form-data",
      std::string("Content-Disposition: form-data; name=a\0b", 40),
      "Content-Disposition: form-data; name=a\nX: y",
      "Content-Transfer-Encoding: base64",
  };
  for (const std::string& header : bad_headers)
    EXPECT_NE(refusal_of(one_part(header)), "") << header;
}

TEST(Multipart, BytesAfterABoundaryAreRefused) {
  EXPECT_NE(refusal_of("--BOUNDARYX\r\n\r\n\r\n--BOUNDARY--"), "");
  EXPECT_NE(refusal_of("--BOUNDARY-x"), "");
  EXPECT_NE(refusal_of("--BOUNDARY\rx"), "");
  EXPECT_NE(refusal_of("--BOUNDARY x\r\n"), "");
}

TEST(Multipart, MoreThanSixtyFourPartsAreRefused) {
  std::string form = "--BOUNDARY\r\n";
  for (int i = 0; i < 65; ++i) {
    form += "Content-Disposition: form-data; name=a\r\n\r\n\r\n--BOUNDARY\r\n";
  }
  EXPECT_EQ(refusal_of(form), "more than 64 parts");
}

TEST(Multipart, TheSinksErrorEndsTheReading) {
  for (const char* when : {"begin", "data", "end"}) {
    Recorder sink;
    sink.fail_at = when;
    const Status read = read_in_pieces(sample_form(), 7, sink);
    ASSERT_FALSE(read) << when;
    EXPECT_EQ(read.error().path, "sink") << when;
  }
}

TEST(Multipart, AnEmptyFormIsRefused) {
  EXPECT_EQ(refusal_of(""), "the form ends before its closing boundary");
}

TEST(Multipart, AFormWithoutPartsIsNone) { EXPECT_EQ(refusal_of("--BOUNDARY--"), ""); }

}  // namespace
}  // namespace imgq::web
