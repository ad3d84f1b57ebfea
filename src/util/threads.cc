#include "src/util/threads.h"

#include <fcntl.h>

#include <algorithm>
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
