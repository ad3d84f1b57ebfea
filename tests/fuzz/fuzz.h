#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/util/fd.h"

// What every target offers: libFuzzer's entry point.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace imgq::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Ends the program, so that the fuzzer keeps the input.
inline void require(bool holds, const char* promise) {
  if (holds) return;
  (void)std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

// A file in memory that holds `bytes`, to be read from its start.
inline Fd memory_file(std::string_view bytes) {
  Fd file(memfd_create("fuzz", MFD_CLOEXEC));
  require(file && pwrite(file.get(), bytes.data(), bytes.size(), 0) ==
                      static_cast<ssize_t>(bytes.size()),
          "a file in memory can be written");
  return file;
}

}  // namespace imgq::fuzz
