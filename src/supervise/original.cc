#include "src/supervise/original.h"

#include <fcntl.h>
#include <limits.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "src/util/clock.h"
#include "src/util/sys.h"
#include "src/util/text.h"

namespace imgq::supervise {
namespace {

constexpr int kMostNumber = 1'000'000'000;

bool is_taken(int folder, const std::string& name) {
  struct stat there{};
  return sys::fstatat(folder, name.c_str(), &there) == 0;
}

// A number whose name is free. A camera may have sent thousands of one name: they are not tried one
// after another.
int free_number(int folder, const std::string& name) {
  int taken = 1;
  int free = 2;
  while (free < kMostNumber && is_taken(folder, numbered(name, free))) {
    taken = free;
    free = std::min(free * 2, kMostNumber);
  }
  while (free - taken > 1) {
    const int middle = taken + (free - taken) / 2;
    (is_taken(folder, numbered(name, middle)) ? taken : free) = middle;
  }
  return free;
}

bool is_it(int folder, const std::string& name, const Original& it) {
  struct stat now{};
  return sys::fstatat(folder, name.c_str(), &now) == 0 && S_ISREG(now.st_mode) &&
         original_of(now) == it;
}

// Aside, and it is the original. Else all is as it was.
Result<Departure> set_aside(const Original& it, const WayOut& way) {
  if (!is_it(way.from, way.name, it)) return Departure::not_it;
  if (rename_unless_there(way.from, way.name, way.aside_in, way.aside) != 0) {
    if (errno == ENOENT) return Departure::not_it;
    return last_error("take away", way.name);
  }
  if (is_it(way.aside_in, way.aside, it)) return Departure::done;
  const auto back = rename_unless_taken(way.aside_in, way.aside, way.from, way.name);
  return back ? Result<Departure>(Departure::not_it) : back.error();
}

}  // namespace

Original original_of(const struct stat& file) {
  return {file.st_ino, file.st_size, ns_of(file.st_mtim)};
}

Result<Fd> open_folder(const std::string& path) {
  Fd folder(sys::open(path.c_str(), O_RDONLY | O_DIRECTORY));
  if (!folder) return last_error("open", path);
  return folder;
}

Result<Fd> open_below(int folder, const std::string& path, Missing missing) {
  Fd at(sys::openat(folder, ".", O_RDONLY | O_DIRECTORY));
  if (!at) return last_error("open", path);
  for (const std::string& name : split(path, '/')) {
    if (missing == Missing::make && sys::mkdirat(at.get(), name.c_str(), 0777) != 0 &&
        errno != EEXIST) {
      return last_error("make", path);
    }
    Fd next(sys::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (!next) return last_error("open", path);
    at = std::move(next);
  }
  return at;
}

int rename_unless_there(int from, const std::string& name, int to, const std::string& as) {
  if (::renameat2(from, name.c_str(), to, as.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (sys::linkat(from, name.c_str(), to, as.c_str()) != 0) return -1;
  return sys::unlinkat(from, name.c_str(), 0);
}

std::string numbered(const std::string& name, int number) {
  if (number == 1) return name;
  const size_t dot = name.rfind('.');
  const bool has_stem = dot != std::string::npos && dot > 0;
  const std::string extension = has_stem ? name.substr(dot) : "";
  const std::string tail = "-" + std::to_string(number) + extension;
  const std::string stem = has_stem ? name.substr(0, dot) : name;
  const size_t room = NAME_MAX - std::min<size_t>(tail.size(), NAME_MAX);
  return stem.substr(0, room) + tail;
}

Status rename_unless_taken(int from, const std::string& name, int to, const std::string& as) {
  for (int number = 1; number <= kMostNumber; ++number) {
    if (rename_unless_there(from, name, to, numbered(as, number)) == 0) return Ok{};
    if (errno != EEXIST) break;
    if (number == 1) number = free_number(to, as) - 1;
  }
  return last_error("rename to", as);
}

Result<Departure> move_original(const Original& it, const WayOut& way, int to,
                                const std::string& as) {
  auto gone = set_aside(it, way);
  if (!gone || *gone == Departure::not_it) return gone;
  const auto moved = rename_unless_taken(way.aside_in, way.aside, to, as);
  return moved ? gone : Result<Departure>(moved.error());
}

Result<Departure> remove_original(const Original& it, const WayOut& way) {
  auto gone = set_aside(it, way);
  if (!gone || *gone == Departure::not_it) return gone;
  if (sys::unlinkat(way.aside_in, way.aside.c_str(), 0) != 0) return last_error("remove", way.name);
  return gone;
}

}  // namespace imgq::supervise
