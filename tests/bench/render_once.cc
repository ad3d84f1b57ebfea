// render-once SOURCE REQUEST-JSON RESULT...: renders one image in this process, prints the verdict.
// For the benchmarks and for looking at pictures by hand; no spool, no worker.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "src/base/limits.h"
#include "src/base/request.h"
#include "src/base/verdict.h"
#include "src/image/engine.h"

namespace {

int usage() {
  (void)std::fputs("usage: render-once SOURCE REQUEST-JSON RESULT...\n", stderr);
  return 64;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return usage();
  imgq::Limits limits;
  limits.formats = {true, true, true, true};
  const auto started = imgq::image::start(limits.formats);
  if (!started) return std::fprintf(stderr, "%s\n", started.error().text().c_str()), 70;
  const auto request = imgq::parse_request(argv[2], "REQUEST-JSON");
  if (!request) return std::fprintf(stderr, "%s\n", request.error().text().c_str()), 64;
  const int source = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (source < 0) return std::perror(argv[1]), 66;
  std::vector<int> results;
  for (int i = 3; i < argc; ++i) {
    results.push_back(open(argv[i], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  }
  const imgq::Verdict verdict =
      imgq::image::render(*request, limits, imgq::Slot::heavy, source, results);
  std::printf("%s\n", imgq::to_json(verdict).c_str());
  return verdict.code == imgq::Code::ok ? 0 : 1;
}
