#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "src/supervise/loop.h"
#include "src/util/fd.h"

namespace imgq::supervise {

// Names that appear in a directory, by an inotify descriptor of our own. Only ever a hint: events
// are lost where the queue overflows, and a network file system tells nothing of other hosts.
class Watcher {
 public:
  enum class Events {
    appear,   // moved in, or linked or created
    written,  // moved in; closed after writing; being written
  };
  struct Calls {
    std::function<void(std::string_view name)> named;
    std::function<void(std::string_view name)> closed;         // after writing, or without
    std::function<void(std::string_view name)> being_written;  // `closed` follows
    std::function<void()> unsure;  // events were lost: look for yourself
    std::function<void()> gone;    // the directory is no more: watch anew when it is back
  };
  //   path    a directory that is open to us; links to it are followed for `written`
  //   errors  of inotify_init1(2), inotify_add_watch(2): ENOSPC too many watches, EMFILE
  static Result<std::unique_ptr<Watcher>> start(Loop& loop, const std::string& path, Events events,
                                                Calls calls);

 private:
  Watcher(Fd fd, Calls calls) : fd_(std::move(fd)), calls_(std::move(calls)) {}
  void read_events();
  void tell(uint32_t what, std::string_view name) const;
  Fd fd_;
  Calls calls_;
  std::unique_ptr<Readable> readable_;
};

}  // namespace imgq::supervise
