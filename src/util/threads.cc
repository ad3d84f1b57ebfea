#include "src/util/threads.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include "src/util/io.h"

namespace imgq {

namespace {

constexpr int kLooks = 1000;

// As the kernel counts them: one that was joined may still be there for a moment.
size_t tasks() {
  const auto names = list_names(AT_FDCWD, "/proc/self/task");
  return names ? names->size() : 0;
}

}  // namespace

size_t startable_threads(size_t wanted) {
  const size_t before = tasks();
  std::promise<void> seen;
  const std::shared_future<void> counted = seen.get_future().share();
  std::vector<std::thread> threads;
  try {
    while (threads.size() < wanted) threads.emplace_back([counted] { counted.wait(); });
  } catch (const std::system_error&) {  // EAGAIN: no more
  }
  seen.set_value();
  for (std::thread& thread : threads) thread.join();
  for (int look = 0; look < kLooks && tasks() > before; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return threads.size();
}

void in_parallel(size_t count, size_t most, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next = 0;
  const auto take = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::future<void>> others;
  try {
    const NoSignals theirs;
    while (others.size() + 1 < std::min(count, most)) {
      others.push_back(std::async(std::launch::async, take));
    }
  } catch (const std::system_error&) {  // EAGAIN: no more
  }
  take();
  for (auto& other : others) other.get();
}

NoSignals::NoSignals() {
  sigset_t all;
  sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before_);  // fails only for a bad argument
}

NoSignals::~NoSignals() { (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

bool any_pending(std::initializer_list<int> signals) {
  sigset_t pending;
  if (::sigpending(&pending) != 0) return false;
  return std::any_of(signals.begin(), signals.end(),
                     [&pending](int one) { return ::sigismember(&pending, one) == 1; });
}

}  // namespace imgq
