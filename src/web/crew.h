#ifndef IMGQ_SRC_WEB_CREW_H_
#define IMGQ_SRC_WEB_CREW_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace imgq::web {

// Threads that each serve one connection from its head to its end, so that a slow client holds up
// nobody but itself. Started when needed, at most `most`, and let go when idle.
class Crew {
 public:
  explicit Crew(size_t most) : most_(most) {}
  ~Crew() { finish(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Has a thread run `task` now. False when all are busy: nothing was done.
  bool try_run(const std::function<void()>& task);

  // Has the next free thread run `task`: for a caller that has just made one free itself.
  void run_next(std::function<void()> task);

  // Waits until all tasks are done and all threads gone. Nothing can be run after it.
  void finish();

 private:
  void start_thread();
  void work();

  const size_t most_;
  std::mutex mutex_;
  std::condition_variable wake_, gone_;
  std::deque<std::function<void()>> tasks_;
  size_t threads_ = 0;
  size_t busy_ = 0;
  bool finishing_ = false;
};

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_CREW_H_
