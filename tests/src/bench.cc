#include "tests/src/bench.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace imgq::test {

Bench::Bench(std::string program, const Limits& limits)
    : program_(std::move(program)), limits_(limits) {}

Bench::~Bench() = default;

void Bench::ready(supervise::Worker& /*worker*/) {
  ready_ = true;
  loop_.stop();
}

void Bench::answered(supervise::Worker& /*worker*/, Verdict verdict) {
  verdict_ = std::move(verdict);
  loop_.stop();
}

void Bench::died(supervise::Worker& /*worker*/, const supervise::Death& death) {
  death_ = death;
  loop_.stop();
}

void Bench::start() {
  if (worker_ && !death_) return;
  worker_.reset();
  death_.reset();
  ready_ = false;
  auto worker = supervise::Worker::start(loop_, program_, limits_, *this);
  ASSERT_TRUE(worker) << worker.error().text();
  worker_ = std::move(*worker);
  while (!ready_ && !death_) loop_.run();
  ASSERT_TRUE(ready_) << death_->last_words;
}

int Bench::temp(std::string_view content) {
  const std::string path = folder_.file(std::to_string(files_.size()));
  folder_.write(std::to_string(files_.size()), content);
  files_.emplace_back(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  return files_.back().get();
}

void Bench::begin(const Request& request, std::string_view image, Slot slot) {
  start();
  if (!worker_ || death_) return;
  verdict_.reset();
  files_.clear();
  std::vector<int> fds{temp(image)};
  for (size_t i = 0; i < request.renditions.size(); ++i) fds.push_back(temp(""));
  const auto given = worker_->give({wire::Task::render, slot, request}, fds);
  ASSERT_TRUE(given) << given.error().text();
}

void Bench::begin(const std::string& preset, std::string_view image) {
  Request request;
  request.preset = preset;
  begin(request, image);
}

Bench::Answer Bench::wait_for_answer() {
  while (!verdict_ && !death_) loop_.run();
  return {verdict_, death_.value_or(supervise::Death{})};
}

Bench::Answer Bench::ask(const Request& request, std::string_view image, Slot slot) {
  begin(request, image, slot);
  return wait_for_answer();
}

Bench::Answer Bench::ask(const std::string& preset, std::string_view image) {
  Request request;
  request.preset = preset;
  return ask(request, image);
}

supervise::Death Bench::wait_for_death() {
  while (!death_) loop_.run();
  return *death_;
}

}  // namespace imgq::test
