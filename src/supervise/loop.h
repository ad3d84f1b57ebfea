#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "src/supervise/errands.h"
#include "src/util/error.h"

struct uv_loop_s;
struct uv_timer_s;

// libuv in owner types: a handle closes when its owner goes, its callback is then never called
// again. All of it on one thread, save in_background's work. loop.cc and process.cc alone see
// libuv.
namespace imgq::supervise {

class Timer;

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop();  // no handle may be there, and no background work be left (await_background)

  // Runs until stop().
  void run();
  void stop();

  // Runs `work` on another thread, then `done` on this one.
  virtual void in_background(std::function<void()> work, std::function<void()> done);

  // The same for work with a result, which `done` is given.
  template <class Work, class Done>
  void ask(Work work, Done done) {
    auto answer = std::make_shared<std::optional<std::invoke_result_t<Work&>>>();
    in_background([work = std::move(work), answer]() mutable { answer->emplace(work()); },
                  [done = std::move(done), answer]() mutable { done(std::move(**answer)); });
  }

  // The same as one of the errands.
  template <class Work, class Done>
  void ask_along(Work work, Done done, Errands::Turn turn = Errands::Turn::last) {
    auto answer = std::make_shared<std::optional<std::invoke_result_t<Work&>>>();
    errands_.enter({[work = std::move(work), answer]() mutable { answer->emplace(work()); },
                    [done = std::move(done), answer]() mutable { done(std::move(**answer)); },
                    {},
                    nullptr,
                    turn});
  }

  Errands& errands() { return errands_; }

  // Goes on until no background work is left.
  void await_background();

  uv_loop_s* raw() const { return raw_.get(); }

 protected:
  // Calls whom something comes for, the first of it being waited for; for so long at most.
  //   returns whether anything may come
  virtual bool wait(int64_t most_ms);

 private:
  friend class Timer;

  bool turn();
  void ring();
  int64_t next_ring_ms() const;

  std::unique_ptr<uv_loop_s> raw_;
  std::unique_ptr<uv_timer_s> clock_;
  std::vector<Timer*> timers_;  // in the order in which they were made
  std::minstd_rand random_{std::random_device{}()};
  bool stopped_ = false;
  int background_ = 0;
  Errands errands_{*this};
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

// By sys::monotonic_ms; the wall clock is for names and not-before alone. Timers that are due at
// one moment ring in the order in which they were made, and what they ask_along is done together.
// Each time that the process is woken costs: what need not be exact is asked for about() a time.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> ring);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  void after(std::chrono::milliseconds delay);  // once; replaces an earlier setting

  // The same, or sooner: by a quarter and by two seconds at most when another timer rings; and by
  // up to a twentieth, at random, so that several daemons are not in step for ever.
  void about(std::chrono::milliseconds delay);
  void every(std::chrono::milliseconds period);  // about() that, again and again
  void stop();
  bool armed() const { return due_ms_ != kNever; }

 private:
  friend class Loop;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  void set(std::chrono::milliseconds sooner, std::chrono::milliseconds delay);

  Loop& loop_;
  std::function<void()> ring_;
  int64_t from_ms_ = kNever;  // rings along with others
  int64_t due_ms_ = kNever;
  std::chrono::milliseconds period_{0};
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
