#include "src/supervise/folder_lock.h"

#include <sys/file.h>

#include <cerrno>
#include <utility>

#include "src/supervise/folder_files.h"
#include "src/util/sys.h"

namespace imgq::supervise {

FolderLock::Held FolderLock::take(Fd folder) {
  struct stat about{};
  if (sys::fstat(folder.get(), &about) != 0) return Held::yes;  // reading it will say what is wrong
  const FolderId id{about.st_dev, about.st_ino};
  if (held_ && id_ == id) return Held::yes;
  held_ = Fd();
  if (sys::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? Held::by_another : Held::yes;
  }
  held_ = std::move(folder);
  id_ = id;
  return Held::yes;
}

FolderLook look_at_folder(const Spool& spool, const HotFolderPlan& plan, FolderLock& lock,
                          const std::vector<JobId>& awaited, FirstLook first) {
  FolderLook look;
  auto folder = open_folder(plan.hot_folder.directory);
  if (!folder) {
    look.content = folder.error();
    return look;
  }
  look.lock = lock.take(std::move(*folder));
  if (look.lock == FolderLock::Held::by_another) return look;
  if (first == FirstLook::yes) look.put_back = put_back_originals(spool, plan);
  look.content = read_hot_folder(plan, FolderFiles::kMost);
  look.ended = ended_of(spool, awaited);
  return look;
}

}  // namespace imgq::supervise
