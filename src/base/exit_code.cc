#include "src/base/exit_code.h"

#include <cerrno>

namespace imgq {

Exit exit_for(const Error& error) {
  switch (error.code) {
    case ENOENT:
    case ENOTDIR:
    case ENOTEMPTY:
    case EPROTO:
    case EMEDIUMTYPE:  // another spool than the one that is meant
    case EXDEV:
    case ELOOP:
    case ECHILD:  // no worker keeps running
      return Exit::spool_unavailable;
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
      return Exit::try_later;
    case EACCES:
    case EPERM:
      return Exit::no_permission;
    default:
      return Exit::io_error;  // EIO and its kin, and records that cannot be read
  }
}

}  // namespace imgq
