#include <stdexcept>

#include "tests/images/made.h"

namespace imgq::made {

Pixels read_jpeg(const Bytes& file);
Pixels read_png(const Bytes& file);
Pixels read_webp(const Bytes& file);

Pixels read(const Bytes& file) {
  if (file.size() < 12) throw std::runtime_error("no image was written");
  if (file[0] == 0xff) return read_jpeg(file);
  if (file[0] == 0x89) return read_png(file);
  if (file[0] == 'R') return read_webp(file);
  throw std::runtime_error("an image of an unknown format was written");
}

}  // namespace imgq::made
