#include "src/util/random.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "src/util/sys.h"

namespace imgq {

std::array<uint64_t, 2> random_words() {
  std::array<uint64_t, 2> words{};
  if (sys::getrandom(words.data(), sizeof words) != static_cast<ssize_t>(sizeof words)) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return words;
}

std::string random_name() {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%016llx",  // always fits
                      static_cast<unsigned long long>(random_words()[0]));
  return text;
}

}  // namespace imgq
