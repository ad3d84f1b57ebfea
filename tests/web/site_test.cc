#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "spool/cordon.h"
#include "spool/list.h"
#include "src/base/verdict.h"
#include "src/jobs/metric_text.h"
#include "src/jobs/spool_metrics.h"
#include "src/util/sys.h"
#include "src/web/page.h"
#include "tests/web/site_fixture.h"

namespace imgq::web {
namespace {

using Routing = SiteTest;
using Access = SiteTest;
using Page = SiteTest;
using Events = SiteTest;
using Metrics = SiteTest;

TEST_F(Routing, UnknownAddressesAre404) {
  for (const char* target :
       {"/nothing", "/v1", "/v1/jobs/", "//v1//jobs//", "/uploadFile/", "/a/b/c/d/e/f"}) {
    EXPECT_EQ(ask("GET", target).status, 404) << target;
  }
}

TEST_F(Routing, SlashesThatFollowOneAnotherCountAsOne) {
  const std::string id = submitted();
  for (const std::string& target : {std::string("//"), std::string("//v1/jobs"),
                                    "/v1//jobs///" + id, "//queryFileStatus//" + id}) {
    EXPECT_EQ(ask("GET", target).status, 200) << target;
  }
  EXPECT_EQ(field_of(ask("PUT", "//v1/jobs"), "Allow"), "OPTIONS, POST, GET, HEAD");
}

TEST_F(Routing, AnotherMethodIs405AndTellsWhichAreAllowed) {
  const Reply reply = ask("PUT", "/v1/jobs");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(field_of(reply, "Allow"), "OPTIONS, POST, GET, HEAD");
  EXPECT_EQ(ask("DELETE", "/uploadFile").status, 405);
  EXPECT_EQ(ask("OPTIONS", "/v1/jobs").status, 200);
}

TEST_F(Routing, AMethodThatNoAddressTakesIs405) { EXPECT_EQ(ask("TRACE", "/").status, 405); }

TEST_F(Routing, HeadIsAnsweredAsGet) { EXPECT_EQ(ask("HEAD", "/heartbeat").status, 200); }

TEST_F(Access, WithoutTheTokenOnlyLifeIsShown) {
  options_.token = "0123456789abcdef";
  open_site();
  for (const char* target : {"/", "/v1/jobs", "/metrics", "/openapi.json", "/nothing", "/v1/events",
                             "/queryFileStatus/42", "/page.js", "//v1/jobs"}) {
    EXPECT_EQ(ask("GET", target).status, 401) << target;
  }
  EXPECT_EQ(ask("POST", "/uploadFile").status, 401);
  for (const char* target : {"/livez", "/readyz", "/healthz", "/heartbeat"}) {
    EXPECT_EQ(ask("GET", target).status, 200) << target;
  }
}

TEST_F(Access, TheTokenOpensAsBearerAndAsPassword) {
  options_.token = "0123456789abcdef";
  open_site();
  const auto status = [&](const std::string& authorization) {
    return ask("GET", "/v1/jobs", "", {{"Authorization", authorization}}).status;
  };
  EXPECT_EQ(status("Bearer 0123456789abcdef"), 200);
  EXPECT_EQ(status("bearer  0123456789abcdef"), 200);
  EXPECT_EQ(status("Basic eDowMTIzNDU2Nzg5YWJjZGVm"), 200);
  for (const char* wrong : {"Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer",
                            "Bearer ", "Basic 0123456789abcdef", "Basic MDEyMzQ1Njc4OWFiY2RlZg==",
                            "0123456789abcdef", "Digest 0123456789abcdef"}) {
    EXPECT_EQ(status(wrong), 401) << wrong;
  }
}

TEST_F(Access, AnotherSitesPageChangesNothing) {
  const auto status = [&](const std::string& origin) {
    return ask("POST", "/v1/jobs", jpeg_bytes(), {{"Origin", origin}}).status;
  };
  EXPECT_EQ(status("http://localhost"), 202);
  EXPECT_EQ(status("http://evil.example"), 403);
  EXPECT_EQ(status("null"), 403);
  EXPECT_EQ(ask("DELETE", "/v1/jobs/42", "", {{"Origin", "http://evil.example"}}).status, 403);
}

TEST_F(Access, AStrangeHostIsNotAnswered) {
  const auto status = [&](const std::string& host) {
    return ask_host(host, "GET", "/heartbeat").status;
  };
  for (const char* host : {"localhost", "LOCALHOST:8080", "127.0.0.1:9", "[::1]:80", "10.1.2.3"}) {
    EXPECT_EQ(status(host), 200) << host;
  }
  for (const char* host :
       {"evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example"}) {
    EXPECT_EQ(status(host), 421) << host;
  }
  options_.hosts.emplace_back("imgq.example");
  open_site();
  EXPECT_EQ(status("imgq.example:443"), 200);
}

TEST_F(Page, ItsAddressesAreRelative) {
  submitted();
  complete_next();
  submitted();
  fail_next("why");
  submitted();
  view_->refresh();
  const std::string text = ask("GET", "/").text;
  for (const char* from_above : {"href=\"/", "src=\"/", "action=\"/", "url=/"}) {
    EXPECT_EQ(text.find(from_above), std::string::npos) << from_above;
  }
  const std::string script = ask("GET", "/page.js").text;
  for (const char* from_above : {"\"/", "`/"}) {
    EXPECT_EQ(script.find(from_above), std::string::npos) << from_above;
  }
}

TEST_F(Page, NamesCannotBreakOutOfIt) {
  const std::string id = submitted("?filename=%3Cscript%3E%22'%26.jpg");
  fail_next("<b>\"why\"</b>");
  view_->refresh();
  const Reply reply = ask("GET", "/");
  EXPECT_EQ(reply.text.find("<script>\""), std::string::npos);
  EXPECT_NE(reply.text.find("&lt;script&gt;&quot;&#39;&amp;.jpg"), std::string::npos);
  EXPECT_NE(reply.text.find("&lt;b&gt;&quot;why&quot;&lt;/b&gt;"), std::string::npos);
  EXPECT_NE(reply.text.find("data-id=\"" + id + "\""), std::string::npos);
}

TEST_F(Page, AllowsNothingFromOutside) {
  const Reply reply = ask("GET", "/");
  const std::string policy = field_of(reply, "Content-Security-Policy");
  EXPECT_EQ(policy.find("default-src 'none'"), 0U);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  for (const char* outside : {"http://", "https://", " style=", " onclick=", "javascript:"}) {
    EXPECT_EQ(reply.text.find(outside), std::string::npos) << outside;
  }
}

TEST_F(Page, WorksAsAFormAndATable) {
  const Reply sent =
      post_form("/", form_of({form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes()),
                              form_part("name=\"file\"; filename=\"b.txt\"", "text"),
                              form_part("name=\"preset\"", "")}));
  EXPECT_EQ(sent.status, 303);
  EXPECT_EQ(field_of(sent, "Location"), "./?taken=1&refused=1&preset=");
  const std::string text = ask("GET", "/?taken=1&refused=1").text;
  EXPECT_NE(text.find("1 image taken in, 1 file refused: it is no image"), std::string::npos);
  EXPECT_NE(ask("GET", "/?taken=2&refused=3")
                .text.find("2 images taken in, 3 files refused: they are no images"),
            std::string::npos);
  EXPECT_NE(text.find("a.jpg"), std::string::npos);
  const std::string id = count(*spool_)->oldest_waiting->text();
  EXPECT_EQ(ask("POST", "/jobs/" + id + "/cancel").status, 303);
  EXPECT_EQ(state_of(*spool_, *JobId::parse(id)).operator*(), State::cancelled);
  EXPECT_EQ(field_of(ask("POST", "/jobs/" + id + "/retry"), "Location"), "../../?moved=1");
  EXPECT_EQ(ask("POST", "/jobs/" + id + "/eat").status, 404);
}

TEST_F(Page, EachLinkAndButtonIsNamedWithItsImage) {
  submitted("?filename=a%22.jpg");
  complete_next();
  submitted("?filename=b.jpg");
  view_->refresh();
  const std::string text = ask("GET", "/").text;
  for (const char* named :
       {"class=\"thumb\" href=\"result/", " aria-label=\"Thumbnail: a&quot;.jpg\"",
        " aria-label=\"Download: a&quot;.jpg\"", " aria-label=\"Cancel: b.jpg\""}) {
    EXPECT_NE(text.find(named), std::string::npos) << named;
  }
}

TEST_F(Page, WhatWentWrongIsToldWithItsMeaning) {
  submitted();
  fail_next("<the end>", "truncated");
  view_->refresh();
  const std::string told =
      "<span class=\"bad\" title=\"" + html(explain(Code::truncated)) + "\">&lt;the end&gt;</span>";
  EXPECT_NE(ask("GET", "/").text.find(told), std::string::npos);
}

TEST_F(Page, ATileIsColouredWhileItsNumberIsNotNought) {
  const auto failed_tile = [&](const std::string& shown) {
    return ask("GET", "/").text.find("<div class=\"" + shown) != std::string::npos;
  };
  EXPECT_TRUE(failed_tile("failed\"><dt>Failed</dt><dd id=\"n-failed\">0</dd>"));
  submitted();
  fail_next("why");
  view_->refresh();
  EXPECT_TRUE(failed_tile("failed some\"><dt>Failed</dt><dd id=\"n-failed\">1</dd>"));
}

TEST_F(Page, TryAgainIsOfferedWhereItMayHelp) {
  const auto offered = [&](const char* code) {
    submitted();
    fail_next("why", code);
    view_->refresh();
    return ask("GET", "/").text.find(">Try again<") != std::string::npos;
  };
  for (const char* code : {"empty_file", "not_an_image", "unsupported_format", "truncated",
                           "corrupt_image", "bad_request"}) {
    EXPECT_FALSE(offered(code)) << code;
  }
  EXPECT_TRUE(offered("too_large"));
}

// What the form asks for, as the ticket of its job has it.
Rendition asked_by_form(const Spool& spool) {
  const auto job = find(spool, *count(spool)->oldest_waiting);
  return parse_request(job->ticket.request, "ticket")->renditions.front();
}

TEST_F(Page, SizeAndFormatAreTakenFromTheForm) {
  const Reply sent =
      post_form("/", form_of({form_part("name=\"imgq-size\"", "320x320"),
                              form_part("name=\"imgq-format\"", "webp"),
                              form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes())}));
  EXPECT_EQ(field_of(sent, "Location"), "./?taken=1&refused=0&size=320x320&format=webp");
  EXPECT_EQ(asked_by_form(*spool_).width_px, 320);
  EXPECT_EQ(asked_by_form(*spool_).format, Format::webp);
}

TEST_F(Page, APresetThatIsChosenCountsMoreThanSizeAndFormat) {
  Rendition rendition;
  rendition.width_px = 99;
  config_.presets["web"] = {rendition};
  open_site();
  EXPECT_NE(ask("GET", "/")
                .text.find("<option value=\"\">none</option><option value=\"web\">web</option>"),
            std::string::npos);
  post_form(
      "/", form_of({form_part("name=\"preset\"", "web"), form_part("name=\"imgq-size\"", "320x320"),
                    form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes())}));
  EXPECT_EQ(asked_by_form(*spool_).width_px, 99);
}

TEST_F(Page, WhatWasChosenIsStillChosenAfterAnUpload) {
  config_.presets["default"] = config_.presets["web"] = {Rendition{}};
  open_site();
  const std::string file = form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes());
  const Reply sent = post_form(
      "/", form_of({form_part("name=\"preset\"", ""), form_part("name=\"imgq-size\"", "320x320"),
                    form_part("name=\"imgq-format\"", "webp"), file}));
  const std::string address = field_of(sent, "Location");
  EXPECT_EQ(address, "./?taken=1&refused=0&preset=&size=320x320&format=webp");
  const std::string text = ask("GET", address.substr(1)).text;
  for (const char* chosen : {"\" selected>none<", "320x320\" selected>", "webp\" selected>",
                             "5;url=./?preset=&amp;size=320x320&amp;format=webp\""}) {
    EXPECT_NE(text.find(chosen), std::string::npos) << chosen;
  }
  EXPECT_EQ(text.find("jpeg\" selected"), std::string::npos);
  EXPECT_NE(ask("GET", "/").text.find("default\" selected>default<"), std::string::npos);
}

TEST_F(Page, WhatNobodyCouldChooseIsNotTakenOver) {
  const Reply sent =
      post_form("/", form_of({form_part("name=\"imgq-size\"", std::string(100, '0') + "320x320"),
                              form_part("name=\"other\"", "1"),
                              form_part("name=\"file\"; filename=\"a.jpg\"", jpeg_bytes())}));
  EXPECT_EQ(field_of(sent, "Location"), "./?taken=1&refused=0");
  const std::string text = ask("GET", "/?size=321x321&format=%22%3E%3Cb%3E&preset=%0D%0A").text;
  EXPECT_NE(text.find("500x500\" selected>"), std::string::npos);
  EXPECT_NE(text.find("jpeg\" selected>"), std::string::npos);
  EXPECT_EQ(text.find("<option value=\"321"), std::string::npos);
  EXPECT_EQ(text.find("\"><b>"), std::string::npos);
}

TEST_F(Page, OnlySizesAndFormatsThatAreMadeHereAreOffered) {
  const auto offers = [&](const std::string& option) {
    return ask("GET", "/").text.find("<option value=\"" + option) != std::string::npos;
  };
  EXPECT_TRUE(offers("500x500\" selected>"));
  EXPECT_TRUE(offers("2560x2560\">"));
  EXPECT_TRUE(offers("jpeg\" selected>"));
  EXPECT_TRUE(offers("avif\""));
  config_.limits.formats.avif = false;
  config_.limits.max_result_side_px = 400;
  open_site();
  EXPECT_TRUE(offers("320x320\" selected>"));
  EXPECT_FALSE(offers("500x500\""));
  EXPECT_FALSE(offers("avif\""));
  config_.limits.max_result_side_px = 64;
  open_site();
  EXPECT_TRUE(offers("64x64\" selected>"));
  EXPECT_FALSE(offers("160x160\""));
}

TEST_F(Page, WithoutAScriptItIsAskedForAgainOnlyWhileSomethingMoves) {
  const auto refreshes = [&] {
    view_->refresh();
    return ask("GET", "/").text.find("http-equiv=\"refresh\"") != std::string::npos;
  };
  EXPECT_FALSE(refreshes());
  submitted();
  EXPECT_TRUE(refreshes());
  complete_next();
  EXPECT_FALSE(refreshes());
}

TEST_F(Page, AFormWithoutAFileIsToldSo) {
  const Reply sent = post_form("/", form_of({form_part("name=\"file\"; filename=\"\"", "")}));
  EXPECT_EQ(sent.status, 303);
  EXPECT_EQ(field_of(sent, "Location"), "./?none=1");
}

TEST_F(Page, NoticesAreOursAlone) {
  const std::string text = ask("GET", "/?taken=%3Cb%3E&refused=%3Cb%3E&moved=1").text;
  EXPECT_NE(text.find("0 images taken in."), std::string::npos);
}

TEST_F(Page, AssetsHaveTheirTypes) {
  EXPECT_EQ(ask("GET", "/page.js").type, "text/javascript; charset=utf-8");
  EXPECT_EQ(ask("GET", "/page.css").type, "text/css; charset=utf-8");
  EXPECT_EQ(ask("GET", "/icon.svg").type, "image/svg+xml");
}

TEST(Html, WhatDoesNotShowIsEscaped) {
  EXPECT_EQ(html("a\n\x1b[1m\xff<"), "a\\x0a\\x1b[1m\\xff&lt;");
}

// Runs a stream until it has said `what`, or the client's patience is over.
std::string heard_until(const Reply& reply, FakeClient& client, const std::string& what) {
  std::string heard;
  reply.stream(std::ref(client), [&](std::string_view bytes) {
    heard += bytes;
    return heard.find(what) == std::string::npos;
  });
  return heard;
}

TEST_F(Events, AStreamBeginsWithWhatThereIs) {
  const std::string id = submitted();
  view_->refresh();
  const Reply reply = ask("GET", "/v1/events");
  EXPECT_EQ(reply.type, "text/event-stream");
  const std::string heard = heard_until(reply, client_, id);
  EXPECT_NE(heard.find("event: counts\n"), std::string::npos);
  EXPECT_NE(heard.find("event: job\n"), std::string::npos);
}

TEST_F(Events, AChangeIsToldOnce) {
  const std::string id = submitted();
  view_->refresh();
  int waits = 0;
  client_.on_wait = [&] {
    if (++waits == 1) complete_next();
    view_->refresh();
  };
  client_.patience = 20;
  const std::string heard = heard_until(ask("GET", "/v1/events"), client_, "\"completed\",");
  EXPECT_NE(heard.find("\"state\":\"staging\""), std::string::npos);
  EXPECT_NE(heard.find("\"state\":\"completed\""), std::string::npos);
  size_t jobs = 0;
  for (size_t at = 0; (at = heard.find("event: job", at)) != std::string::npos; ++at) ++jobs;
  EXPECT_EQ(jobs, 2U) << heard;
}

TEST_F(Events, MoreStreamsThanAllowedAre503) {
  options_.max_held = 1;
  open_site();
  const auto first = std::make_unique<Reply>(ask("GET", "/v1/events"));
  EXPECT_EQ(ask("GET", "/v1/events").status, 503);
}

TEST_F(Events, AStreamThatEndedMakesRoom) {
  options_.max_held = 1;
  open_site();
  EXPECT_EQ(ask("GET", "/v1/events").status, 200);
  EXPECT_EQ(ask("GET", "/v1/events").status, 200);
}

TEST_F(Metrics, JobsAreCountedByStateAndAsTheyEnd) {
  submitted();
  submitted();
  submitted();
  view_->refresh();
  complete_next();
  fail_next("why");
  ASSERT_TRUE(cordon(*spool_, "web9"));
  view_->refresh();
  const std::string text = ask("GET", "/metrics").text;
  const std::string spool = "{spool=\"" + spool_->path() + "\"";
  for (const char* row :
       {"imgq_jobs,state=\"staging\"} 1\n", "imgq_jobs,state=\"completed\"} 1\n",
        "imgq_jobs_finished_total,result=\"completed\"} 1\n",
        "imgq_jobs_finished_total,result=\"failed\"} 1\n", "imgq_job_duration_seconds_count} 2\n",
        "imgq_spool_up} 1\n", "imgq_daemons} 1\n", "imgq_corrupt_files} 0\n",
        "imgq_host_cordoned,host=\"web9\"} 1\n", "imgq_http_received_bytes_total} 600\n",
        "imgq_http_requests_total,route=\"/v1/jobs\",status=\"202\"} 3\n"}) {
    std::string whole = row;
    EXPECT_NE(text.find(whole.insert(whole.find_first_of(",}"), spool)), std::string::npos)
        << whole << text;
  }
}

// Its clock is far off; a look that comes while it is still unseen is followed by another.
TEST_F(Metrics, ADaemonOfAnotherHostIsCountedOnceItsHeartWasSeenToBeat) {
  open_site();
  const std::string folder =
      spool_->path() + "/processing/elsewhere.00000000000000000000000000000000.7.00000000000000aa";
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/.alive").close();
  const auto beat = [&folder](int seconds) {
    const auto then = std::filesystem::file_time_type::clock::now() - std::chrono::hours(2);
    std::filesystem::last_write_time(folder + "/.alive", then + std::chrono::seconds(seconds));
  };
  beat(0);
  view_->refresh();
  EXPECT_TRUE(view_->view()->figures.unseen);
  const int64_t before = view_->view()->figures.daemons;
  beat(2);
  view_->refresh();
  EXPECT_FALSE(view_->view()->figures.unseen);
  EXPECT_EQ(view_->view()->figures.daemons, before + 1);
}

TEST_F(Metrics, ThePageSaysThatEveryHostWithADaemonIsCordoned) {
  open_site();
  const std::string words = "Every host with a daemon is cordoned";
  EXPECT_EQ(ask("GET", "/").text.find(words), std::string::npos);
  ASSERT_TRUE(cordon(*spool_, sys::identity().host));
  view_->refresh();
  EXPECT_NE(ask("GET", "/").text.find(words), std::string::npos);
}

TEST_F(Metrics, EverySeriesSaysOfWhichSpoolItIs) {
  submitted();
  ask("GET", "/healthz");
  view_->refresh();
  std::istringstream text(ask("GET", "/metrics").text);
  int rows = 0;
  for (std::string line; std::getline(text, line); ++rows) {
    if (line.starts_with("#")) continue;
    EXPECT_NE(line.find("{spool=\"" + spool_->path() + "\""), std::string::npos) << line;
  }
  EXPECT_GT(rows, 40);
}

TEST(MetricText, EscapesWhatAPathMayHold) {
  const std::map<std::string, std::string> values = {
      {"/a/../d", "/d"}, {"/a\"b\\c\nd", R"(/a\"b\\c\nd)"}, {"/\xff", R"(/\\xff)"}};
  for (const auto& [path, value] : values) {
    MetricText out(path);
    out.gauge("x", "y", "1");
    EXPECT_NE(out.take().find("x{spool=\"" + value + "\"} 1"), std::string::npos) << value;
  }
}

TEST_F(Metrics, TheSpoolsFiguresAreThoseThatStatsPrints) {
  submitted();
  view_->refresh();
  const auto view = view_->view();
  const std::string text = ask("GET", "/metrics").text;
  MetricText out(spool_->path());
  write_metrics(view->figures, out);
  const std::string figures = out.take();
  EXPECT_EQ(text.substr(0, figures.size()), figures);
  EXPECT_NE(figures.find("} " + std::to_string(view->figures.room.free_bytes) + "\n"),
            std::string::npos)
      << figures;
}

TEST_F(Metrics, JobsThatComeAndGoBetweenTwoLooksAreCountedOnce) {
  for (int i = 0; i < 5; ++i) {
    submitted();
    complete_next();
  }
  view_->refresh();
  view_->refresh();
  EXPECT_EQ(view_->view()->totals.finished[static_cast<size_t>(Ending::completed)], 5);
  EXPECT_EQ(view_->view()->last_minute, 5);
}

TEST_F(Metrics, NoLabelHoldsAClientsWords) {
  (void)ask("GET", "/evil%22%7D");
  (void)ask("GET", "/v1/jobs/evil%22%7D");
  EXPECT_EQ(ask("GET", "/metrics").text.find("evil"), std::string::npos);
}

TEST_F(Routing, TheDescriptionNamesEveryRoute) {
  const Json api = json_of(ask("GET", "/openapi.json"));
  ASSERT_NE(member(api, "paths"), nullptr);
  for (const char* path :
       {"/uploadFile", "/queryFileStatus/{id}", "/heartbeat", "/v1/jobs", "/v1/jobs/{id}",
        "/v1/jobs/{id}/retry", "/v1/jobs/{id}/results", "/v1/jobs/{id}/results/{name}",
        "/v1/events", "/jobs/{id}", "/result/{id}", "/result/{id}/{name}", "/livez", "/readyz",
        "/healthz", "/metrics", "/openapi.json", "/imgq.schema.json", "/"}) {
    EXPECT_TRUE(member(api, "paths")->contains(path)) << path;
  }
}

}  // namespace
}  // namespace imgq::web
