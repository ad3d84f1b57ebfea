#include "tests/spool/lab.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "spool/layout.h"
#include "spool/temp_file.h"
#include "src/util/digest.h"
#include "src/util/sys.h"

namespace imgq::lab {

Scratch::Scratch() {
  const char* base = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
  std::string path = std::string(base != nullptr ? base : "/tmp") + "/imgq-spool-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp: " + path);
  path_ = path;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw std::runtime_error("write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("read " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_there(const std::string& path) {
  return std::filesystem::exists(std::filesystem::symlink_status(path));
}

void set_mtime(const std::string& path, int64_t unix_seconds) {
  const struct timespec times[2] = {{unix_seconds, 0}, {unix_seconds, 0}};
  if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    throw std::runtime_error("utimensat " + path);
  }
}

pid_t start_child(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid > 0) return pid;
  try {
    body();
  } catch (const std::exception& problem) {
    (void)std::fprintf(stderr, "child: %s\n", problem.what());
    ::_exit(99);
  }
  ::_exit(0);
}

int wait_for(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) throw std::runtime_error("waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int in_child(const std::function<void()>& body) { return wait_for(start_child(body)); }

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

SpoolTest::SpoolTest(Survives survives)
    : spool_(must(Spool::create(scratch_ / "spool", 0700, survives))) {}

Draft SpoolTest::draft(std::string_view image, const std::string& name) {
  auto file = must(TempFile::create(spool_));
  if (::write(file.fd(), image.data(), image.size()) != static_cast<ssize_t>(image.size())) {
    throw std::runtime_error("write a source");
  }
  Draft made;
  made.name = name;
  made.source = std::move(file);
  return made;
}

JobId SpoolTest::submit_one(Draft draft_to_submit) {
  std::vector<Draft> drafts;
  drafts.push_back(std::move(draft_to_submit));
  return must(std::move(submit(spool_, std::move(drafts), Sync::none)[0])).id;
}

std::vector<JobId> SpoolTest::submit_many(int count) {
  std::vector<JobId> ids;
  while (std::ssize(ids) < count) {
    std::vector<Draft> drafts;  // each holds a descriptor: so many at once
    for (auto i = std::ssize(ids); i < count && drafts.size() < 100; ++i) {
      drafts.push_back(draft("image " + std::to_string(i)));
    }
    for (auto& answer : submit(spool_, std::move(drafts), Sync::none)) {
      ids.push_back(must(std::move(answer)).id);
    }
  }
  return ids;
}

Claim SpoolTest::claim_one(const Owner& owner) {
  auto tokens = waiting();
  if (tokens.empty()) throw std::runtime_error("nothing waits");
  tokens.resize(1, tokens.front());
  auto claims = must(owner.claim(tokens, Sync::none));
  if (claims.taken.size() != 1) throw std::runtime_error("not claimed");
  return claims.taken.front();
}

FreshResult SpoolTest::result(std::string_view bytes, const std::string& rendition) {
  auto file = must(TempFile::create(spool_));
  if (::write(file.fd(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("write a result");
  }
  return {rendition, "jpg", std::move(file), R"({"width":500})"};
}

Finished SpoolTest::finished(const Claim& claim, std::string_view bytes) {
  Finished done{claim};
  done.results.push_back(result(bytes));
  done.report = R"({"format":"jpeg"})";
  return done;
}

Outcome SpoolTest::complete(const Owner& owner, const Claim& claim, std::string_view bytes) {
  std::vector<Finished> jobs;
  jobs.push_back(finished(claim, bytes));
  return must(std::move(owner.complete(jobs, Sync::none, SourceAfter::keep)[0]));
}

JobId SpoolTest::job_in(State wanted, const Owner& owner) {
  const JobId id = submit_one();
  if (wanted == State::staging) return id;
  if (wanted == State::hold) return must(hold(spool_, id)), id;
  if (wanted == State::cancelled) return must(cancel(spool_, id)), id;
  auto claims = must(owner.claim(std::vector<Token>{{id, 1}}, Sync::none));
  const Claim claim = claims.taken.at(0);
  const Cause cause{"crashed", "the worker died", 0};
  if (wanted == State::completed) complete(owner, claim);
  if (wanted == State::failed) must(owner.fail(claim, cause, "{}", Sync::none));
  if (wanted == State::delayed) must(owner.retry_later(claim, cause, {}, Sync::none));
  return id;
}

JobId SpoolTest::id_at(int64_t unix_ms, int number) {
  char text[64];
  (void)std::snprintf(text, sizeof text, "%08llx-%04llx-7000-8000-%012x",
                      static_cast<unsigned long long>(unix_ms >> 16),
                      static_cast<unsigned long long>(unix_ms & 0xffff),
                      static_cast<unsigned>(number));
  return must(JobId::parse(text));
}

JobId SpoolTest::past_job(int64_t unix_ms, Ending ending, int number, std::string_view bytes) {
  const JobId id = id_at(unix_ms, number);
  std::filesystem::create_directories(path(layout::hour_folder(id)));
  Ticket ticket{id};
  ticket.submitted_ms = unix_ms;
  write_file(path(layout::ticket(id)), encode(ticket));
  write_file(path(layout::source(id)), "an image");
  Outcome outcome{id};
  outcome.ending = ending;
  outcome.attempt = 1;
  outcome.ended_ms = unix_ms + 1000;
  if (ending == Ending::completed) {
    const std::string file = layout::result_file(id, 1, "main", "jpg");
    write_file(path(layout::result(id, file)), bytes);
    outcome.results.push_back(
        {"main", file, static_cast<int64_t>(bytes.size()), sha256_hex(bytes)});
  } else {
    outcome.cause = {"corrupt_image", "bad", 0};
  }
  write_file(path(layout::outcome(id)), encode(outcome));
  const std::string token = path(layout::ended(ending, id));
  std::filesystem::create_directories(std::filesystem::path(token).parent_path());
  std::filesystem::create_hard_link(path(layout::ticket(id)), token);
  return id;
}

std::vector<std::string> SpoolTest::temps() {
  std::vector<std::string> names = names_in(path("tmp"));
  const std::string mine = "." + std::to_string(sys::identity().pid);
  std::erase_if(names, [&mine](const std::string& name) {
    return layout::is_writer_lock(name) && name.ends_with(mine);
  });
  return names;
}

::testing::AssertionResult SpoolTest::is_clean() {
  const FsckReport report = must(fsck(spool_, Repair::report_only));
  if (report.clean()) return ::testing::AssertionSuccess();
  auto dirty = ::testing::AssertionFailure();
  for (const Finding& finding : report.findings) {
    if (finding.kind != Finding::Kind::note) dirty << finding.path << ": " << finding.what << "\n";
  }
  return dirty;
}

JobId unknown_id() { return JobId::generate(); }

std::ostream& operator<<(std::ostream& out, const Finding& finding) {
  return out << static_cast<int>(finding.kind) << " " << finding.path << ": " << finding.what;
}

}  // namespace imgq::lab
