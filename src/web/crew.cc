#include "src/web/crew.h"

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace imgq::web {
namespace {

constexpr std::chrono::seconds kIdle{10};
constexpr size_t kSpare =
    32;  // threads that may wait for work; each further one ends with its task

}  // namespace

bool Crew::try_run(const std::function<void()>& task) {
  const std::lock_guard lock(mutex_);
  if (finishing_) return false;
  if (threads_ - busy_ > tasks_.size()) {
    tasks_.push_back(task);
    wake_.notify_one();
    return true;
  }
  if (threads_ >= most_) return false;
  try {
    start_thread();
  } catch (const std::system_error&) {
    return false;  // no more threads to be had: as busy as it gets
  }
  tasks_.push_back(task);
  return true;
}

void Crew::run_next(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  wake_.notify_one();
}

void Crew::finish() {
  std::unique_lock lock(mutex_);
  finishing_ = true;
  wake_.notify_all();
  gone_.wait(lock, [this] { return threads_ == 0; });
}

void Crew::start_thread() {
  std::thread([this] { work(); }).detach();
  ++threads_;
}

void Crew::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    (void)wake_.wait_for(lock, kIdle, [this] { return finishing_ || !tasks_.empty(); });
    if (tasks_.empty()) break;  // finishing, or idle for long
    ++busy_;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
    --busy_;
    if (threads_ - busy_ > tasks_.size() + kSpare) break;
  }
  --threads_;
  gone_.notify_all();  // still locked: finish() cannot return before this thread has let go
}

}  // namespace imgq::web
