#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "spool/spool.h"
#include "spool/types.h"
#include "src/util/error.h"
#include "src/util/fd.h"

// Folders that several programs make in the same moment, on one host or on many, and what a network
// file system says of them meanwhile (FORMAT.md "Folders").
namespace imgq::durable {

// The waits between looks at what passes by itself: none before the second look, then longer ones.
class Patience {
 public:
  explicit Patience(int64_t most_ms = kUnseenMs) : most_ms_(most_ms) {}

  // Waits; false when it was tried for long enough.
  bool again();

  static constexpr int64_t kUnseenMs = 3'000;  // GlusterFS: some ms; MooseFS: 1 s

 private:
  int64_t most_ms_;
  int64_t until_ms_ = 0;
  int64_t next_ms_ = 0;
};

// Makes a folder that nobody else makes, or works in, at this time. One that is there is Ok.
Status make_state_folder(int root, const char* folder, mode_t mode);

// Makes one folder, with the spool's mode; its parent exists. One that is there is Ok, and never
// replaced.
//   returns its inode
Result<ino_t> make_folder(const Spool& spool, const std::string& path);

// Makes what is missing of a path below a folder of the spool, outermost first, syncing the parent
// of each.
//   returns the inode of the innermost
Result<ino_t> make_folders(const Spool& spool, const std::string& path, Sync sync);

// Makes jobs/<day>/<hour> or keys/<shard>, durable under its name before anything is put into it.
// Remembered in the spool, so the syncs are paid once an hour.
Status make_durable_folder(const Spool& spool, const std::string& path, Sync sync);

// Opens a folder: tried again while a network client that has yet to see it says that it is not
// there.
//   errors  ENOENT it is not there
Result<Fd> open_folder(const Spool& spool, const std::string& path);

// Whether a name exists, asked so that a network client does not answer from memory of another
// folder that had the name of this one's: the folder above is listed first.
Result<bool> exists_anew(const Spool& spool, const std::string& path);

enum class Naming { link, move };

// What came of giving a name.
struct Given {
  int code = 0;             // errno; 0: done
  bool old_stands = false;  // after ENOENT or ESTALE: the old name is there
};

// Gives a file the name `to`: a further one, or in place of `from`. ENOENT and ESTALE do not say
// that `from` is gone: while it stands, the folder of `to` is made when it is missing, a client
// that remembers another folder of that name is made to look anew, and the call is made again.
Given give_name(const Spool& spool, Naming how, const std::string& from, const std::string& to);

}  // namespace imgq::durable
