#include "spool/list.h"
#include "tests/web/site_fixture.h"

// The old service's replies, to the byte.
namespace imgq::web {
namespace {

class OldApi : public SiteTest {
 protected:
  std::string uploaded() {
    const Reply reply = post_form(
        "/uploadFile", form_of({form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes())}));
    EXPECT_EQ(reply.status, 200) << reply.text;
    return text_in(json_of(reply), "file_id").value_or("");
  }
};

TEST_F(OldApi, AnUploadIsAnsweredWithItsId) {
  const std::string id = uploaded();
  ASSERT_TRUE(JobId::parse(id));
  EXPECT_EQ(
      post_form("/uploadFile", form_of({form_part("name=file", jpeg_bytes())})).text.substr(0, 53),
      "{\"result\":\"File Uploaded successfully !!\",\"file_id\":\"");
}

TEST_F(OldApi, TheStagesAreToldAsTheyCome) {
  const std::string id = uploaded();
  const auto stage = [&] { return ask("GET", "/queryFileStatus/" + id).text; };
  EXPECT_EQ(stage(), "{\"result\":\"STAGING STAGE\",\"file_id\":\"" + id + "\"}");
  const Claim claim = claim_next();
  EXPECT_EQ(stage(), "{\"result\":\"PROCESSING STAGE\",\"file_id\":\"" + id + "\"}");
  ASSERT_TRUE(owner_->release(claim));
  complete_next();
  EXPECT_EQ(stage(), "{\"result\":\"COMPLETION STAGE\",\"file_id\":\"" + id + "\"}");
}

TEST_F(OldApi, AFailureIsToldWithItsReason) {
  const std::string id = uploaded();
  fail_next("data is \"damaged\"");
  const Reply reply = ask("GET", "/queryFileStatus/" + id);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text, "{\"result\":\"FAILED STAGE\",\"file_id\":\"" + id +
                            "\",\"reason\":\"data is \\\"damaged\\\"\"}");
}

TEST_F(OldApi, AnUnknownIdIsNotFound) {
  for (const char* id : {"01234567-89ab-7def-8123-456789abcdef", "42", "a%22b"}) {
    EXPECT_EQ(ask("GET", std::string("/queryFileStatus/") + id).status, 400);
  }
  EXPECT_EQ(ask("GET", "/queryFileStatus/42").text,
            "{\"result\":\"ID NOT FOUND !!\",\"file_id\":\"42\"}");
  EXPECT_EQ(ask("GET", "/queryFileStatus/a%22b").text,
            "{\"result\":\"ID NOT FOUND !!\",\"file_id\":\"a\\\"b\"}");
}

TEST_F(OldApi, ARequestWithoutTheFileKeyIsRefused) {
  const std::string expected = "{\"result\":\"file key not found in request\"}";
  for (const Reply& reply :
       {post_form("/uploadFile",
                  form_of({form_part("name=\"other\"; filename=\"a.jpg\"", jpeg_bytes())})),
        post_form("/uploadFile", form_of({})), ask("POST", "/uploadFile"),
        ask("POST", "/uploadFile", "a=b",
            {{"Content-Type", "application/x-www-form-urlencoded"}})}) {
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.text, expected);
  }
}

TEST_F(OldApi, AFormWithoutALengthIs411) {
  const Head head = head_of("POST", "/uploadFile",
                            "Host: localhost\r\n"
                            "Content-Type: multipart/form-data; boundary=B\r\n");
  const FakeBody body("", 1);
  const Reply reply = answer(*site_, Asked{head, body, std::ref(client_)});
  EXPECT_EQ(reply.status, 411);
  EXPECT_TRUE(text_in(json_of(reply), "result")) << reply.text;
}

TEST_F(OldApi, AnEmptyFileIsRefused) {
  const Reply reply =
      post_form("/uploadFile", form_of({form_part("name=\"file\"; filename=\"a.jpg\"", "")}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.text, "{\"result\":\"Empty file received\"}");
}

TEST_F(OldApi, WhatIsNoImageIs415WhateverItsName) {
  const Reply reply = post_form(
      "/uploadFile", form_of({form_part("name=\"file\"; filename=\"a.jpg\"", "just some text")}));
  EXPECT_EQ(reply.status, 415);
  EXPECT_EQ(files_in_tmp(), 0);
}

TEST_F(OldApi, TheHeartBeats) {
  const Reply reply = ask("GET", "/heartbeat");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.type, "application/json");
  EXPECT_EQ(reply.text, "{\"result\":\"beating\"}");
}

TEST_F(OldApi, ASecondFileIsLeftOut) {
  const Reply reply = post_form(
      "/uploadFile", form_of({form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes()),
                              form_part("name=\"file\"; filename=\"b.jpg\"", jpeg_bytes(90'000))}));
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(count(*spool_)->jobs[static_cast<size_t>(State::staging)], 1);
}

TEST_F(OldApi, NothingIsReadButTheFile) {
  const Reply reply =
      post_form("/uploadFile?size=9x9&preset=none",
                form_of({form_part("name=\"preset\"", "none"),
                         form_part("name=\"imgq-size\"", "9x9"), form_part("name=\"size\"", "9x9"),
                         form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes())}));
  ASSERT_EQ(reply.status, 200) << reply.text;
  const auto job = find(*spool_, *JobId::parse(*text_in(json_of(reply), "file_id")));
  EXPECT_EQ(job->ticket.request, to_json(Request{}));
}

}  // namespace
}  // namespace imgq::web
