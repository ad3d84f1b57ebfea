#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "spool/control.h"
#include "spool/fsck.h"
#include "spool/owner.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/scan.h"
#include "spool/spool.h"
#include "spool/submit.h"
#include "spool/types.h"
#include "tests/spool/fault_sys.h"

// A spool of one's own in a temporary directory, and the steps of a job's life in one call each.
// Steps that must not fail throw std::runtime_error with the error's text when they do.
namespace imgq::lab {

// A directory that is removed at the end, with all that is in it.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The value of a result, which must be there.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

// errno of a result: 0 when it is good, -1 when it is an error of bad data.
template <class T>
int code_of(const Result<T>& result) {
  if (result) return 0;
  return result.error().code == 0 ? -1 : result.error().code;
}

void write_file(const std::string& path, std::string_view bytes);
std::string read_file(const std::string& path);
std::vector<std::string> names_in(const std::string& folder);
bool is_there(const std::string& path);
void set_mtime(const std::string& path, int64_t unix_seconds);

// Runs `body` in a child process and waits; its exit code, or 128 + signal.
int in_child(const std::function<void()>& body);
pid_t start_child(const std::function<void()>& body);
int wait_for(pid_t pid);

// Waits up to 20 s for a condition.
bool eventually(const std::function<bool()>& condition);

class SpoolTest : public ::testing::Test {
 protected:
  explicit SpoolTest(Survives survives = Survives::power_cut);
  ~SpoolTest() override { faults::clear(); }

  std::string path(const std::string& below) const { return scratch_ / ("spool/" + below); }

  Draft draft(std::string_view image = "an image", const std::string& name = "photo.jpg");
  JobId submit_one(Draft draft_to_submit);
  JobId submit_one() { return submit_one(draft()); }
  std::vector<JobId> submit_many(int count);

  std::vector<Token> waiting() { return must(scan_staging(spool_, 1000)); }
  Claims claim_all(const Owner& owner) { return must(owner.claim(waiting(), Sync::none)); }
  Claim claim_one(const Owner& owner);

  // What is in tmp/, less this process' own locks.
  std::vector<std::string> temps();

  // A result in tmp/ with these bytes.
  FreshResult result(std::string_view bytes = "a thumbnail", const std::string& rendition = "main");
  Finished finished(const Claim& claim, std::string_view bytes = "a thumbnail");
  Outcome complete(const Owner& owner, const Claim& claim, std::string_view bytes = "a thumbnail");

  // A job of its own in each state.
  JobId job_in(State state, const Owner& owner);

  // An id as if made at that time.
  static JobId id_at(int64_t unix_ms, int number = 1);

  // A completed or other ended job of the past, put there file by file.
  JobId past_job(int64_t unix_ms, Ending ending, int number = 1, std::string_view bytes = "result");

  State state(const JobId& id) { return must(state_of(spool_, id)); }
  ::testing::AssertionResult is_clean();  // fsck finds nothing; else what it finds

  Scratch scratch_;
  Spool spool_;
};

// The id in another process' name for a job that is not there.
JobId unknown_id();

std::ostream& operator<<(std::ostream& out, const Finding& finding);

}  // namespace imgq::lab

namespace imgq {
inline std::ostream& operator<<(std::ostream& out, State state) { return out << name_of(state); }
inline std::ostream& operator<<(std::ostream& out, Ending ending) { return out << name_of(ending); }
}  // namespace imgq
