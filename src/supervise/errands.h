#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <set>
#include <string>

namespace imgq::supervise {

class Loop;

// Work that comes again and again, mostly short, and blocks: done on other threads. To wake a
// thread costs more than most of it, so what comes at one ring of the loop's timers is done by one
// thread, one errand after the other. One that lasts keeps its thread to itself: what waits behind
// it goes to another at the next ring, when what was done before it is told of, too.
// Errands in hot folders come last, two at a time and of one directory one: the threads are few,
// and claims and heartbeats need them too. A directory that hangs (a server that is gone) keeps
// one, however often the configuration is read again meanwhile.
class Errands {
 public:
  enum class Turn { last, next };
  struct Errand {
    std::function<void()> work;  // on another thread
    std::function<void()> done;  // on the loop's
    std::string directory = {};  // a hot folder's; empty: in the spool
    const void* whose = nullptr;
    Turn turn = Turn::last;
  };

  explicit Errands(Loop& loop) : loop_(loop) {}

  // Begins now; or with the others, from within together().
  void enter(Errand errand);

  // What has not begun yet.
  void forget(const void* whose);

  // Tells what is done, makes the call, and begins what was entered by either.
  void together(const std::function<void()>& call);

 private:
  using List = std::list<Errand>;
  List::iterator next();
  void go_on();
  void work();
  void tell();

  Loop& loop_;
  bool gathering_ = false;
  std::mutex mutex_;  // for all below
  List waiting_, done_;
  std::set<std::string> busy_;  // directories, until it is told
  size_t in_folders_ = 0;       // at work there
};

}  // namespace imgq::supervise
