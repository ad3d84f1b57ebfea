#include "tests/web/site_fixture.h"

#include <dirent.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>

#include "spool/scan.h"
#include "spool/temp_file.h"
#include "src/http/header_value.h"

namespace imgq::web {

SiteTest::SiteTest() {
  const char* base = ::getenv("TMPDIR");
  directory_ = std::string(base != nullptr ? base : "/tmp") + "/imgq-web-XXXXXX";
  if (::mkdtemp(directory_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  spool_.emplace(std::move(*Spool::create(directory_ + "/spool")));
  owner_.emplace(std::move(*Owner::enter(*spool_)));
  config_.min_free_bytes = 1;
  config_.limits.max_file_bytes = 1 << 20;
  options_.hosts = {"localhost"};
  open_site();
}

SiteTest::~SiteTest() {
  site_.reset();
  view_.reset();
  (void)owner_->leave();  // removed below anyway
  owner_.reset();
  std::filesystem::remove_all(directory_);
}

void SiteTest::open_site() {
  site_.reset();
  committer_.emplace(*spool_, Sync::none);
  view_ = std::make_unique<SpoolView>(*spool_, std::chrono::seconds(30));
  meter_.emplace();
  site_ = std::unique_ptr<Site>(
      new Site{*spool_, config_, options_, *committer_, *view_, *meter_, held_});
}

Head head_of(const std::string& method, const std::string& target, const std::string& fields) {
  auto read = read_head(method + " " + target + " HTTP/1.1\r\n" + fields + "\r\n");
  if (auto* refusal = std::get_if<Refusal>(&read)) throw std::runtime_error(refusal->detail);
  auto head = std::move(std::get<Head>(read));
  head.method = method;
  head.path = path_segments(percent_decoded(target.substr(0, target.find('?'))).value());
  return head;
}

Reply SiteTest::ask(const std::string& method, const std::string& target, const std::string& body,
                    const std::vector<Field>& fields, size_t piece) {
  std::string text = "Host: localhost\r\n";
  for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
  if (method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return answer(*site_,
                {head_of(method, target, text), FakeBody(body, piece), std::ref(client_), peer_});
}

Reply SiteTest::ask_host(const std::string& host, const std::string& method,
                         const std::string& target, const std::vector<Field>& fields) {
  std::string text = "Host: " + host + "\r\n";
  for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
  return answer(*site_, {head_of(method, target, text), FakeBody("", 1), std::ref(client_), peer_});
}

Reply SiteTest::post_form(const std::string& target, const std::string& form,
                          const std::vector<Field>& fields) {
  std::vector<Field> all = fields;
  all.emplace_back("Content-Type", "multipart/form-data; boundary=B");
  return ask("POST", target, form, all);
}

std::string SiteTest::submitted(const std::string& query) {
  const Reply reply = ask("POST", "/v1/jobs" + query, jpeg_bytes());
  EXPECT_EQ(reply.status, 202) << reply.text;
  return text_in(json_of(reply), "id").value_or("");
}

Claim SiteTest::claim_next() {
  const auto tokens = scan_staging(*spool_, 1);
  auto claims = owner_->claim(*tokens, Sync::none);
  return std::move(claims->taken.at(0));
}

void SiteTest::complete_next(const std::string& result) {
  Claim claim = claim_next();
  auto file = TempFile::create(*spool_);
  ASSERT_EQ(sys::write(file->fd(), result.data(), result.size()),
            static_cast<ssize_t>(result.size()));
  std::vector<Finished> jobs;
  jobs.push_back(Finished{std::move(claim), {}, "{}"});
  jobs.back().results.push_back(
      {"thumb", "jpg", std::move(*file), R"({"width":500,"height":375,"type":"image/jpeg"})"});
  const auto done = owner_->complete(jobs, Sync::none, SourceAfter::remove);
  ASSERT_TRUE(done.at(0)) << done[0].error().text();
}

void SiteTest::fail_next(const std::string& message, const std::string& code) {
  const auto failed = owner_->fail(claim_next(), Cause{code, message, 0}, "{}", Sync::none);
  ASSERT_TRUE(failed) << failed.error().text();
}

int64_t SiteTest::files_in_tmp() const {
  int64_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ + "/spool/tmp")) {
    const bool lock = entry.path().filename().string().substr(8, 8) == "00000000";
    count += entry.is_regular_file() && !lock ? 1 : 0;
  }
  return count;
}

std::string form_part(const std::string& disposition, const std::string& data) {
  return "--B\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + data + "\r\n";
}

std::string form_of(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += part;
  return out + "--B--\r\n";
}

Json json_of(const Reply& reply) {
  auto parsed = parse_json(reply.text, "reply");
  EXPECT_TRUE(parsed) << reply.text;
  return parsed ? std::move(*parsed) : Json::object();
}

std::string field_of(const Reply& reply, const std::string& name) {
  for (const auto& [key, value] : reply.fields) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace imgq::web
