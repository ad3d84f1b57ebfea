#include <algorithm>
#include <string>
#include <vector>

#include "src/util/log.h"
#include "src/web/public_url.h"
#include "src/web/request_log.h"
#include "tests/web/site_fixture.h"

// Proxies in front, pages of others, and what the log says of who asked.
namespace imgq::web {
namespace {

using OtherPages = SiteTest;
using CrossOrigin = SiteTest;
using Public = SiteTest;
using Log = SiteTest;

TEST_F(OtherPages, OneOfAHostOfOursMayChangeThingsByAnySchemeAndPort) {
  options_.own_hosts = {"img.example.org"};
  options_.hosts.emplace_back("img.example.org");
  open_site();
  const auto status = [&](const std::string& host, const std::string& origin) {
    return ask_host(host, "DELETE", "/v1/jobs/42", {{"Origin", origin}}).status;
  };
  for (const char* host : {"127.0.0.1:8080", "img.example.org", "localhost"}) {
    EXPECT_EQ(status(host, "https://img.example.org"), 404) << host;
    EXPECT_EQ(status(host, "http://IMG.example.org:8443"), 404) << host;
    EXPECT_EQ(status(host, "https://img.example.org.evil.example"), 403) << host;
    EXPECT_EQ(status(host, "https://evil.example"), 403) << host;
  }
  // Answering to a name makes it no one's own: anybody may run a page on this machine.
  EXPECT_EQ(status("127.0.0.1:8080", "http://localhost:3000"), 403);
}

TEST_F(OtherPages, ARefusalIsToldOnceWithBothValues) {
  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) {
    ask("DELETE", "/v1/jobs/42", "", {{"Origin", "https://evil.example"}});
  }
  ask_host("127.0.0.1:9", "DELETE", "/v1/jobs/42", {{"Origin", "https://evil.example"}});
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 2) << told;
  EXPECT_NE(told.find("origin=https://evil.example host=localhost\n"), std::string::npos) << told;
  EXPECT_NE(told.find("host=127.0.0.1:9\n"), std::string::npos) << told;
}

TEST_F(OtherPages, CannotFillTheLog) {
  testing::internal::CaptureStderr();
  for (int i = 0; i < 300; ++i) {
    ask("DELETE", "/v1/jobs/42", "", {{"Origin", "http://e" + std::to_string(i)}});
  }
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 100);
}

TEST_F(CrossOrigin, NothingIsSharedByDefault) {
  const std::vector<Field> guest = {{"Origin", "https://app.example"},
                                    {"Access-Control-Request-Method", "POST"}};
  for (const char* method : {"GET", "OPTIONS"}) {
    const Reply reply = ask(method, "/v1/jobs", "", guest);
    EXPECT_EQ(field_of(reply, "Access-Control-Allow-Origin"), "");
    EXPECT_EQ(field_of(reply, "Access-Control-Allow-Methods"), "");
    EXPECT_EQ(field_of(reply, "Vary"), "");
  }
}

TEST_F(CrossOrigin, AnAllowedOriginsPageMayUseTheApi) {
  options_.origins = {"https://app.example"};
  open_site();
  const std::vector<Field> guest = {{"Origin", "https://app.example"}};
  const Reply sent = ask("POST", "/v1/jobs", jpeg_bytes(), guest);
  EXPECT_EQ(sent.status, 202);
  EXPECT_EQ(field_of(sent, "Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_NE(field_of(sent, "Access-Control-Expose-Headers").find("Location"), std::string::npos);
  EXPECT_EQ(field_of(ask("GET", "/v1/jobs/42", "", guest), "Access-Control-Allow-Origin"),
            "https://app.example");  // of refusals, too
  for (const char* other : {"https://app.example:8443", "http://app.example", "null"}) {
    const Reply refused = ask("POST", "/v1/jobs", jpeg_bytes(), {{"Origin", other}});
    EXPECT_EQ(refused.status, 403) << other;
    EXPECT_EQ(field_of(refused, "Access-Control-Allow-Origin"), "") << other;
  }
  EXPECT_EQ(field_of(ask("GET", "/v1/jobs"), "Vary"), "Origin");  // or a cache hands it to others
}

TEST_F(CrossOrigin, TheRestIsNotShared) {
  options_.origins = {"https://app.example"};
  open_site();
  const std::vector<Field> guest = {{"Origin", "https://app.example"}};
  for (const char* target : {"/", "/uploadFile", "/jobs/42/cancel"}) {
    const Reply reply = ask("POST", target, "", guest);
    EXPECT_EQ(reply.status, 403) << target;
    EXPECT_EQ(field_of(reply, "Access-Control-Allow-Origin"), "") << target;
  }
  EXPECT_EQ(field_of(ask("GET", "/metrics", "", guest), "Access-Control-Allow-Origin"), "");
}

TEST_F(CrossOrigin, ABrowserMayAskFirstWithoutTheToken) {
  options_.origins = {"https://app.example"};
  options_.token = "0123456789abcdef";
  open_site();
  const std::vector<Field> guest = {{"Origin", "https://app.example"},
                                    {"Access-Control-Request-Method", "DELETE"}};
  const Reply said = ask("OPTIONS", "/v1/jobs/42", "", guest);
  EXPECT_EQ(said.status, 200);
  EXPECT_EQ(field_of(said, "Access-Control-Allow-Methods"), "OPTIONS, GET, HEAD, DELETE");
  EXPECT_NE(field_of(said, "Access-Control-Allow-Headers").find("Authorization"),
            std::string::npos);
  EXPECT_EQ(field_of(said, "Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(ask("OPTIONS", "/v1/jobs/42", "", {guest.front()}).status, 401);
  EXPECT_EQ(ask("OPTIONS", "/metrics", "", guest).status, 401);
  EXPECT_EQ(ask("GET", "/v1/jobs", "", guest).status, 401);
}

TEST_F(Public, LinksBeginWithTheAddressThatAProxyGives) {
  options_.public_url = *parse_public_url("https://img.example.org/imgq/");
  open_site();
  const Reply sent = ask("POST", "/v1/jobs", jpeg_bytes());
  const std::string id = text_in(json_of(sent), "id").value();
  const std::string address = "https://img.example.org/imgq/v1/jobs/" + id;
  EXPECT_EQ(field_of(sent, "Location"), address);
  EXPECT_NE(sent.text.find("\"self\":\"" + address + "\""), std::string::npos) << sent.text;
  complete_next();
  const std::string result = "\"url\":\"" + address + "/results/thumb\"";
  for (const std::string& target : {"/v1/jobs/" + id, "/jobs/" + id, std::string("/v1/jobs")}) {
    const std::string text = ask("GET", target).text;
    EXPECT_NE(text.find("\"results\":\"" + address + "/results\""), std::string::npos) << text;
    EXPECT_NE(text.find(result), std::string::npos) << text;
  }
  EXPECT_NE(ask("GET", "/v1/jobs/" + id + "/results").text.find(result), std::string::npos);
  const std::string servers = dump_json(*member(json_of(ask("GET", "/openapi.json")), "servers"));
  EXPECT_EQ(servers, "[{\"url\":\"https://img.example.org/imgq\"}]");
}

TEST_F(Public, ThePrefixMayBeCutOffOrLeft) {
  options_.public_url = *parse_public_url("https://img.example.org/a/imgq");
  open_site();
  const std::string id = submitted();
  for (const std::string& target :
       {std::string("/"), std::string("/heartbeat"), "/v1/jobs/" + id}) {
    EXPECT_EQ(ask("GET", target).status, 200) << target;
    EXPECT_EQ(ask("GET", "/a/imgq" + target).status, 200) << target;
    EXPECT_EQ(ask("GET", "/a/imgq/a/imgq" + target).status, 404) << target;
    EXPECT_EQ(ask("GET", "/a" + target).status, 404) << target;
  }
  EXPECT_EQ(ask("DELETE", "/a/imgq/v1/jobs/" + id).status, 200);
  const Reply bare = ask("GET", "/a/imgq");
  EXPECT_EQ(bare.status, 308);
  EXPECT_EQ(field_of(bare, "Location"), "https://img.example.org/a/imgq/");
}

TEST_F(Public, APrefixHidesNoAddressAndOpensNone) {
  options_.public_url = *parse_public_url("https://img.example.org/v1");
  options_.token = "0123456789abcdef";
  open_site();
  const std::vector<Field> shown = {{"Authorization", "Bearer 0123456789abcdef"}};
  for (const char* target : {"/v1/jobs", "/v1/v1/jobs", "/v1/metrics"}) {
    EXPECT_EQ(ask("GET", target).status, 401) << target;
    EXPECT_EQ(ask("GET", target, "", shown).status, 200) << target;
  }
}

TEST(PublicUrl, IsAnAddressOfHostAndPath) {
  const auto url = parse_public_url("HTTPS://Img.example.org:8443/a//b/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->base, "HTTPS://Img.example.org:8443/a//b");
  EXPECT_EQ(url->host, "img.example.org");
  EXPECT_EQ(url->prefix, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse_public_url("http://[::1]:80")->host, "[::1]");
  for (const char* bad : {"", "img.example.org", "ftp://a", "http://", "http:///a", "http://a/?b",
                          "http://a/#b", "http://a@b/", "http://a:b/", "http://a:0", "http://a/\"",
                          "http://a/%2f", "http://[::1", "http://[]", "http://a\r\nb"}) {
    EXPECT_FALSE(parse_public_url(bad)) << bad;
  }
}

TEST(PublicUrl, AnOriginHasNoPath) {
  for (const char* good : {"http://localhost:3000", "https://app.example.org", "http://[::1]:8"}) {
    EXPECT_TRUE(is_origin(good)) << good;
  }
  for (const char* bad : {"*", "null", "https://a/", "https://a/b", "app.example.org", "file://"}) {
    EXPECT_FALSE(is_origin(bad)) << bad;
  }
}

TEST_F(Log, ARequestHasALineWhenTheLevelIsDebug) {
  const auto told = [&](const std::string& target, const std::vector<Field>& fields = {}) {
    testing::internal::CaptureStderr();
    ask("GET", target, "", fields);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(told("/v1/jobs/42"), "");
  log::set_level(log::Level::debug);
  peer_ = "10.1.2.3";
  const std::string line = told("/v1/jobs/42");
  const std::string nowhere = told("/evil%0aroute", {{"X-Forwarded-For", "9.9.9.9"}});
  log::set_level(log::Level::info);
  EXPECT_NE(line.find("answered method=GET route=/v1/jobs/* status=404 ms="), std::string::npos)
      << line;
  EXPECT_TRUE(line.ends_with(" from=10.1.2.3\n")) << line;
  EXPECT_NE(nowhere.find("route=none status=404 "), std::string::npos) << nowhere;
  EXPECT_TRUE(nowhere.ends_with(" from=10.1.2.3\n")) << nowhere;
}

TEST(ClientAddress, IsWhatATrustedProxySays) {
  SiteOptions options;
  const auto address = [&](const std::string& peer, const std::string& fields) {
    const Asked asked{head_of("GET", "/", "Host: a\r\n" + fields), {}, {}, peer};
    return client_address(asked, options);
  };
  const std::string said = "X-Forwarded-For: 6.6.6.6, 1.2.3.4\r\n";
  EXPECT_EQ(address("10.0.0.1", said), "10.0.0.1");
  options.trusted_proxies = {"unix", "10.0.0.1", "10.0.0.2"};
  EXPECT_EQ(address("10.0.0.3", said), "10.0.0.3");
  EXPECT_EQ(address("10.0.0.1", ""), "10.0.0.1");
  EXPECT_EQ(address("10.0.0.1", said),
            "1.2.3.4");  // what is before it, its sender may have made up
  EXPECT_EQ(address("unix", said), "1.2.3.4");
  EXPECT_EQ(address("unix", said + "X-Forwarded-For: 10.0.0.2\r\n"), "1.2.3.4");
  EXPECT_EQ(address("unix", "X-Forwarded-For: 10.0.0.2,10.0.0.1\r\n"), "10.0.0.2");
  EXPECT_EQ(address("unix", "X-Forwarded-For: ::1\r\n"), "::1");
  for (const char* no_address : {"unknown", "1.2.3.4:80", "", ",", "a b"}) {
    EXPECT_EQ(address("unix", std::string("X-Forwarded-For: ") + no_address + "\r\n"), "unix");
  }
}

}  // namespace
}  // namespace imgq::web
