#pragma once

#include <cstdint>
#include <string>

#include "spool/temp_file.h"

namespace imgq {

enum class Transfer {
  copy,  // own inode: reflink where the file system can, else copy_file_range, else read and write
  link,  // hard link: free, but the submitter must not write to the file any more
};

// Brings an open regular file's bytes into tmp/. `fd` is read from its start.
//   errors  EFBIG more than limit_bytes; ENODATA empty; ENOSPC, EDQUOT; EIO
Result<TempFile> copy_source(const Spool& spool, int fd, int64_t limit_bytes);

// The same by hard link; EXDEV and EPERM mean "copy instead". Path is relative to `dir`.
Result<TempFile> link_source(const Spool& spool, int dir, const std::string& path);

}  // namespace imgq
