#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spool/owner.h"
#include "spool/spool.h"
#include "src/util/json.h"
#include "src/web/routes.h"

namespace imgq::web {

// Bytes of the smallest thing that passes for a JPEG when it is taken in; no worker sees it here.
inline std::string jpeg_bytes(size_t size = 200) {
  std::string bytes = "\xff\xd8\xff\xe0";
  bytes.resize(size, 'j');
  return bytes;
}

// A body handed out in pieces of a size.
class FakeBody {
 public:
  FakeBody(std::string bytes, size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}
  Status operator()(const Take& take) const {
    for (size_t given = 0; given < bytes_.size(); given += piece_) {
      if (fail_after && given >= *fail_after) return Error{ECONNRESET, "receive", "connection"};
      if (!take(std::string_view(bytes_).substr(given, piece_))) break;
    }
    return Ok{};
  }

  std::optional<size_t> fail_after;  // the client goes away after so many bytes

 private:
  std::string bytes_;
  size_t piece_;
};

// A head as the server would have it, of fields that each end in CR LF.
Head head_of(const std::string& method, const std::string& target, const std::string& fields);

// A client that stays; `on_wait` is run whenever a reply waits for something.
class FakeClient {
 public:
  bool operator()(int64_t) {
    if (on_wait) on_wait();
    return --patience > 0;
  }

  std::function<void()> on_wait;
  int patience = 1000;
};

// A site on a spool of its own, and a pretended daemon.
class SiteTest : public ::testing::Test {
 protected:
  SiteTest();
  ~SiteTest() override;

  // Makes the site anew, after settings were changed.
  void open_site();

  Reply ask(const std::string& method, const std::string& target, const std::string& body = "",
            const std::vector<Field>& fields = {}, size_t piece = 1000);
  Reply post_form(const std::string& target, const std::string& form,
                  const std::vector<Field>& fields = {});

  // As `ask`, with another Host and without a body.
  Reply ask_host(const std::string& host, const std::string& method, const std::string& target,
                 const std::vector<Field>& fields = {});

  // Submits by the API; returns the id.
  std::string submitted(const std::string& query = "");

  // What a daemon would do with the oldest waiting job.
  void complete_next(const std::string& result = "result bytes");
  void fail_next(const std::string& message, const std::string& code = "corrupt_image");
  Claim claim_next();

  int64_t files_in_tmp() const;  // less the locks by which writers show that they live

  std::string directory_;
  std::optional<Spool> spool_;
  Config config_;
  SiteOptions options_;
  std::optional<Committer> committer_;
  std::unique_ptr<SpoolView> view_;
  std::optional<Metrics> meter_;
  Held held_;
  std::unique_ptr<Site> site_;
  std::optional<Owner> owner_;
  FakeClient client_;
  std::string peer_ = "127.0.0.1";
};

std::string form_part(const std::string& disposition, const std::string& data);
std::string form_of(const std::vector<std::string>& parts);  // boundary "B"

Json json_of(const Reply& reply);
std::string field_of(const Reply& reply, const std::string& name);

}  // namespace imgq::web
