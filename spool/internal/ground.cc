#include "spool/internal/ground.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "spool/internal/durable.h"
#include "spool/internal/walk.h"
#include "src/util/io.h"

namespace imgq::durable {

int64_t Times::most() const {
  return all_.empty() ? 0 : *std::max_element(all_.begin(), all_.end());
}

std::string Times::words() {
  if (all_.empty()) return "not measured";
  std::sort(all_.begin(), all_.end());
  return "after " + std::to_string(all_[all_.size() / 2]) + " ms, at most " +
         std::to_string(all_.back());
}

Ground::Ground(const Spool& here, const Spool& there)
    : here_(here), there_(there), path_(temp_path(here)) {}

Status Ground::make() const {
  if (const auto made = make_folder(here_, path_); !made) return made.error();
  if (until(kSeenMs, [this] { return stat(there_, "") == 0; }) >= 0) return Ok{};
  return Error{0, "see in " + there_.path() + " what is made in " + here_.path(),
               "these are two folders, not one that is mounted twice"};
}

int Ground::stat(const Spool& spool, const std::string& name) const {
  struct stat about = {};
  return sys::fstatat(spool.root(), at(name).c_str(), &about) == 0 ? 0 : errno;
}

int Ground::rename(const Spool& spool, const std::string& from, const std::string& to) const {
  const int root = spool.root();
  return sys::renameat(root, at(from).c_str(), root, at(to).c_str()) == 0 ? 0 : errno;
}

int Ground::link(const Spool& spool, const std::string& from, const std::string& to) const {
  const int root = spool.root();
  return sys::linkat(root, at(from).c_str(), root, at(to).c_str()) == 0 ? 0 : errno;
}

int Ground::remove(const Spool& spool, const std::string& name, int flags) const {
  return sys::unlinkat(spool.root(), at(name).c_str(), flags) == 0 ? 0 : errno;
}

Fd Ground::open(const Spool& spool, const std::string& name, int flags) const {
  return Fd(sys::openat(spool.root(), at(name).c_str(), flags | O_NOFOLLOW, 0600));
}

Fd Ground::put(const Spool& spool, const std::string& name) const {
  Fd file = open(spool, name, O_RDWR | O_CREAT | O_EXCL);
  if (file && !write_all(file.get(), kGroundBytes, at(name))) return Fd();
  return file;
}

bool Ground::has_whole(const Spool& spool, const std::string& name) const {
  const Fd file = open(spool, name, O_RDONLY);
  std::array<char, kGroundBytes.size() + 1> bytes{};
  return file && sys::pread(file.get(), bytes.data(), bytes.size(), 0) ==
                     static_cast<ssize_t>(kGroundBytes.size());
}

bool Ground::lists(const Spool& spool, const std::string& name) const {
  bool found = false;
  (void)each_name(spool.root(), path_, [&](std::string_view one) {
    found = one == name;
    return !found;
  });
  return found;
}

void Ground::clear(const std::string& folder, int depth) const {
  const auto names = sorted_names(here_, folder);
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    const std::string path = folder + "/" + name;
    if (sys::unlinkat(here_.root(), path.c_str(), 0) != 0 && depth > 0) clear(path, depth - 1);
  }
  (void)sys::unlinkat(here_.root(), folder.c_str(), AT_REMOVEDIR);  // a sweep tries it again
}

}  // namespace imgq::durable
