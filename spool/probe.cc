#include "spool/probe.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spool/internal/durable.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "src/util/io.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

std::string_view base_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Probe probe_of(std::string what, bool good, std::string cure) {
  return {std::move(what), good, good ? "" : std::move(cure)};
}

bool is_taken(const Status& named) { return !named && named.error().code == EEXIST; }

Probe write_probe(const Spool& spool) {
  const auto file = TempFile::create(spool);
  const bool good =
      file && write_all(file->fd(), "imgq", file->path()) && sys::fsync(file->fd()) == 0;
  return probe_of("writing and syncing a file", good,
                  "make the spool writable for this user (group of the spool, mode 2770)" +
                      (file ? std::string() : ": " + file.error().text()));
}

Probe link_probe(const Spool& spool) {
  const auto file = TempFile::create(spool);
  const std::string second = durable::temp_path(spool);
  struct stat about = {};
  const bool good = file && durable::put_new(spool, *file, second) &&
                    sys::fstatat(spool.root(), second.c_str(), &about) == 0 &&
                    about.st_nlink == 2 && is_taken(durable::put_new(spool, *file, second));
  (void)durable::remove(spool, second);
  return probe_of("hard links, and EEXIST for a name that is taken", good,
                  "put the spool on a file system with hard links (ext4, xfs, btrfs, GlusterFS); "
                  "FAT, exFAT and most FUSE mounts of cloud storage have none");
}

Probe rename_probe(const Spool& spool) {
  auto file = TempFile::create(spool);
  const std::string from = file ? file->path() : "", to = durable::temp_path(spool);
  struct stat about = {};
  const bool good = file && durable::put(spool, *file, to) &&
                    sys::fstatat(spool.root(), from.c_str(), &about) != 0 && errno == ENOENT &&
                    sys::fstatat(spool.root(), to.c_str(), &about) == 0;
  (void)durable::remove(spool, to);
  return probe_of("rename", good, "the file system does not rename as POSIX says: use another");
}

Probe lock_probe(const Spool& spool) {
  const auto file = TempFile::create(spool);
  bool good = false;
  if (file && sys::flock(file->fd(), LOCK_EX | LOCK_NB) == 0) {
    const Fd other(sys::openat(spool.root(), file->path().c_str(), O_RDWR | O_NOFOLLOW));
    good = other && sys::flock(other.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  }
  return probe_of("flock keeps a second holder out", good,
                  "mount the file system with locks (NFS: without nolock; GlusterFS: "
                  "features.locks on)");
}

Probe folder_sync_probe(const Spool& spool) {
  const Fd folder(sys::openat(spool.root(), "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  const bool good = folder && sys::fsync(folder.get()) == 0;
  return probe_of("fsync of a directory", good,
                  "the file system cannot sync names, so a power cut may lose acknowledged jobs: "
                  "use another, or accept that with --sync=none");
}

Probe folder_probe(const Spool& spool) {
  const std::string folder = durable::temp_path(spool);
  bool good = sys::mkdirat(spool.root(), folder.c_str(), spool.folder_mode() & 0777) == 0;
  good = sys::unlinkat(spool.root(), folder.c_str(), AT_REMOVEDIR) == 0 && good;
  return probe_of("making and removing a folder", good,
                  "make the spool's folders writable for this user (mode 2770)");
}

// Whether a file of tmp/ can have a name there: not where another file system lies over the folder,
// nor where a part of the same one is mounted again.
bool is_of_one_mount(const Spool& spool, const TempFile& file, const std::string& folder) {
  const std::string name = folder + "/" + std::string(base_of(file.path()));
  if (sys::linkat(spool.root(), file.path().c_str(), spool.root(), name.c_str()) != 0) {
    return errno != EXDEV;
  }
  (void)sys::unlinkat(spool.root(), name.c_str(), 0);  // a stranger's name, which nobody takes
  return true;
}

Probe device_probe(const Spool& spool) {
  struct stat root = {};
  std::string strangers;
  bool good = sys::fstat(spool.root(), &root) == 0;
  const auto file = TempFile::create(spool);
  for (const char* folder : layout::kFolders) {
    struct stat about = {};
    const bool there = sys::fstatat(spool.root(), folder, &about) == 0;
    if (!there && layout::may_be_missing(folder)) continue;
    const bool is_tmp = std::string_view(folder) == "tmp";
    if (there && about.st_dev == root.st_dev &&
        (is_tmp || !file || is_of_one_mount(spool, *file, folder))) {
      continue;
    }
    good = false;
    strangers += std::string(" ") + folder;
  }
  return probe_of(
      "all folders there, on one file system", good,
      "missing or mounted from elsewhere:" + strangers +
          "; run imgq fsck --repair, or unmount what lies over the folder: a bind mount "
          "of the same file system counts, mount the whole spool instead");
}

// Reads folders, and those in them as deep as the spool has any.
class Reader {
 public:
  explicit Reader(const Spool& spool) : spool_(spool) {}

  void read(const std::string& folder, int below) {
    std::vector<std::string> names;
    const auto listed = each_name(spool_.root(), folder, [&](std::string_view name) {
      if (below > 0) names.emplace_back(name);
      return below > 0;
    });
    if (!listed) note(listed.error());
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) read(folder + "/" + name, below - 1);
  }
  std::vector<Error> take() { return std::move(unreadable_); }

 private:
  void note(const Error& why) {
    const bool usual = why.code == ENOENT || why.code == ENOTDIR || why.code == EACCES;
    if (!usual) unreadable_.push_back(why);
  }
  const Spool& spool_;
  std::vector<Error> unreadable_;
};

}  // namespace

std::vector<Probe> probe(const Spool& spool) {
  return {write_probe(spool),       link_probe(spool),   rename_probe(spool), lock_probe(spool),
          folder_sync_probe(spool), folder_probe(spool), device_probe(spool)};
}

std::vector<Error> unreadable_folders(const Spool& spool) {
  Reader reader(spool);
  for (const std::string_view folder : layout::kFolders) {
    const bool has_hours = folder == "jobs" || folder == "completed";
    const bool has_folders = folder == "keys" || folder == "processing";
    reader.read(std::string(folder), has_hours ? 2 : static_cast<int>(has_folders));
  }
  return reader.take();
}

}  // namespace imgq
