// Answers imgq::sys from the simulated world: linked in place of src/util/sys.cc.
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "src/util/clock.h"
#include "src/util/sys.h"
#include "tests/spool/model/sim_calls.h"

namespace imgq::sys {
namespace {

using namespace sim::calls;  // NOLINT(google-build-using-namespace)
using sim::Call;
using sim::Description;
using sim::InodePtr;

int open_inode(const InodePtr& inode, int flags) {
  if ((flags & O_DIRECTORY) != 0 && !inode->is_directory()) return refuse(ENOTDIR);
  if ((flags & O_ACCMODE) != O_RDONLY && inode->is_directory()) return refuse(EISDIR);
  auto& me = world().running();
  auto opened = std::make_shared<Description>();
  opened->inode = inode;
  opened->flags = flags;
  if ((flags & O_TRUNC) != 0) {
    inode->data.clear();
    inode->dirty = true;
  }
  me.fds[world().next_fd] = opened;
  return world().next_fd++;
}

int create_inode(const Place& at, int flags, mode_t mode) {
  if (const int error = may_add(at); error != 0) return refuse(error);
  if (world().free_inodes == 0) return refuse(ENOSPC);
  world().free_inodes--;
  const InodePtr made =
      world().disk.make(S_IFREG | (mode & 07777), world().running().uid, world().real_ns());
  world().disk.add(at.dir, at.name, made);
  touch(at.dir);
  return open_inode(made, flags & ~O_TRUNC);
}

ssize_t write_to(Description& to, const char* bytes, size_t count) {
  std::string& data = to.inode->data;
  if ((to.flags & O_APPEND) != 0) to.offset = data.size();
  const size_t end = to.offset + count;
  const size_t growth = end > data.size() ? end - data.size() : 0;
  if (growth > world().free_bytes) return refuse(ENOSPC);
  world().free_bytes -= growth;
  if (end > data.size()) data.resize(end);
  std::memcpy(data.data() + to.offset, bytes, count);
  to.offset = end;
  to.inode->dirty = true;
  touch(to.inode);
  return static_cast<ssize_t>(count);
}

}  // namespace

int openat(int dir, const char* path, int flags, mode_t mode) {
  const Call call = (flags & O_CREAT) != 0 ? Call::create : Call::open;
  if (!world().enter(call, std::string(path))) return -1;
  if ((flags & O_TMPFILE) == O_TMPFILE) return refuse(EOPNOTSUPP);
  const Place at = place(dir, path);
  if (at.error != 0) return refuse(at.error);
  const InodePtr there = at.target();
  if (there && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return refuse(EEXIST);
  if (!there && (flags & O_CREAT) == 0) return refuse(ENOENT);
  if (call == Call::create) world().log("create " + std::string(path));
  return world().leave(call, there ? open_inode(there, flags) : create_inode(at, flags, mode));
}

int open(const char* path, int flags, mode_t mode) { return openat(AT_FDCWD, path, flags, mode); }

int close(int fd) {
  const bool well = world().enter(Call::close, std::to_string(fd));
  const int error = errno;
  auto& me = world().running();
  const auto found = me.fds.find(fd);
  if (found == me.fds.end()) return refuse(me.dead ? ESHUTDOWN : EBADF);
  if (found->second.use_count() == 1) world().unlock(found->second.get());
  me.fds.erase(found);
  return well ? 0 : refuse(error);  // Linux closes it all the same
}

ssize_t pread(int fd, void* buffer, size_t count, off_t offset) {
  if (!world().enter(Call::read, std::to_string(fd))) return -1;
  const auto from = description(fd);
  if (!from) return refuse(EBADF);
  if (from->inode->is_directory()) return refuse(EISDIR);
  const std::string& data = from->inode->data;
  const auto start = static_cast<size_t>(offset);
  if (start >= data.size()) return 0;
  const size_t some = world().allowed(Call::read, std::min(count, data.size() - start));
  std::memcpy(buffer, data.data() + start, some);
  return static_cast<ssize_t>(some);
}

ssize_t read(int fd, void* buffer, size_t count) {
  const auto from = description(fd);
  const ssize_t got = pread(fd, buffer, count, from ? static_cast<off_t>(from->offset) : 0);
  if (got > 0) from->offset += static_cast<size_t>(got);
  return got;
}

ssize_t write(int fd, const void* buffer, size_t count) {
  if (!world().enter(Call::write, std::to_string(fd))) return -1;
  const auto to = description(fd);
  if (!to || (to->flags & O_ACCMODE) == O_RDONLY) return refuse(EBADF);
  return write_to(*to, static_cast<const char*>(buffer), world().allowed(Call::write, count));
}

ssize_t copy_file_range(int from, off_t* from_offset, int to, size_t count) {
  if (!world().enter(Call::copy, std::to_string(to))) return -1;
  const auto source = description(from);
  const auto target = description(to);
  if (!source || !target) return refuse(EBADF);
  const size_t start = from_offset ? static_cast<size_t>(*from_offset) : source->offset;
  const std::string& data = source->inode->data;
  if (start >= data.size()) return 0;
  const size_t some = world().allowed(Call::copy, std::min(count, data.size() - start));
  const std::string bytes = data.substr(start, some);
  const ssize_t done = write_to(*target, bytes.data(), bytes.size());
  if (done > 0 && from_offset) *from_offset += done;
  if (done > 0 && !from_offset) source->offset += static_cast<size_t>(done);
  return done;
}

int clone_range(int from, int to) {
  if (!world().enter(Call::clone, std::to_string(to))) return -1;
  if (!world().reflinks) return refuse(EOPNOTSUPP);
  const auto source = description(from);
  const auto target = description(to);
  if (!source || !target) return refuse(EBADF);
  target->inode->data = source->inode->data;
  target->inode->dirty = true;
  return 0;
}

int fsync(int fd) {
  const auto what = description(fd);
  if (!world().enter(Call::fsync, std::to_string(fd))) {
    if (what && errno == EIO) world().disk.fail_sync(what->inode);
    return -1;
  }
  if (!what) return refuse(EBADF);
  world().log("fsync of inode " + std::to_string(what->inode->number));
  if (world().lies(Call::fsync)) return 0;
  world().disk.sync(what->inode);
  return world().leave(Call::fsync, 0);
}

int fsync_after_move(int fd) { return fsync(fd); }

int check_local(int /*fd*/) { return world().has_syncfs ? 0 : refuse(EREMOTE); }

int syncfs(int fd) {
  if (!world().enter(Call::syncfs, std::to_string(fd))) {
    if (errno == EIO) {
      for (const InodePtr& file : world().disk.dirty_files()) world().disk.fail_sync(file);
      errno = EIO;
    }
    return -1;
  }
  if (!description(fd)) return refuse(EBADF);
  if (!world().has_syncfs) return refuse(EOPNOTSUPP);
  world().log("syncfs");
  if (world().lies(Call::syncfs)) return 0;
  world().disk.sync_all();
  return world().leave(Call::syncfs, 0);
}

// No sync of another's takes an error away here: nothing more to tell than syncfs has told.
int wait_written(int fd) { return description(fd) ? 0 : refuse(EBADF); }

int fstat(int fd, struct stat* out) {
  if (!world().enter(Call::stat, std::to_string(fd))) return -1;
  const auto what = description(fd);
  if (!what) return refuse(EBADF);
  fill(what->inode, out);
  return 0;
}

int fstatvfs(int fd, struct statvfs* out) {
  if (!world().enter(Call::statvfs, std::to_string(fd))) return -1;
  std::memset(out, 0, sizeof *out);
  out->f_bsize = out->f_frsize = 4096;
  out->f_blocks = 1U << 20;
  out->f_bfree = out->f_bavail = world().free_bytes / 4096;
  out->f_files = 1U << 20;
  out->f_ffree = out->f_favail = world().free_inodes;
  return 0;
}

int fchmod(int fd, mode_t mode) {
  if (!world().enter(Call::chmod, std::to_string(fd))) return -1;
  const auto what = description(fd);
  if (!what) return refuse(EBADF);
  what->inode->mode = (what->inode->mode & S_IFMT) | (mode & 07777);
  return 0;
}

int futimens_now(int fd) {
  if (!world().enter(Call::touch, std::to_string(fd))) return -1;
  const auto what = description(fd);
  if (!what) return refuse(EBADF);
  touch(what->inode);
  return 0;
}

int set_mtime(int fd, const struct timespec& mtime) {
  if (futimens_now(fd) != 0) return -1;
  description(fd)->inode->changed_ns = ns_of(mtime);
  return 0;
}

namespace {

bool take_lock(const std::shared_ptr<Description>& mine, bool exclusive) {
  auto& held = world().locks[mine->inode.get()];
  const bool busy = std::any_of(held.begin(), held.end(),
                                [&](const auto& other) { return exclusive || other.second; });
  if (!busy) held.emplace_back(mine.get(), exclusive);
  return !busy;
}

}  // namespace

int flock(int fd, int operation) {
  if (!world().enter(Call::flock, std::to_string(fd))) return -1;
  const auto mine = description(fd);
  if (!mine) return refuse(EBADF);
  world().unlock(mine.get());
  if ((operation & LOCK_UN) != 0) return 0;
  while (!take_lock(mine, (operation & LOCK_EX) != 0)) {
    if ((operation & LOCK_NB) != 0) return refuse(EWOULDBLOCK);
    if (!world().yield) return refuse(EDEADLK);  // nobody else will ever let go
    world().running().waiting = true;
    world().yield();
  }
  return 0;
}

int clock_realtime(struct timespec* out) {
  out->tv_sec = world().real_ns() / 1'000'000'000;
  out->tv_nsec = world().real_ns() % 1'000'000'000;
  return 0;
}

int64_t monotonic_ms() { return world().steady_ns() / 1'000'000; }

int64_t boottime_ms() { return monotonic_ms(); }

// Others have a turn, if they can go on.
void sleep_ms(int64_t ms) {
  if (world().running().dead) return;
  world().pass(ms);
  if (!world().yield) return;
  world().running().sleeping = true;
  world().yield();
}

ssize_t getrandom(void* buffer, size_t count) {
  static sim::SeededChooser chooser(20261124);
  auto* bytes = static_cast<unsigned char*>(buffer);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>(chooser.below(256));
  return static_cast<ssize_t>(count);
}

Identity identity() { return world().running().me; }

bool is_running(int pid) { return world().lives(world().running().me.host, pid); }

uid_t effective_uid() { return world().running().uid; }

}  // namespace imgq::sys
