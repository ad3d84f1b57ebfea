// bench-once: tells its compiler, runs each step of cases.h twice and tells its name. For
// tests/bench/instructions, which has callgrind count what the second time is inside of counted().
#include <cstdio>
#include <exception>

#include "tests/bench/cases.h"

#ifdef __clang__
#define COMPILER "clang-" __clang_version__
#else
#define COMPILER "gcc-" __VERSION__
#endif

extern "C" [[gnu::noinline]] void counted(const imgq::bench::Steps& steps);
void counted(const imgq::bench::Steps& steps) { steps.run(); }

int main() {
  try {
    (void)std::puts(COMPILER);
    for (const auto& cases : {imgq::bench::image_cases(), imgq::bench::spool_cases()}) {
      for (const auto& of : cases) {
        const imgq::bench::Steps steps = of.prepare();
        if (steps.before) steps.before();
        steps.run();
        if (steps.before) steps.before();
        counted(steps);
        (void)std::puts(of.name.c_str());
      }
    }
  } catch (const std::exception& problem) {
    return std::fprintf(stderr, "bench-once: %s\n", problem.what()), 1;
  }
  return 0;
}
