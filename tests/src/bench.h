#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/supervise/worker.h"
#include "tests/src/lab.h"

// One worker on a loop of its own, to be asked one thing after another.
namespace imgq::test {

class Bench final : private supervise::Worker::Supervisor {
 public:
  Bench(std::string program, const Limits& limits);
  ~Bench();

  // Starts the worker when there is none, and gives it the order. Returns while it works.
  void begin(const Request& request, std::string_view image, Slot slot = Slot::normal);
  void begin(const std::string& preset, std::string_view image);

  // What came: a verdict, or the death of the worker.
  struct Answer {
    std::optional<Verdict> verdict;
    supervise::Death death;
  };
  Answer wait_for_answer();
  Answer ask(const Request& request, std::string_view image, Slot slot = Slot::normal);
  Answer ask(const std::string& preset, std::string_view image = bytes(kTinyPng));

  supervise::Worker& worker() { return *worker_; }

  // Runs the loop until the worker has ended.
  supervise::Death wait_for_death();

 private:
  void start();
  void ready(supervise::Worker& worker) override;
  void answered(supervise::Worker& worker, Verdict verdict) override;
  void died(supervise::Worker& worker, const supervise::Death& death) override;
  int temp(std::string_view content);

  Folder folder_;
  const std::string program_;
  const Limits limits_;
  supervise::Loop loop_;
  std::vector<Fd> files_;
  bool ready_ = false;
  std::optional<Verdict> verdict_;
  std::optional<supervise::Death> death_;
  std::unique_ptr<supervise::Worker> worker_;
};

}  // namespace imgq::test
