// imgq, the command.
#include <cstdio>
#include <exception>

#include "src/util/standard_files.h"
#include "tools/imgq_options.h"

int main(int count, char** arguments) {
  imgq::fill_standard_files();
  try {
    return static_cast<int>(imgq::tools::imgq(count, arguments));
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "imgq: a bug: %s\n", error.what());  // nobody else to tell
    return static_cast<int>(imgq::Exit::bug);
  }
}
