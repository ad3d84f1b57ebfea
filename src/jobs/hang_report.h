#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "src/util/unanswered.h"

namespace imgq {

// How long until it is looked again for calls that hang, when the longest waits for so long now:
// seldom, for who has nothing to do is to sleep; and yet what hangs is seen to, twice, within half
// as long again as it may.
std::chrono::milliseconds next_look(std::chrono::milliseconds stalled,
                                    std::chrono::milliseconds waits);

// Of a program that goes on: tells its log and the service manager that the file system does not
// answer, and when it does again. A program that was told to end meanwhile is ended, with exit
// status 75; the kernel may keep it until the call comes back. On a thread of its own, for the
// others may all wait.
class HangReport {
 public:
  //   stalled   so long a call may wait before it is told of
  //   hanging   called again and again from then on; may be empty
  explicit HangReport(std::chrono::seconds stalled, std::function<void()> hanging = {});
  HangReport(const HangReport&) = delete;
  HangReport& operator=(const HangReport&) = delete;
  ~HangReport();

  void change(std::chrono::seconds stalled) { stalled_ = stalled; }

  // The program is to have ended by itself after so long.
  static void end_after(std::chrono::milliseconds time);

  // Takes note of a signal that is to end the program, whatever its handler, called next, can still
  // do. After that handler was set. A signal that is blocked needs no such note.
  static void note(int signal);

 private:
  void run();
  std::chrono::milliseconds pause() const;
  void look();
  void tell(const Unanswered& longest);

  std::atomic<std::chrono::seconds> stalled_;
  const std::function<void()> hanging_;
  HangWatch hangs_;
  int64_t told_ms_ = 0;  // of how long a wait was told last; 0: of none
  std::mutex mutex_;
  std::condition_variable stop_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace imgq
