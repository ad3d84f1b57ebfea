#include "src/jobs/config_trust.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "src/util/text.h"

namespace imgq::config {
namespace {

constexpr int kMaxLinks = 40;  // as path_resolution(7)

bool is_trusted(uid_t uid) { return uid == 0 || uid == ::geteuid(); }

bool is_trusted_name(const char* name) {
  const passwd* user = ::getpwnam(name);  // NOLINT(concurrency-mt-unsafe): read before any thread
  return user != nullptr && is_trusted(user->pw_uid);
}

// By what the system knows of its users, from both sides.
bool has_other_members(gid_t gid) {
  const group* found = ::getgrgid(gid);  // NOLINT(concurrency-mt-unsafe): as above
  if (found == nullptr) return true;
  for (char** member = found->gr_mem; *member != nullptr; ++member) {
    if (!is_trusted_name(*member)) return true;
  }
  bool others = false;
  ::setpwent();                                // NOLINT(concurrency-mt-unsafe): as above
  while (const passwd* user = ::getpwent()) {  // NOLINT(concurrency-mt-unsafe): as above
    others = others || (user->pw_gid == gid && !is_trusted(user->pw_uid));
  }
  ::endpwent();  // NOLINT(concurrency-mt-unsafe): as above
  return others;
}

std::string group_name(gid_t gid) {
  const group* found = ::getgrgid(gid);  // NOLINT(concurrency-mt-unsafe): as above
  return found == nullptr ? std::to_string(gid) : found->gr_name;
}

// Who else can write what this is about, in words; nothing for nobody. `has_acl` is asked only
// where it counts.
std::string others_in(const struct stat& about, const std::function<bool()>& has_acl) {
  if (!is_trusted(about.st_uid)) return fmt::format("it belongs to user {}", about.st_uid);
  const bool sticky = S_ISDIR(about.st_mode) && (about.st_mode & S_ISVTX) != 0;
  if (sticky || S_ISLNK(about.st_mode)) return "";
  if ((about.st_mode & S_IWOTH) != 0) return "everybody can write there";
  if ((about.st_mode & S_IWGRP) == 0) return "";
  if (has_acl()) return "its access control list lets others write there";  // the bits are its mask
  if (!has_other_members(about.st_gid)) return "";
  return fmt::format("members of group '{}' can write there", group_name(about.st_gid));
}

constexpr const char* kAcl = "system.posix_acl_access";

// Follows a path step by step, as the kernel does, and looks at each folder and link on its way.
class Walk {
 public:
  std::string follow(const std::filesystem::path& path) {
    for (const auto& part : path) {
      if (std::string found = step(part); !found.empty()) return found;
    }
    return "";
  }

 private:
  std::string step(const std::filesystem::path& part) {
    if (part.is_absolute()) at_ = "/";
    if (part == "..") at_ = at_.parent_path();
    if (std::string found = look(at_); !found.empty()) return found;
    if (part.is_absolute() || part.empty() || part == "." || part == "..") return "";
    const std::filesystem::path next = at_ / part;
    struct stat about{};
    if (::lstat(next.c_str(), &about) != 0 || !S_ISLNK(about.st_mode)) {
      at_ = next;
      return "";
    }
    std::string found = others_in(about, [] { return false; });
    if (!found.empty()) return said(next, found);
    std::error_code failed;
    const auto target = std::filesystem::read_symlink(next, failed);
    return failed || ++links_ > kMaxLinks ? "" : follow(target);  // then it cannot be read, either
  }

  static std::string look(const std::filesystem::path& folder) {
    struct stat about{};
    if (::lstat(folder.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) return "";
    const std::string found =
        others_in(about, [&folder] { return ::getxattr(folder.c_str(), kAcl, nullptr, 0) > 0; });
    return found.empty() ? "" : said(folder, found);
  }

  static std::string said(const std::filesystem::path& path, const std::string& found) {
    return fmt::format("{}: {}", printable(path.string()), found);
  }

  std::filesystem::path at_ = "/";
  int links_ = 0;
};

}  // namespace

std::optional<std::string> who_else_writes(int file, const std::string& path, Reach reach) {
  struct stat about{};
  if (::fstat(file, &about) != 0) return std::nullopt;  // it will not be read, either
  std::string found = others_in(about, [file] { return ::fgetxattr(file, kAcl, nullptr, 0) > 0; });
  if (!found.empty()) return fmt::format("{}: {}", printable(path), found);
  if (reach == Reach::file) return std::nullopt;
  std::error_code failed;
  found = Walk().follow(std::filesystem::absolute(path, failed));
  return found.empty() ? std::nullopt : std::optional(found);
}

}  // namespace imgq::config
