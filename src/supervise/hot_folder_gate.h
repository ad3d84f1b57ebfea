#pragma once

#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>

#include "src/supervise/loop.h"

namespace imgq::supervise {

// Lets the blocking work of hot folders through, two pieces at a time and of one directory one. The
// threads are few, and claims and heartbeats need them too: a directory that hangs (a server that
// is gone) keeps one, however often the configuration is read again meanwhile.
class HotFolderGate : public std::enable_shared_from_this<HotFolderGate> {
 public:
  explicit HotFolderGate(Loop& loop) : loop_(loop) {}

  struct Piece {
    std::string directory;
    const void* whose;
    std::function<void()> work;  // on another thread
    std::function<void()> done;  // on the loop's
  };
  void enter(Piece piece);

  // What has not begun yet.
  void forget(const void* whose);

 private:
  void go_on();
  void begin(Piece piece);

  Loop& loop_;
  std::list<Piece> waiting_;
  std::set<std::string> busy_;  // directories
};

}  // namespace imgq::supervise
