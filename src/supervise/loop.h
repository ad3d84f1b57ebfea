#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "src/util/error.h"

struct uv_loop_s;

// libuv in owner types: a handle closes when its owner goes, its callback is then never called
// again. All of it on one thread, save in_background's work. loop.cc and process.cc alone see
// libuv.
namespace imgq::supervise {

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();  // every handle must be gone and no background work left (see await_background)

  // Runs until stop().
  void run();
  void stop();

  // Runs `work` on another thread, then `done` on this one.
  void in_background(std::function<void()> work, std::function<void()> done);

  // The same for work with a result, which `done` is given.
  template <class Work, class Done>
  void ask(Work work, Done done) {
    auto answer = std::make_shared<std::optional<std::invoke_result_t<Work&>>>();
    in_background([work = std::move(work), answer]() mutable { answer->emplace(work()); },
                  [done = std::move(done), answer]() mutable { done(std::move(**answer)); });
  }

  // Goes on until no background work is left.
  void await_background();

  uv_loop_s* raw() const { return raw_.get(); }

 private:
  std::unique_ptr<uv_loop_s> raw_;
  int background_ = 0;
};

// What libuv calls back as long as this lives.
class Watch {
 public:
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 protected:
  struct Handle;
  explicit Watch(std::function<void()> call);
  ~Watch();

  Handle* handle_;
};

// Milliseconds of the monotonic clock; and of the wall clock, for names and not-before alone.
class Timer : public Watch {
 public:
  Timer(Loop& loop, std::function<void()> ring);

  void after(std::chrono::milliseconds delay);  // once; replaces an earlier setting
  void every(std::chrono::milliseconds period);
  void stop();
  bool armed() const;
};

// Calls back while a descriptor, which must outlive it, is readable or at its end.
class Readable : public Watch {
 public:
  Readable(Loop& loop, int fd, std::function<void()> ready);
};

class SignalWatch : public Watch {
 public:
  SignalWatch(Loop& loop, int signal, std::function<void()> caught);
};

// How a process ended: signal, or else exit_code.
struct ProcessEnd {
  int exit_code = 0;
  int signal = 0;
};

// A child process with a descriptor table of its own: fds[i] becomes descriptor i, -1 /dev/null.
class Process {
 public:
  struct Start {
    std::string program;
    std::vector<std::string> arguments;  // without the program's name
    std::vector<std::string> environment;
    std::vector<int> fds{-1, -1, -1};
    enum class Session { shared, own } session = Session::shared;  // own: no terminal's Ctrl-C
  };
  //   errors  of fork(2) and execve(2)
  static Result<std::unique_ptr<Process>> start(Loop& loop, const Start& how,
                                                std::function<void(ProcessEnd)> ended);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // a child that still runs is killed

  int pid() const;  // 0 once it has ended: its number may be another's by now
  std::chrono::nanoseconds cpu_time() const;  // of all its threads; 0 once it has ended
  void kill(int signal);                      // nothing when it has ended

 private:
  struct Handle;
  explicit Process(Handle* handle) : handle_(handle) {}
  Handle* handle_;
};

}  // namespace imgq::supervise
