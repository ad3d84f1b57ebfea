#include "src/cli/file_out.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "src/cli/files.h"
#include "src/cli/session.h"
#include "src/util/digest.h"
#include "src/util/io.h"
#include "src/util/sys.h"
#include "src/util/text.h"
#include "src/util/unanswered.h"

namespace imgq::cli {
namespace {

constexpr mode_t kNewFile = 0666;  // less the umask, or what the directory's default ACL says
constexpr const char* kAcl = "system.posix_acl_access";

// A new file in a directory, without a name where that can be; else `temp` is its name.
Result<Fd> new_file(const std::string& directory, std::string_view prefix, std::string& temp) {
  Fd unnamed(sys::open(directory.c_str(), O_TMPFILE | O_WRONLY, kNewFile));
  if (unnamed) return unnamed;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) {
    return last_error("write to", directory);
  }
  temp = temp_name(directory, prefix);
  Fd named(sys::open(temp.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, kNewFile));
  if (!named) return last_error("write to", directory);
  return named;
}

// The access ACL of a file; empty where it has none but its mode.
Result<std::string> acl_of(int fd, const std::string& path) {
  std::string acl;
  ssize_t size = ::fgetxattr(fd, kAcl, nullptr, 0);
  if (size > 0) {
    acl.resize(size_t{64} * 1024);  // as long as can be: it may have grown
    size = ::fgetxattr(fd, kAcl, acl.data(), acl.size());
  }
  if (size < 0 && errno != ENODATA && errno != EOPNOTSUPP) return last_error("read the ACL", path);
  acl.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return acl;
}

Status set_acl(int fd, const std::string& acl, const std::string& path) {
  const int set =
      acl.empty() ? ::fremovexattr(fd, kAcl) : ::fsetxattr(fd, kAcl, acl.data(), acl.size(), 0);
  const bool none = acl.empty() && (errno == ENODATA || errno == EOPNOTSUPP);
  return set == 0 || none ? Status(Ok{}) : last_error("set the ACL", path);
}

// Makes a file as one that is newly made in a directory: of which one is made to see.
Status make_like_new(int fd, const std::string& directory) {
  std::string temp;
  const auto model = new_file(directory, kRunTempPrefix, temp);
  if (!temp.empty()) (void)sys::unlinkat(AT_FDCWD, temp.c_str(), 0);
  if (!model) return model.error();
  struct stat wanted{}, about{};
  if (::fstat(model->get(), &wanted) != 0 || ::fstat(fd, &about) != 0) {
    return last_error("look at a file for", directory);
  }
  const auto acl = acl_of(model->get(), directory);
  if (!acl) return acl.error();
  constexpr auto kSame = static_cast<uid_t>(-1);
  if (about.st_gid != wanted.st_gid && ::fchown(fd, kSame, wanted.st_gid) != 0) {
    return last_error("set the group of a file for", directory);
  }
  // First the ACL: with one, the group's bits of the mode are its mask.
  if (auto set = set_acl(fd, *acl, directory); !set) return set;
  if (::fchmod(fd, wanted.st_mode & 07777) != 0) return last_error("set the mode for", directory);
  return Ok{};
}

// Where the links at the end of a path lead, also when nothing is there yet.
Result<std::string> end_of_links(std::string path) {
  constexpr int kMostLinks = 40;  // as the kernel's
  std::array<char, PATH_MAX> target{};
  for (int links = 0; links < kMostLinks; ++links) {
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    if (size < 0) return path;  // no link: what else is wrong shows when it is written
    const std::string to(target.data(), static_cast<size_t>(size));
    path = to[0] == '/' ? to : fmt::format("{}/{}", directory_of(path), to);
  }
  return Error{ELOOP, "write to", path};
}

}  // namespace

bool has_unnamed_files(const std::string& directory) {
  return bool(Fd(sys::open(directory.c_str(), O_TMPFILE | O_WRONLY, kNewFile)));
}

Status check_goal(Goal goal, const std::string& output, size_t number, std::string_view things) {
  if (goal == Goal::directory) return Ok{};
  if (number > 1) {
    const std::string hint =
        goal == Goal::file ? fmt::format(": '{}/' makes one", printable(output)) : "";
    return usage_error(fmt::format("--output: several {} need a directory{}", things, hint));
  }
  if (goal == Goal::out && ::isatty(STDOUT_FILENO) == 1) {
    return usage_error("--output: an image is not for a terminal; redirect it");
  }
  return Ok{};
}

bool is_special(const std::string& path) {
  struct stat about{};
  if (!look_at(path, about)) return false;
  return !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

Result<OutFile> OutFile::open(const std::string& path) {
  if (is_special(path)) {
    Fd there(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!there) return last_error("write to", path);
    return OutFile(path, std::move(there), "");
  }
  const auto target = end_of_links(path);
  return target ? replacing(*target) : target.error();
}

Result<OutFile> OutFile::replacing(const std::string& path) {
  auto file = create(directory_of(path));
  if (file) file->target_ = path;
  return file;
}

Result<OutFile> OutFile::create(const std::string& directory, const std::string& temps) {
  std::string temp;
  auto file = new_file(directory, temps.empty() ? kTempPrefix : kRunTempPrefix, temp);
  if (!file) return file.error();
  return OutFile(temps.empty() ? directory : temps, std::move(*file), std::move(temp));
}

Result<OutFile> OutFile::link(const std::string& directory, const std::string& temps,
                              const std::string& path, Fd& file) {
  std::string temp = temp_name(temps);
  if (sys::linkat(AT_FDCWD, path.c_str(), AT_FDCWD, temp.c_str()) != 0)
    return last_error("link to", path);
  if (const auto like = make_like_new(file.get(), directory); !like) {
    (void)sys::unlinkat(AT_FDCWD, temp.c_str(), 0);
    return like.error();
  }
  return OutFile(temps, std::move(file), std::move(temp));
}

OutFile::~OutFile() {
  if (fd_ && !temp_.empty())
    (void)sys::unlinkat(AT_FDCWD, temp_.c_str(), 0);  // nothing more can be done
}

Status OutFile::write(std::string_view bytes) { return write_all(fd_.get(), bytes, temps_); }

Status OutFile::copy(int from) {
  const auto copied = copy_bytes(from, temps_, fd_.get(), temps_);
  return copied ? Status(Ok{}) : copied.error();
}

Status OutFile::commit() {
  if (!target_.empty()) return commit(target_);
  if (fd_.close_checked() != 0) return last_error("close", temps_);
  return Ok{};
}

Status OutFile::commit(const std::string& path) {
  if (temp_.empty()) {
    std::string temp = temp_name(temps_);
    const std::string self = fmt::format("/proc/self/fd/{}", fd_.get());
    const Asking asking("linkat");
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temp.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return last_error("name", path);
    }
    temp_ = std::move(temp);
  }
  // While it is open: a mounted bucket may lose the name of a file that it has begun to send.
  if (sys::renameat(AT_FDCWD, temp_.c_str(), AT_FDCWD, path.c_str()) != 0)
    return last_error("rename to", path);
  temp_.clear();
  if (fd_.close_checked() != 0) return last_error("close", path);
  return Ok{};
}

Result<int64_t> copy_bytes(int from, std::string_view from_name, int to, std::string_view to_name,
                           int64_t limit) {
  std::array<char, size_t{128} * 1024> buffer{};
  int64_t size = 0;
  while (true) {
    const ssize_t got = sys::read(from, buffer.data(), buffer.size());
    if (got < 0) return last_error("read", from_name);
    if (got == 0) return size;
    size += got;
    if (size > limit) return Error{EFBIG, "read", std::string(from_name)};
    const auto wrote = write_all(to, {buffer.data(), static_cast<size_t>(got)}, to_name);
    if (!wrote) return wrote.error();
  }
}

bool is_there(const std::string& path) {
  struct stat about{};
  return sys::fstatat(AT_FDCWD, path.c_str(), &about) == 0;
}

bool has_content(const std::string& path, const std::string& sha256) {
  const Fd file(sys::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat about{};
  if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return false;
  const auto digest = sha256_of_file(file.get(), path);
  return digest && *digest == sha256;
}

Status make_directories(const std::string& path) {
  struct stat about{};
  if (look_at(path, about) && S_ISDIR(about.st_mode)) return Ok{};
  for (size_t slash = path.find('/', 1); true; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (sys::mkdirat(AT_FDCWD, part.c_str(), 0777) != 0 && errno != EEXIST) {
      const int code = errno;
      if (!directory_id(part)) return Error{code, "make directory", part};
    }
    if (slash == std::string::npos) break;
  }
  if (!look_at(path, about)) return last_error("make directory", path);
  if (!S_ISDIR(about.st_mode)) return Error{ENOTDIR, "make directory", path};
  return Ok{};
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string temp_name(const std::string& directory, std::string_view prefix) {
  static int counter = 0;
  uint64_t chance = 0;  // process ids repeat: in containers, after a restart
  (void)sys::getrandom(&chance, sizeof chance);  // without it the name is only less sure to be new
  return fmt::format("{}/{}{}-{}-{:016x}", directory, prefix, ::getpid(), ++counter, chance);
}

void sweep_temps(const std::string& directory, std::string_view prefix) {
  const auto names = list_names(AT_FDCWD, directory);
  if (!names) return;  // what stays is in nobody's way
  for (const std::string& name : *names) {
    const bool is_temp = name.starts_with(prefix) &&
                         name.find_first_not_of("0123456789abcdef-", prefix.size()) == name.npos;
    if (is_temp) (void)sys::unlinkat(AT_FDCWD, fmt::format("{}/{}", directory, name).c_str(), 0);
  }
}

Status remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? Status(Error{error.value(), "remove", path}) : Ok{};
}

}  // namespace imgq::cli
