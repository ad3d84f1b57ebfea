#include "spool/internal/writer_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "spool/internal/durable.h"
#include "spool/layout.h"
#include "src/util/clock.h"
#include "src/util/random.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr int64_t kTouchedSeconds = 3600;  // so that no file outlives its lock by age
constexpr int kLockRounds = 3;             // in which another may take the lock before it is held

Fd open_lock(int root, const std::string& path, int flags = 0, mode_t mode = 0) {
  return Fd(sys::openat(root, path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | flags, mode));
}

bool take_lock(const Fd& file) { return sys::flock(file.get(), LOCK_EX | LOCK_NB) == 0; }

// Nobody renames a lock: one that has a name still has its own.
bool has_name(const Fd& file) {
  struct stat about = {};
  return sys::fstat(file.get(), &about) == 0 && about.st_nlink > 0;
}

}  // namespace

std::string WriterLock::fresh_path(const Spool& spool) {
  const sys::Identity me = sys::identity();
  const std::lock_guard lock(mutex_);
  if (pid_ != me.pid || made_ == UINT32_MAX) begin(spool);
  if (!stands()) make(spool);
  return layout::temp(layout::numbered(run_, ++made_), me);
}

// A forked process leaves its parent's lock alone: closing it does not unlock.
void WriterLock::begin(const Spool& spool) {
  root_ = spool.root();
  pid_ = sys::identity().pid;
  run_ = random_name().substr(0, layout::kRunLength);
  made_ = 0;
  lockable_ = true;
  file_ = Fd();
}

// Another may look at it between its making and its locking, and take it for a dead one's.
void WriterLock::make(const Spool& spool) {
  const std::string path = layout::temp(layout::numbered(run_, 0), sys::identity());
  for (int round = 0; lockable_ && round < kLockRounds; ++round) {
    file_ = open_lock(root_, path, O_CREAT, spool.file_mode());
    if (!file_) return;  // as the file will be that it is wanted for: that tells
    (void)durable::set_mode(file_.get(), spool.file_mode(), path);  // so does that
    if (take_lock(file_)) {
      if (has_name(file_)) return;
      continue;
    }
    lockable_ = errno == EWOULDBLOCK;
  }
  file_ = Fd();
  (void)sys::unlinkat(root_, path.c_str(), 0);  // what stays says that the writer is dead
}

// One that was swept (by who cannot see the lock) is made anew; a long-lived one keeps young.
bool WriterLock::stands() const {
  if (!file_) return !lockable_;
  struct stat about = {};
  if (sys::fstat(file_.get(), &about) != 0 || about.st_nlink == 0) return false;
  if (now_ms() / 1000 - about.st_ctim.tv_sec > kTouchedSeconds) {
    (void)sys::futimens_now(file_.get());  // the next file tries again
  }
  return true;
}

WriterLock::~WriterLock() {
  const sys::Identity me = sys::identity();
  if (!file_ || pid_ != me.pid) return;
  const std::string path = layout::temp(layout::numbered(run_, 0), me);
  (void)sys::unlinkat(root_, path.c_str(), 0);  // what stays is swept later
}

LockSeen look_at_lock(const Spool& spool, const std::string& name) {
  const Fd file = open_lock(spool.root(), "tmp/" + layout::lock_of(name));
  if (!file) return errno == ENOENT ? LockSeen::none : LockSeen::held;
  if (take_lock(file)) return LockSeen::free;
  return errno == EWOULDBLOCK ? LockSeen::held : LockSeen::none;
}

Status remove_lock(const Spool& spool, const std::string& path) {
  const Fd file = open_lock(spool.root(), path);
  if (!file) return errno == ENOENT ? Status(Ok{}) : last_error("open", path);
  if (!take_lock(file) && errno == EWOULDBLOCK) return Ok{};  // it is held by now
  return durable::remove(spool, path);
}

}  // namespace imgq
