#include "src/supervise/watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

namespace imgq::supervise {

Result<std::unique_ptr<Watcher>> Watcher::start(Loop& loop, const std::string& path, Events events,
                                                Calls calls) {
  Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) return last_error("start watching", path);
  const uint32_t kind =
      events == Events::appear ? IN_CREATE | IN_DONT_FOLLOW : IN_CLOSE_WRITE | IN_MODIFY;
  if (::inotify_add_watch(
          fd.get(), path.c_str(),
          kind | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK) < 0) {
    return last_error("watch", path);
  }
  std::unique_ptr<Watcher> watcher(new Watcher(std::move(fd), std::move(calls)));
  Watcher* self = watcher.get();
  watcher->readable_ =
      std::make_unique<Readable>(loop, self->fd_.get(), [self] { self->read_events(); });
  return watcher;
}

// One read a round of the loop, so that a flood of events starves nothing else. `gone` comes last:
// it may destroy this.
void Watcher::read_events() {
  alignas(inotify_event) std::array<char, size_t{32} * 1024> buffer;
  const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
  bool unsure = false;
  bool gone = false;
  for (ssize_t at = 0; at < got;) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof(event));
    const char* name = buffer.data() + at + sizeof(event);
    at += static_cast<ssize_t>(sizeof(event) + event.len);
    unsure = unsure || (event.mask & IN_Q_OVERFLOW) != 0;
    gone = gone || (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0;
    if (event.len > 0) tell(event.mask, std::string_view(name, ::strnlen(name, event.len)));
  }
  if (unsure) calls_.unsure();
  if (!gone) return;
  readable_.reset();
  const auto call = calls_.gone;
  call();
}

void Watcher::tell(uint32_t what, std::string_view name) const {
  if ((what & IN_MODIFY) != 0)
    calls_.being_written(name);
  else if ((what & IN_CLOSE_WRITE) != 0)
    calls_.closed(name);
  else
    calls_.named(name);
}

}  // namespace imgq::supervise
