#include "spool/control.h"
#include "spool/layout.h"
#include "spool/list.h"
#include "spool/temp_file.h"
#include "src/util/sys.h"
#include "tests/web/site_fixture.h"

namespace imgq::web {
namespace {

using JobsApi = SiteTest;

std::string code_of(const Reply& reply) { return text_in(json_of(reply), "code").value_or(""); }

Request request_in(const Spool& spool, const std::string& id) {
  const auto job = find(spool, *JobId::parse(id));
  return *parse_request(job->ticket.request, "ticket");
}

TEST_F(JobsApi, ARawBodyBecomesAJobWithItsAddress) {
  const Reply reply = ask("POST", "/v1/jobs?filename=a%2Fb.jpg", jpeg_bytes());
  ASSERT_EQ(reply.status, 202) << reply.text;
  const std::string id = *text_in(json_of(reply), "id");
  EXPECT_EQ(field_of(reply, "Location"), "/v1/jobs/" + id);
  EXPECT_NE(field_of(reply, "Retry-After"), "");
  const Json job = json_of(ask("GET", "/v1/jobs/" + id));
  EXPECT_EQ(text_in(job, "state"), "staging");
  EXPECT_EQ(text_in(job, "name"), "b.jpg");
  EXPECT_EQ(integer_in(job, "bytes", 0, 1000), 200);
}

TEST_F(JobsApi, AFormOfSeveralFilesBecomesSeveralJobs) {
  const Reply reply =
      post_form("/v1/jobs", form_of({form_part("name=\"a\"; filename=\"a.jpg\"", jpeg_bytes()),
                                     form_part("name=\"b\"; filename=\"b.jpg\"", jpeg_bytes())}));
  ASSERT_EQ(reply.status, 202) << reply.text;
  EXPECT_EQ(member(json_of(reply), "jobs")->size(), 2U);
}

std::string form_of_files(int count) {
  std::vector<std::string> parts;
  for (int i = 0; i < count; ++i) {
    parts.push_back(form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes()));
  }
  return form_of(parts);
}

TEST_F(JobsApi, FormsHoldNoMoreFilesAtOnceThanTheServerHasDescriptorsFor) {
  options_.max_further_files = 2;
  open_site();
  EXPECT_EQ(post_form("/v1/jobs", form_of_files(3)).status, 202);
  const Reply reply = post_form("/v1/jobs", form_of_files(4));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(code_of(reply), "busy");
  EXPECT_NE(field_of(reply, "Retry-After"), "");
  EXPECT_EQ(files_in_tmp(), 0);
  EXPECT_EQ(field_of(post_form("/", form_of_files(4)), "Location"), "./?full=1");
  EXPECT_EQ(held_.further_files, 0);
  EXPECT_EQ(post_form("/v1/jobs", form_of_files(3)).status, 202);
}

// Another form holds what there is: the first file of each goes on.
TEST_F(JobsApi, AFormOfOneFileIsTakenWhateverOthersHold) {
  options_.max_further_files = 2;
  open_site();
  held_.further_files = 2;
  EXPECT_EQ(post_form("/v1/jobs", form_of_files(1)).status, 202);
  EXPECT_EQ(post_form("/v1/jobs", form_of_files(2)).status, 503);
  EXPECT_EQ(ask("POST", "/v1/jobs", jpeg_bytes()).status, 202);
}

TEST_F(JobsApi, OneBadFileRefusesTheWholeRequest) {
  const Reply reply =
      post_form("/v1/jobs", form_of({form_part("name=\"a\"; filename=\"a.jpg\"", jpeg_bytes()),
                                     form_part("name=\"b\"; filename=\"b.jpg\"", "text")}));
  EXPECT_EQ(reply.status, 415);
  EXPECT_EQ(code_of(reply), "not_an_image");
  EXPECT_EQ(files_in_tmp(), 0);
  EXPECT_FALSE(count(*spool_)->oldest_waiting);
}

TEST_F(JobsApi, AFormatThatIsNotReadIsCalledByItsName) {
  const std::pair<std::string, std::string> refused[] = {
      {"%PDF-1.7 and the rest of a paper", "PDF is never read here"},
      {std::string("II*\0\x08\0\0\0", 8) + std::string(300, 'x'),
       "TIFF is switched off: the configuration has 'tiff = false' below '[formats]'"}};
  config_.limits.formats.tiff = false;
  open_site();
  for (const auto& [bytes, words] : refused) {
    const Reply reply =
        post_form("/v1/jobs", form_of({form_part("name=\"a\"; filename=\"a.jpg\"", bytes)}));
    EXPECT_EQ(reply.status, 415);
    EXPECT_NE(reply.text.find(words), std::string::npos) << reply.text;
  }
  EXPECT_EQ(files_in_tmp(), 0);
}

TEST_F(JobsApi, WhatIsAskedForStandsInTheTicket) {
  const Request request = request_in(
      *spool_, submitted("?size=100x80&fit=fill&anchor=north&format=webp&quality=70&name=small"));
  ASSERT_EQ(request.renditions.size(), 1U);
  const Rendition& rendition = request.renditions.front();
  EXPECT_EQ(rendition.width_px, 100);
  EXPECT_EQ(rendition.height_px, 80);
  EXPECT_EQ(rendition.fit, Fit::fill);
  EXPECT_EQ(rendition.anchor, Anchor::north);
  EXPECT_EQ(rendition.format, Format::webp);
  EXPECT_EQ(rendition.quality, 70);
  EXPECT_EQ(rendition.name, "small");
}

TEST_F(JobsApi, TheDefaultIsWhatTheOldServiceMade) {
  const Request request = request_in(*spool_, submitted());
  EXPECT_EQ(to_json(request), to_json(Request{}));
}

TEST_F(JobsApi, AFormsFieldsAskToo) {
  const Reply reply =
      post_form("/v1/jobs", form_of({form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes()),
                                     form_part("name=\"imgq-size\"", "64x64")}));
  const Request request = request_in(*spool_, *text_in(json_of(reply), "id"));
  EXPECT_EQ(request.renditions.front().width_px, 64);
}

// One text for each field, in the order of the table.
constexpr std::pair<const char*, const char*> kAsked[] = {
    {"name", "small"},       {"width", "10"},
    {"height", "20"},        {"size", "300x200"},
    {"fit", "fill"},         {"anchor", "north"},
    {"focus", "0.25,0.5"},   {"enlarge", "true"},
    {"format", "webp"},      {"quality", "70"},
    {"progressive", "true"}, {"chroma", "444"},
    {"max_bytes", "200KiB"}, {"background", "102030"},
    {"sharpen", "0.5"},      {"trim", "true"},
    {"watermark", "logo"},   {"grey", "true"},
    {"lossless", "false"},   {"keep_copyright", "true"},
    {"recompress", "true"},  {"square_pixels", "true"},
    {"linear", "true"},      {"colours", "srgb"},
    {"animated", "false"}};

TEST_F(JobsApi, EachFieldOfARenditionIsAskedForInTheQueryOrInAForm) {
  std::string query = "?filename=a.jpg";
  std::vector<std::string> parts = {form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes())};
  ASSERT_EQ(std::size(kAsked), kRenditionFields.size());
  for (const auto& [name, text] : kAsked) {
    query += std::string("&") + name + "=" + text;
    parts.push_back(form_part(std::string("name=\"imgq-") + name + "\"", text));
  }
  const Request request = request_in(*spool_, submitted(query));
  EXPECT_EQ(
      to_json(request),
      R"({"renditions":[{"background":"#102030","chroma":"444","enlarge":true,"fit":"fill",)"
      R"("focus":"0.25,0.5","format":"webp","grey":true,"height":200,"keep_copyright":true,"linear":true,)"
      R"("max_bytes":204800,"name":"small","progressive":true,"quality":70,)"
      R"("recompress":true,"sharpen":0.5,"square_pixels":true,"trim":true,"watermark":"logo","width":300}]})");
  const Reply reply = post_form("/v1/jobs", form_of(parts));
  EXPECT_EQ(to_json(request_in(*spool_, *text_in(json_of(reply), "id"))), to_json(request));
}

TEST_F(JobsApi, WhatAnUploaderSendsForItselfAsksForNothing) {
  std::vector<std::string> parts = {form_part("name=\"name\"", "a.jpg"),
                                    form_part("name=\"type\"", "image/jpeg"),
                                    form_part("name=\"size\"", "200"),
                                    form_part("name=\"imgq-type\"", "image/jpeg"),
                                    form_part("name=\"imgq-preset\"", "web"),
                                    form_part("name=\"thumbnail\"", std::string(100'000, 'x'))};
  for (const char* field : {"format", "quality", "fit"}) {
    parts.push_back(form_part(std::string("name=\"") + field + "\"", "best"));
  }
  parts.push_back(form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes()));
  const Reply reply = post_form("/v1/jobs", form_of(parts));
  ASSERT_EQ(reply.status, 202) << reply.text;
  EXPECT_EQ(to_json(request_in(*spool_, *text_in(json_of(reply), "id"))), to_json(Request{}));
}

TEST_F(JobsApi, TheQueryCountsMoreThanTheForm) {
  const Reply reply = post_form(
      "/v1/jobs?size=64x64",
      form_of({form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes()),
               form_part("name=\"imgq-size\"", "32x32"), form_part("name=\"imgq-quality\"", "7")}));
  const Request request = request_in(*spool_, *text_in(json_of(reply), "id"));
  EXPECT_EQ(request.renditions.front().width_px, 64);
  EXPECT_EQ(request.renditions.front().quality, 7);
}

TEST_F(JobsApi, AWrongFieldOfAFormIsRefusedByItsName) {
  const Reply reply =
      post_form("/v1/jobs", form_of({form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes()),
                                     form_part("name=\"imgq-sharpen\"", "much")}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(text_in(json_of(reply), "detail"), "sharpen: 'much' is not a number from 0 to 10");
  EXPECT_EQ(files_in_tmp(), 0);
}

TEST_F(JobsApi, RenditionsMayBeGivenAsJson) {
  const Request request = request_in(
      *spool_,
      submitted("?renditions=%5B%7B%22name%22%3A%22a%22%7D%2C%7B%22name%22%3A%22b%22%7D%5D"));
  EXPECT_EQ(request.renditions.size(), 2U);
}

TEST_F(JobsApi, PresetsComeFromTheConfiguration) {
  Rendition rendition;
  rendition.name = "wide";
  config_.presets["web"] = {rendition};
  open_site();
  const Request request = request_in(*spool_, submitted("?preset=web"));
  EXPECT_EQ(request.preset, "web");
  EXPECT_EQ(request.renditions.front().name, "wide");
}

TEST_F(JobsApi, BadWishesAreRefusedBeforeTheBodyIsRead) {
  for (const char* query :
       {"?preset=none", "?size=x", "?fit=odd", "?quality=101", "?renditions=%7B", "?enlarge=maybe",
        "?name=..%2Fx", "?anchor=up", "?format=exe", "?size=99999x1"}) {
    const Reply reply = ask("POST", std::string("/v1/jobs") + query, jpeg_bytes());
    EXPECT_EQ(reply.status, 400) << query << reply.text;
    EXPECT_EQ(code_of(reply), "bad_request") << query;
  }
}

TEST_F(JobsApi, ABadWishIsToldByItsFieldAndInOurWords) {
  const std::pair<std::string, std::string> refused[] = {
      {"?quality=101", "quality: '101' is not a whole number from 1 to 100"},
      {"?enlarge=maybe", "enlarge: 'maybe' is not true or false"},
      {"?renditions=%5B%7B", "renditions: not JSON from byte 3 on"},
      {"?renditions=%5B1e999%5D", "renditions: JSON holds a number that is too large"}};
  for (const auto& [query, words] : refused) {
    EXPECT_EQ(text_in(json_of(ask("POST", "/v1/jobs" + query, jpeg_bytes())), "detail"), words);
  }
}

TEST_F(JobsApi, AnUnknownQueryFieldIsRefusedWithTheNearest) {
  const std::pair<std::string, std::string> refused[] = {
      {"?sice=9x9", "unknown query field 'sice'; did you mean 'size'?"},
      {"?size=9x9&filenam=a.jpg", "unknown query field 'filenam'; did you mean 'filename'?"},
      {"?elephant", "unknown query field 'elephant'"}};
  for (const auto& [query, words] : refused) {
    const Reply reply = ask("POST", "/v1/jobs" + query, jpeg_bytes());
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(code_of(reply), "bad_request") << query;
    EXPECT_EQ(text_in(json_of(reply), "detail"), words);
  }
  EXPECT_FALSE(count(*spool_)->oldest_waiting);
}

TEST_F(JobsApi, ElsewhereAnUnknownQueryFieldIsIgnored) {
  const std::string form = form_of({form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes()),
                                    form_part("name=\"sice\"", "9x9")});
  EXPECT_EQ(post_form("/uploadFile?sice=9x9", form).status, 200);
  EXPECT_EQ(post_form("/?sice=9x9", form).status, 303);
  EXPECT_EQ(post_form("/v1/jobs", form).status, 202);
  EXPECT_EQ(ask("GET", "/v1/jobs?sice=9x9").status, 200);
}

TEST_F(JobsApi, AKeyNamesOneJob) {
  const std::vector<Field> key = {{"Idempotency-Key", "k1"}};
  const Reply first = ask("POST", "/v1/jobs", jpeg_bytes(), key);
  const Reply again = ask("POST", "/v1/jobs", jpeg_bytes(), key);
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(field_of(first, "Location"), field_of(again, "Location"));
  EXPECT_EQ(count(*spool_)->jobs[static_cast<size_t>(State::staging)], 1);
}

TEST_F(JobsApi, AKeyUsedForSomethingElseIsAConflict) {
  const std::vector<Field> key = {{"Idempotency-Key", "k1"}};
  EXPECT_EQ(ask("POST", "/v1/jobs", jpeg_bytes(), key).status, 202);
  EXPECT_EQ(ask("POST", "/v1/jobs", jpeg_bytes(300), key).status, 409);
  const Reply reply = ask("POST", "/v1/jobs?size=9x9", jpeg_bytes(), key);
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(code_of(reply), "key_reused");
}

TEST_F(JobsApi, AKeyUsedForAnotherImageOfTheSameLengthIsAConflict) {
  const std::vector<Field> key = {{"Idempotency-Key", "k1"}};
  std::string other = jpeg_bytes(), longer = jpeg_bytes(50'000);
  other.back() = 'k';
  const Reply first = ask("POST", "/v1/jobs", jpeg_bytes(), key);
  ASSERT_EQ(first.status, 202);
  const Reply reply = ask("POST", "/v1/jobs", other, key);
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(code_of(reply), "key_reused");
  const Reply form =
      post_form("/v1/jobs", form_of({form_part("name=\"file\"; filename=\"a.jpg\"", other)}), key);
  EXPECT_EQ(form.status, 409);
  EXPECT_EQ(field_of(ask("POST", "/v1/jobs", jpeg_bytes(), key), "Location"),
            field_of(first, "Location"));
  EXPECT_EQ(ask("POST", "/v1/jobs", longer, {{"Idempotency-Key", "k2"}}).status, 202);
  longer[20'000] = 'k';
  EXPECT_EQ(ask("POST", "/v1/jobs", longer, {{"Idempotency-Key", "k2"}}).status, 409);
  EXPECT_EQ(files_in_tmp(), 0);
}

// As "imgq submit --key" leaves it: without a digest, an image of that length is taken for it.
TEST_F(JobsApi, AKeyOfASubmitterThatMakesNoDigestIsComparedByLength) {
  std::vector<Draft> drafts(1);
  drafts[0].key = "k1";
  drafts[0].request = to_json(Request{});
  drafts[0].source.emplace(std::move(*TempFile::create(*spool_)));
  ASSERT_EQ(sys::write(drafts[0].source->fd(), jpeg_bytes().data(), 200), 200);
  const auto submitted = submit(*spool_, std::move(drafts), Sync::none);
  ASSERT_TRUE(submitted.at(0)) << submitted[0].error().text();
  const std::vector<Field> key = {{"Idempotency-Key", "k1"}};
  const Reply same = ask("POST", "/v1/jobs", jpeg_bytes(), key);
  EXPECT_EQ(same.status, 202);
  EXPECT_EQ(field_of(same, "Location"), "/v1/jobs/" + submitted[0]->id.text());
  EXPECT_EQ(ask("POST", "/v1/jobs", jpeg_bytes(300), key).status, 409);
}

TEST_F(JobsApi, BadKeysAreRefused) {
  for (const std::string& key : {std::string(), std::string(256, 'k'), std::string("a b")}) {
    EXPECT_EQ(ask("POST", "/v1/jobs", jpeg_bytes(), {{"Idempotency-Key", key}}).status, 400);
  }
  const std::string form = form_of({form_part("name=\"a\"; filename=\"a.jpg\"", jpeg_bytes()),
                                    form_part("name=\"b\"; filename=\"b.jpg\"", jpeg_bytes())});
  EXPECT_EQ(post_form("/v1/jobs", form, {{"Idempotency-Key", "k"}}).status, 400);
}

TEST_F(JobsApi, EachRefusalOfAnUploadHasItsStatus) {
  config_.max_upload_bytes = 1000;
  config_.limits.formats.tiff = false;
  options_.max_body_bytes = 5000;
  open_site();
  EXPECT_EQ(ask("POST", "/v1/jobs", jpeg_bytes(1001)).status, 413);
  EXPECT_EQ(post_form("/v1/jobs", form_of({form_part("name=\"file\"", jpeg_bytes(1001))})).status,
            413);
  EXPECT_EQ(post_form("/v1/jobs", std::string(5001, 'x')).status, 413);
  EXPECT_EQ(ask("POST", "/v1/jobs", "").status, 400);
  EXPECT_EQ(ask("POST", "/v1/jobs", std::string("II*\0tiff", 8)).status, 415);
  EXPECT_EQ(post_form("/v1/jobs", "--B\r\nnonsense").status, 400);
  EXPECT_EQ(ask("POST", "/v1/jobs", "x", {{"Content-Type", "multipart/form-data"}}).status, 400);
  EXPECT_EQ(files_in_tmp(), 0);
}

TEST_F(JobsApi, NoLengthIs411) {
  const FakeBody body("", 1);
  const Head head = head_of("POST", "/v1/jobs", "Host: localhost\r\n");
  EXPECT_EQ(answer(*site_, Asked{head, body, std::ref(client_)}).status, 411);
}

TEST_F(JobsApi, NoRoomIs507) {
  config_.min_free_bytes = uint64_t{1} << 60;
  open_site();
  const Reply reply = ask("POST", "/v1/jobs", jpeg_bytes());
  EXPECT_EQ(reply.status, 507);
  EXPECT_NE(field_of(reply, "Retry-After"), "");
  EXPECT_EQ(ask("GET", "/readyz").status, 507);
}

TEST_F(JobsApi, TooManyWaitingIs429) {
  options_.max_waiting = 1;
  open_site();
  submitted();
  view_->refresh();
  const Reply reply = ask("POST", "/v1/jobs", jpeg_bytes());
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(text_in(json_of(reply), "detail"), "1 job waits already: try again later");
  EXPECT_NE(field_of(reply, "Retry-After"), "");
  options_.max_waiting = 2;
  open_site();
  submitted();
  view_->refresh();
  EXPECT_EQ(text_in(json_of(ask("POST", "/v1/jobs", jpeg_bytes())), "detail"),
            "2 jobs wait already: try again later");
}

TEST_F(JobsApi, AnUploadThatBreaksOffLeavesNothing) {
  const std::string bytes = jpeg_bytes(5000);
  FakeBody body(bytes, 1000);
  body.fail_after = 3000;
  const Head head = head_of("POST", "/v1/jobs", "Host: localhost\r\nContent-Length: 5000\r\n");
  const Reply reply = answer(*site_, Asked{head, body, std::ref(client_)});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(files_in_tmp(), 0);
  EXPECT_FALSE(count(*spool_)->oldest_waiting);
}

TEST_F(JobsApi, ACompletedJobNamesItsResults) {
  const std::string id = submitted("?filename=My%20photo.JPG");
  complete_next("result bytes");
  const Json job = json_of(ask("GET", "/v1/jobs/" + id));
  EXPECT_EQ(text_in(job, "state"), "completed");
  const Json& result = member(job, "results")->front();
  EXPECT_EQ(text_in(result, "name"), "thumb");
  EXPECT_EQ(integer_in(result, "width", 0, 1000), 500);
  EXPECT_EQ(integer_in(result, "bytes", 0, 1000), 12);
  EXPECT_EQ(text_in(result, "type"), "image/jpeg");
  EXPECT_EQ(text_in(result, "url"), "/v1/jobs/" + id + "/results/thumb");
}

TEST_F(JobsApi, AResultIsSentWithItsTypeAndASafeName) {
  const std::string id = submitted("?filename=My%22%0d%0a%20ph%C3%B6to.JPG");
  complete_next();
  for (const std::string& address :
       {"/v1/jobs/" + id + "/results/thumb", "/result/" + id, "/result/" + id + "/thumb"}) {
    const Reply reply = ask("GET", address + "?download=1");
    ASSERT_EQ(reply.status, 200) << address << reply.text;
    EXPECT_EQ(reply.type, "image/jpeg");
    ASSERT_TRUE(reply.file);
    EXPECT_EQ(reply.file->size_bytes, 12);
    EXPECT_EQ(field_of(reply, "Content-Disposition"),
              "attachment; filename=\"My____ph__to-thumb.jpg\"");
  }
  EXPECT_EQ(ask("GET", "/result/" + id + "/none").status, 404);
}

TEST_F(JobsApi, AResultIsNotSentTwiceToWhoHasIt) {
  const std::string id = submitted();
  complete_next();
  const Reply reply = ask("GET", "/result/" + id);
  const std::string etag = field_of(reply, "ETag");
  const auto status = [&](const std::string& tags) {
    return ask("GET", "/result/" + id, "", {{"If-None-Match", tags}}).status;
  };
  EXPECT_EQ(status(etag), 304);
  EXPECT_EQ(status("\"x\", W/" + etag), 304);
  EXPECT_EQ(status("*"), 304);
  EXPECT_EQ(status("\"x\""), 200);
}

TEST_F(JobsApi, AResultThatIsGoneIs410) {
  const std::string id = submitted();
  complete_next();
  const auto job = find(*spool_, *JobId::parse(id));
  const std::string path = layout::result(job->ticket.id, job->outcome->results[0].file);
  ASSERT_EQ(sys::unlinkat(spool_->root(), path.c_str(), 0), 0);
  EXPECT_EQ(ask("GET", "/result/" + id).status, 410);
}

TEST_F(JobsApi, WhatHasNoResultSaysWhy) {
  const std::string waiting = submitted();
  const Reply early = ask("GET", "/result/" + waiting);
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(code_of(early), "not_completed");
  fail_next("bad data");
  EXPECT_EQ(code_of(ask("GET", "/result/" + waiting)), "failed");
  EXPECT_EQ(ask("GET", "/v1/jobs/" + waiting + "/results").status, 409);
  const std::string cancelled = submitted();
  EXPECT_EQ(ask("DELETE", "/v1/jobs/" + cancelled).status, 200);
  EXPECT_EQ(code_of(ask("GET", "/result/" + cancelled)), "cancelled");
}

TEST_F(JobsApi, AFailedJobTellsItsErrorAndCanBeRetried) {
  const std::string id = submitted();
  fail_next("bad data");
  const Json job = json_of(ask("GET", "/v1/jobs/" + id));
  EXPECT_EQ(text_in(job, "state"), "failed");
  EXPECT_EQ(text_in(*member(job, "error"), "code"), "corrupt_image");
  EXPECT_EQ(text_in(*member(job, "error"), "message"), "bad data");
  EXPECT_EQ(*member(*member(job, "error"), "retryable"), Json(false));
  EXPECT_EQ(text_in(json_of(ask("POST", "/v1/jobs/" + id + "/retry")), "state"), "staging");
  complete_next();
  const Reply retried = ask("POST", "/v1/jobs/" + id + "/retry");
  EXPECT_EQ(retried.status, 409);
  EXPECT_EQ(text_in(json_of(retried), "detail"), "cannot retry the job: its state is completed");
  const Reply dropped = ask("DELETE", "/v1/jobs/" + id);
  EXPECT_EQ(dropped.status, 409);
  EXPECT_EQ(text_in(json_of(dropped), "detail"), "cannot cancel the job: its state is completed");
}

TEST_F(JobsApi, AnEndedJobIsPurgedWhenAskedTo) {
  const std::string address = "/v1/jobs/" + submitted();
  const Reply early = ask("DELETE", address + "?purge=true");
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(text_in(json_of(early), "detail"), "cannot purge the job: its state is staging");
  EXPECT_EQ(ask("DELETE", address + "?purge=yes").status, 400);
  complete_next();
  EXPECT_EQ(ask("DELETE", address + "?purge=false").status, 409);  // as without it
  EXPECT_EQ(ask("GET", address).status, 200);
  const Reply purged = ask("DELETE", address + "?purge=true");
  EXPECT_EQ(purged.status, 200);
  EXPECT_EQ(json_of(purged).at("purged"), true);
  EXPECT_EQ(ask("GET", address).status, 404);
  EXPECT_EQ(ask("DELETE", address + "?purge=true").status, 404);
}

TEST_F(JobsApi, AFailureThatAnotherSettingMayMendIsCalledRetryable) {
  const std::string id = submitted();
  fail_next("30000x10, limits.max_side_px is 20000", "side_too_long");
  const Json job = json_of(ask("GET", "/v1/jobs/" + id));
  EXPECT_EQ(*member(*member(job, "error"), "retryable"), Json(true));
}

TEST_F(JobsApi, TheRecordHoldsEverything) {
  const std::string id = submitted();
  complete_next();
  const Json job = json_of(ask("GET", "/jobs/" + id));
  for (const char* name : {"request", "tries", "report", "results", "max_attempts"}) {
    EXPECT_NE(member(job, name), nullptr) << name;
  }
}

// Of a job in /v1/jobs/<id>, which must say the same in the list and in its record.
class AttemptsApi : public JobsApi {
 protected:
  void expect_attempts(const std::string& id, int attempts, int attempt) {
    const Json job = json_of(ask("GET", "/v1/jobs/" + id));
    const Json record = json_of(ask("GET", "/jobs/" + id));
    const Json listed = json_of(ask("GET", "/v1/jobs"));
    for (const Json& told : {job, record, listed.at("jobs").at(0)}) {
      EXPECT_EQ(told.at("attempts"), attempts) << told;
      EXPECT_EQ(told.at("attempt"), attempt) << told;
      EXPECT_EQ(told.at("max_attempts"), 3) << told;
    }
  }
};

TEST_F(AttemptsApi, AFreshJobHasHadNone) { expect_attempts(submitted(), 0, 1); }

TEST_F(AttemptsApi, HoldAndReleaseAreNone) {
  const std::string id = submitted();
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(hold(*spool_, *JobId::parse(id)));
    ASSERT_TRUE(release(*spool_, *JobId::parse(id)));
  }
  expect_attempts(id, 0, 3);
}

TEST_F(AttemptsApi, TheRunningOneCountsAndOneThatWasGivenBackDoesNot) {
  const std::string id = submitted();
  const Claim claim = claim_next();
  expect_attempts(id, 1, 1);
  ASSERT_TRUE(owner_->release(claim));
  expect_attempts(id, 0, 2);
}

TEST_F(AttemptsApi, ThoseBeforeARetryByHandCountNoMore) {
  const std::string id = submitted();
  ASSERT_TRUE(owner_->retry_later(claim_next(), Cause{"io_error", "no", 0}, {}, Sync::none));
  expect_attempts(id, 1, 2);
  EXPECT_EQ(ask("POST", "/v1/jobs/" + id + "/retry").status, 200);  // at once: nothing is forgotten
  fail_next("bad data");
  expect_attempts(id, 2, 2);
  EXPECT_EQ(ask("POST", "/v1/jobs/" + id + "/retry").status, 200);
  expect_attempts(id, 0, 3);
  complete_next();
  expect_attempts(id, 1, 3);
}

TEST_F(JobsApi, UnknownYoungIdsAre404OldOnes410) {
  EXPECT_EQ(ask("GET", "/v1/jobs/" + JobId::generate().text()).status, 404);
  EXPECT_EQ(ask("GET", "/v1/jobs/0190aaaa-89ab-7def-8123-456789abcdef").status, 410);
  EXPECT_EQ(ask("DELETE", "/v1/jobs/0190aaaa-89ab-7def-8123-456789abcdef").status, 410);
  for (const char* bad : {"42", "..%5c..", "0190AAAA-89ab-7def-8123-456789abcdef"}) {
    const std::string id = bad;
    EXPECT_EQ(ask("GET", "/v1/jobs/" + id).status, 404);
    EXPECT_EQ(ask("GET", "/result/" + id).status, 404);
    EXPECT_EQ(ask("DELETE", "/v1/jobs/" + id).status, 404);
    EXPECT_EQ(ask("POST", "/v1/jobs/" + id + "/retry").status, 404);
  }
  config_.keep_completed = config_.keep_failed = std::chrono::seconds(0);
  open_site();
  EXPECT_EQ(ask("GET", "/v1/jobs/0190aaaa-89ab-7def-8123-456789abcdef").status, 404);
}

TEST_F(JobsApi, ATagTellsWhetherAJobChanged) {
  const std::string id = submitted();
  const std::string etag = field_of(ask("GET", "/v1/jobs/" + id), "ETag");
  const auto again = [&] { return ask("GET", "/v1/jobs/" + id, "", {{"If-None-Match", etag}}); };
  EXPECT_EQ(again().status, 304);
  complete_next();
  EXPECT_EQ(again().status, 200);
}

TEST_F(JobsApi, AWaitEndsWithTheJob) {
  const std::string id = submitted();
  client_.on_wait = [&] {
    client_.on_wait = nullptr;
    complete_next();
  };
  EXPECT_EQ(text_in(json_of(ask("GET", "/v1/jobs/" + id + "?wait=60")), "state"), "completed");
}

TEST_F(JobsApi, AWaitEndsWithTheClient) {
  const std::string id = submitted();
  client_.patience = 3;
  EXPECT_EQ(text_in(json_of(ask("GET", "/v1/jobs/" + id + "?wait=60")), "state"), "staging");
}

TEST_F(JobsApi, TooManyWaitsAreAnsweredAtOnce) {
  options_.max_held = 0;
  open_site();
  const std::string id = submitted();
  client_.on_wait = [] { FAIL() << "nobody may wait"; };
  EXPECT_EQ(ask("GET", "/v1/jobs/" + id + "?wait=60").status, 200);
}

TEST_F(JobsApi, BadNumbersAreRefused) {
  const std::string id = submitted();
  for (const char* wait : {"-1", "61", "x", "", "1e3"}) {
    EXPECT_EQ(ask("GET", "/v1/jobs/" + id + "?wait=" + std::string(wait)).status, 400) << wait;
  }
  EXPECT_EQ(ask("GET", "/v1/jobs?limit=0").status, 400);
  EXPECT_EQ(ask("GET", "/v1/jobs?limit=501").status, 400);
  EXPECT_EQ(ask("GET", "/v1/jobs?state=odd").status, 400);
}

TEST_F(JobsApi, TheListIsNewestFirst) {
  const std::string first = submitted();
  const std::string second = submitted();
  complete_next();
  const Json all = json_of(ask("GET", "/v1/jobs"));
  ASSERT_EQ(member(all, "jobs")->size(), 2U);
  EXPECT_EQ(text_in(member(all, "jobs")->at(0), "id"), second);
  EXPECT_EQ(text_in(member(all, "jobs")->at(1), "id"), first);
  EXPECT_EQ(member(json_of(ask("GET", "/v1/jobs?limit=1")), "jobs")->size(), 1U);
  const Json done = json_of(ask("GET", "/v1/jobs?state=completed"));
  ASSERT_EQ(member(done, "jobs")->size(), 1U);
  EXPECT_EQ(text_in(member(done, "jobs")->at(0), "id"), first);
}

}  // namespace
}  // namespace imgq::web
