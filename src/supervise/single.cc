// One image through one worker, and where the worker's program is.
#include <limits.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "src/supervise/engine.h"
#include "src/supervise/result_check.h"
#include "src/supervise/worker.h"

namespace imgq::supervise {
namespace {

// A loop's worth of asking one question.
class Question final : private Worker::Supervisor {
 public:
  Question(int source, const Limits& limits, const std::string& program)
      : source_(source), limits_(limits), program_(program) {}

  Result<Verdict> ask() {
    auto worker = Worker::start(loop_, program_, limits_, *this);
    if (!worker) return worker.error();
    worker_ = std::move(*worker);
    loop_.run();
    if (answer_) return std::move(*answer_);
    return *error_;
  }

 private:
  void ready(Worker& worker) override {
    wire::Order order;
    order.task = wire::Task::inspect;
    const auto given = worker.give(order, {source_});
    if (given) return;
    error_ = given.error();
    worker.kill();
  }

  void answered(Worker& worker, Verdict verdict) override {
    answer_ = std::move(verdict);
    worker.retire();
  }

  void died(Worker& worker, const Death& death) override {
    if (!answer_ && worker.was_busy()) answer_ = verdict_on(death, limits_);
    if (!answer_ && !error_) {
      error_ = Error{ECHILD, "start a worker: " + verdict_on(death, limits_).message, program_};
    }
    loop_.stop();
  }

  const int source_;
  const Limits& limits_;
  const std::string& program_;
  Loop loop_;
  std::optional<Verdict> answer_;
  std::optional<Error> error_;
  std::unique_ptr<Worker> worker_;
};

std::string folder_of_this_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  const std::string program(path.data(), size > 0 ? static_cast<size_t>(size) : 0);
  return program.substr(0, program.rfind('/'));
}

}  // namespace

Result<std::string> find_worker() {
  std::vector<std::string> places;
  const char* named = std::getenv("IMGQ_WORKER");  // NOLINT(concurrency-mt-unsafe): never set here
  if (named != nullptr) {
    places.emplace_back(named);
  } else {
    const std::string here = folder_of_this_program();
    places = {here + "/imgq-worker", here + "/../libexec/imgq/imgq-worker",
              "/usr/libexec/imgq/imgq-worker"};
  }
  std::string looked;
  for (const std::string& place : places) {
    if (::access(place.c_str(), X_OK) == 0) return place;
    looked += (looked.empty() ? "" : ", ") + place;
  }
  return Error{ENOENT, "find the worker program", looked};
}

Result<Verdict> inspect(int source, const Limits& limits, const std::string& worker_program) {
  return Question(source, limits, worker_program).ask();
}

Error tell_libraries() {
  const auto worker = find_worker();
  if (!worker) return worker.error();
  (void)std::printf("libuv %s\n", ::uv_version_string());  // the worker's end tells
  (void)std::fflush(stdout);
  ::execl(worker->c_str(), worker->c_str(), "--libraries", nullptr);
  return last_error("start the worker", *worker);
}

}  // namespace imgq::supervise
