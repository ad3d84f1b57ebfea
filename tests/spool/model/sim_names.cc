// The simulated calls on names.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "src/util/sys.h"
#include "tests/spool/model/sim_calls.h"

namespace imgq::sim::calls {

World& world() { return World::current(); }

int refuse(int error) {
  errno = error;
  return -1;
}

std::shared_ptr<Description> description(int fd) {
  const auto& fds = world().running().fds;
  const auto found = fds.find(fd);
  return found == fds.end() ? nullptr : found->second;
}

InodePtr Place::target() const {
  if (name.empty()) return dir;
  const auto found = dir->names.find(name);
  return found == dir->names.end() ? nullptr : found->second;
}

Place place(int dir, std::string_view path) {
  InodePtr at = world().disk.root();
  if (dir != AT_FDCWD && path.substr(0, 1) != "/") {
    const auto opened = description(dir);
    if (!opened) return {nullptr, "", EBADF};
    at = opened->inode;
  }
  std::string name;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part.size() > 255) return {nullptr, "", ENAMETOOLONG};
    if (!at->is_directory()) return {nullptr, "", ENOTDIR};
    if (!name.empty()) {
      const auto found = at->names.find(name);
      if (found == at->names.end()) return {nullptr, "", ENOENT};
      at = found->second;
    }
    name = part;
    if (part == "..") {
      if (const InodePtr above = at->parent.lock()) at = above;
      name.clear();
    }
  }
  if (!at->is_directory()) return {nullptr, "", ENOTDIR};
  return {at, name, 0};
}

// A name may be given in this folder.
int may_add(const Place& at) {
  if (at.dir->links == 0) return ENOENT;  // the folder was removed
  return 0;
}

void touch(const InodePtr& inode) { inode->changed_ns = inode->status_ns = world().real_ns(); }

void fill(const InodePtr& inode, struct stat* out) {
  std::memset(out, 0, sizeof *out);
  out->st_dev = 1;
  out->st_ino = inode->number;
  out->st_mode = inode->mode;
  out->st_nlink = static_cast<nlink_t>(inode->links);
  out->st_uid = inode->uid;
  out->st_size = static_cast<off_t>(inode->data.size());
  out->st_blksize = 4096;
  out->st_blocks = static_cast<blkcnt_t>((inode->data.size() + 511) / 512);
  out->st_mtim.tv_sec = inode->changed_ns / 1'000'000'000;
  out->st_mtim.tv_nsec = inode->changed_ns % 1'000'000'000;
  out->st_ctim.tv_sec = inode->status_ns / 1'000'000'000;
  out->st_ctim.tv_nsec = inode->status_ns % 1'000'000'000;
  out->st_atim = out->st_mtim;
}

}  // namespace imgq::sim::calls

namespace imgq::sys {

using namespace sim::calls;  // NOLINT(google-build-using-namespace)
using sim::Call;
using sim::InodePtr;

int fstatat(int dir, const char* path, struct stat* out) {
  if (!world().enter(Call::stat, std::string(path))) return -1;
  const Place at = place(dir, path);
  if (at.error != 0) return refuse(at.error);
  const InodePtr there = at.target();
  if (!there) return refuse(ENOENT);
  fill(there, out);
  return 0;
}

int linkat(int from_dir, const char* from, int to_dir, const char* to) {
  const std::string what = std::string(from) + " -> " + to;
  if (!world().enter(Call::link, what)) return -1;
  const Place source = place(from_dir, from);
  const Place target = place(to_dir, to);
  if (source.error != 0 || target.error != 0) {
    return refuse(source.error != 0 ? source.error : target.error);
  }
  const InodePtr inode = source.target();
  if (!inode) return refuse(ENOENT);
  if (inode->is_directory()) return refuse(EPERM);
  if (target.target()) return refuse(EEXIST);
  if (const int error = may_add(target); error != 0) return refuse(error);
  world().disk.add(target.dir, target.name, inode);
  inode->status_ns = world().real_ns();
  touch(target.dir);
  world().log("link " + what);
  return world().leave(Call::link, 0);
}

namespace {

// The inode a client believes to be under a name: with stale names, also after it has gone.
InodePtr believed(const Place& at) {
  if (InodePtr there = at.target(); there || !world().stale_names) return there;
  const auto old = world().remembered.find({at.dir.get(), at.name});
  return old == world().remembered.end() ? nullptr : old->second;
}

void forget_name(const Place& at, const InodePtr& inode) {
  world().remembered[{at.dir.get(), at.name}] = inode;
}

}  // namespace

int renameat(int from_dir, const char* from, int to_dir, const char* to) {
  const std::string what = std::string(from) + " -> " + to;
  if (!world().enter(Call::rename, what)) return -1;
  const Place source = place(from_dir, from);
  const Place target = place(to_dir, to);
  if (source.error != 0 || target.error != 0) {
    return refuse(source.error != 0 ? source.error : target.error);
  }
  const InodePtr inode = believed(source);
  if (!inode) return refuse(ENOENT);
  const InodePtr replaced = target.target();
  if (replaced == inode) {
    world().log("rename " + what + " answers 0 without acting");
    return 0;  // rename(2): two names of one inode
  }
  if (!source.target()) return refuse(ENOENT);
  if (const int error = may_add(target); error != 0) return refuse(error);
  if (replaced && replaced->is_directory() != inode->is_directory()) {
    return refuse(replaced->is_directory() ? EISDIR : ENOTDIR);
  }
  if (replaced && replaced->is_directory() && !replaced->names.empty()) return refuse(ENOTEMPTY);
  world().disk.move(source.dir, source.name, target.dir, target.name);
  forget_name(source, inode);
  inode->status_ns = world().real_ns();
  touch(source.dir);
  touch(target.dir);
  world().log("rename " + what);
  return world().leave(Call::rename, 0);
}

int unlinkat(int dir, const char* path, int flags) {
  if (!world().enter(Call::unlink, std::string(path))) return -1;
  const Place at = place(dir, path);
  if (at.error != 0) return refuse(at.error);
  const InodePtr there = at.target();
  if (!there) return refuse(ENOENT);
  const bool folder = (flags & AT_REMOVEDIR) != 0;
  if (there->is_directory() != folder) return refuse(folder ? ENOTDIR : EISDIR);
  if (folder && !there->names.empty()) return refuse(ENOTEMPTY);
  world().disk.remove(at.dir, at.name);
  forget_name(at, there);
  touch(at.dir);
  world().log("unlink " + std::string(path));
  return world().leave(Call::unlink, 0);
}

int mkdirat(int dir, const char* path, mode_t mode) {
  if (!world().enter(Call::mkdir, std::string(path))) return -1;
  const Place at = place(dir, path);
  if (at.error != 0) return refuse(at.error);
  if (at.target()) return refuse(EEXIST);
  if (const int error = may_add(at); error != 0) return refuse(error);
  if (world().free_inodes == 0) return refuse(ENOSPC);
  world().free_inodes--;
  world().disk.add(
      at.dir, at.name,
      world().disk.make(S_IFDIR | (mode & 07777), world().running().uid, world().real_ns()));
  touch(at.dir);
  world().log("mkdir " + std::string(path));
  return world().leave(Call::mkdir, 0);
}

int list(int dir, const char* path, bool (*take)(const char* name, void* context), void* context) {
  if (!world().enter(Call::list, std::string(path))) return -1;
  const Place at = place(dir, path);
  if (at.error != 0) return refuse(at.error);
  const InodePtr there = at.target();
  if (!there) return refuse(ENOENT);
  if (!there->is_directory()) return refuse(ENOTDIR);
  // In the order of a hash, as ext4 does, half of it a moment later than the other half: what
  // moves meanwhile is seen twice, or not at all.
  for (const size_t half : {0U, 1U}) {
    std::vector<std::string> names;
    for (const auto& [name, inode] : there->names) {
      if (std::hash<std::string>{}(name) % 2 == half) names.push_back(name);
    }
    for (const std::string& name : names) {
      if (!take(name.c_str(), context)) return 0;
    }
    if (half == 0 && world().yield && !world().running().dead) world().yield();
  }
  return 0;
}

}  // namespace imgq::sys
