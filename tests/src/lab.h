#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "spool/query.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/base/request.h"
#include "tests/src/tiny_images.h"

// A place of its own for each test, with a spool, daemons to start and kill, and waiting for what
// shall happen instead of for time to pass.
namespace imgq::test {

inline constexpr std::chrono::seconds kPatience{30};

// Asks again and again until it is true. False when patience is at its end.
bool eventually(const std::function<bool()>& condition, std::chrono::seconds patience = kPatience);

class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  void write(std::string_view name, std::string_view content) const;

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
bool exists(const std::string& path);
std::vector<std::string> names_in(const std::string& folder);

// A program under test. Killed when it goes out of scope. Its stderr is in a file.
class Program {
 public:
  Program(std::vector<std::string> command, std::vector<std::string> environment, std::string log);
  Program(Program&& other) noexcept;
  Program& operator=(Program&&) = delete;
  ~Program();
  pid_t pid() const { return pid_; }
  void signal(int number) const;
  void kill();              // SIGKILL, and wait
  int wait();               // for its end: exit code, or -signal; -1000 when it does not end
  std::string log() const;  // what it has said so far
  bool said(std::string_view text) const { return log().find(text) != std::string::npos; }
  std::vector<pid_t> children() const;

 private:
  pid_t pid_ = -1;
  int end_ = -1000;
  std::string log_;
};

// A spool and its daemons.
class Lab {
 public:
  explicit Lab(const std::string& settings = "");  // lines of imgq.toml
  Lab(const std::string& settings, const std::string& spool_path);
  const Spool& spool() const { return *spool_; }
  const Folder& folder() const { return folder_; }
  std::string spool_path() const { return path_; }
  void configure(const std::string& settings) const;

  // The preset is what the faulty worker shall do.
  JobId submit(const std::string& preset = "good", std::string_view image = bytes(kTinyPng),
               int max_attempts = 3) const;
  std::vector<JobId> submit_many(int count, const std::string& preset = "good") const;

  // imgqd with the faulty worker; further options and environment.
  Program daemon(std::vector<std::string> options = {}, std::vector<std::string> environment = {});

  bool reaches(const JobId& id, State state) const;
  bool all_reach(const std::vector<JobId>& ids, State state) const;
  JobView view(const JobId& id) const;
  Cause cause(const JobId& id) const;  // of a failed job
  State state(const JobId& id) const { return view(id).state; }

  int64_t jobs() const;  // in whatever state

  // Every outcome is there once, every result of it too, and nothing else lies about: fsck agrees,
  // once what daemons tidy up afterwards is done.
  void expect_in_order() const;

 private:
  Folder folder_;
  std::string path_;
  std::unique_ptr<Spool> spool_;
  int daemons_ = 0;
};

}  // namespace imgq::test
