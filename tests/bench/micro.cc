// bench-micro: times the steps of cases.h. Options are those of Google Benchmark.
#include <benchmark/benchmark.h>

#include "tests/bench/cases.h"

namespace {

void time(benchmark::State& state, const imgq::bench::Case& of) {
  const imgq::bench::Steps steps = of.prepare();
  for (auto step : state) {
    (void)step;
    if (steps.before) {
      state.PauseTiming();
      steps.before();
      state.ResumeTiming();
    }
    steps.run();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * of.items);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  for (const auto& cases : {imgq::bench::image_cases(), imgq::bench::spool_cases()}) {
    for (const auto& of : cases) {
      benchmark::RegisterBenchmark(of.name.c_str(), [of](benchmark::State& s) {
        time(s, of);
      })->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
