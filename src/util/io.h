#ifndef IMGQ_SRC_UTIL_IO_H_
#define IMGQ_SRC_UTIL_IO_H_

#include <string_view>

#include "src/util/error.h"

namespace imgq {

// Writes all of the bytes. `name` is for the error.
//   errors  of write(2)
Status write_all(int fd, std::string_view bytes, std::string_view name);

}  // namespace imgq

#endif  // IMGQ_SRC_UTIL_IO_H_
