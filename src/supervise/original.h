#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <string>

#include "src/util/error.h"
#include "src/util/fd.h"

// The file that a job was made of, in its hot folder, and its way out of there.
namespace imgq::supervise {

// What makes it that file: a new name or other rights make no other of it.
struct Original {
  ino_t inode = 0;
  int64_t size_bytes = 0;
  int64_t modified_ns = 0;
  friend auto operator<=>(const Original&, const Original&) = default;
};
Original original_of(const struct stat& file);

// An existing directory, links followed.
Result<Fd> open_folder(const std::string& path);

// A folder below an open one ("" is that itself), links not followed.
//   errors  of open(2), mkdir(2); ENOENT only when it is not to be made
enum class Missing { refuse, make };
Result<Fd> open_below(int folder, const std::string& path, Missing missing);

enum class Departure { done, not_it };

// From where an original is taken away, and a name in another folder under which it is looked at
// again, where nobody replaces it.
struct WayOut {
  int from;
  std::string name;
  int aside_in;
  std::string aside;
};

// Moves it to another folder and replaces nothing: where the name is taken it becomes
// "photo-2.jpg", "photo-3.jpg", ... A newer file that had taken its name is put back.
//   errors  EXDEV not one mount; of rename(2). The file is where it was, or aside
Result<Departure> move_original(const Original& it, const WayOut& way, int to,
                                const std::string& as);

// The same, to remove it.
Result<Departure> remove_original(const Original& it, const WayOut& way);

// Renames without replacing a file. File systems that cannot (NFS) link and unlink instead; that
// the kernel refuses for files of others that one may not write (fs.protected_hardlinks).
//   returns 0, or -1 with errno; EEXIST the name is taken
int rename_unless_there(int from, const std::string& name, int to, const std::string& as);

// Gives a file another name, in this folder or another, that nobody has: `as`, or the first free
// one of those above.
//   errors  of rename(2)
Status rename_unless_taken(int from, const std::string& name, int to, const std::string& as);

// "photo.jpg" and 2: "photo-2.jpg"; cut where that is too long for a name. 1: as it is.
std::string numbered(const std::string& name, int number);

}  // namespace imgq::supervise
