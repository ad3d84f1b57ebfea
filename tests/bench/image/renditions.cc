// image-renditions FILE...: what several sizes from one decode cost, against the largest alone.
// CPU milliseconds an image, in this process: 1600 alone, 1600 800 400 200 together, the ratio, the
// default 500 alone.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "src/image/engine.h"
#include "src/util/fd.h"

namespace {

using imgq::Fd;
using imgq::Rendition;
using imgq::Request;

double cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

Request sizes(const std::vector<int>& sides) {
  Request request;
  request.renditions.clear();
  for (const int side : sides) {
    Rendition r;
    r.name = "s" + std::to_string(side);
    r.width_px = r.height_px = side;
    request.renditions.push_back(r);
  }
  return request;
}

bool render_all(const std::vector<Fd>& files, const Request& request) {
  std::vector<Fd> owned;
  std::vector<int> results;
  for (size_t i = 0; i < request.renditions.size(); ++i) {
    owned.emplace_back(memfd_create("result", MFD_CLOEXEC));
    results.push_back(owned.back().get());
  }
  for (const Fd& file : files) {
    for (const int result : results) {
      if (ftruncate(result, 0) != 0 || lseek(result, 0, SEEK_SET) != 0) return false;
    }
    const auto verdict = imgq::image::render(request, {}, imgq::Slot::heavy, file.get(), results);
    if (verdict.code != imgq::Code::ok) {
      (void)std::fprintf(stderr, "%s\n", verdict.message.c_str());
      return false;
    }
  }
  return true;
}

// The best of three rounds: others may be using the machine.
double measure(const std::vector<Fd>& files, const Request& request) {
  double best = 1e9;
  for (int round = 0; round < 3; ++round) {
    const double start = cpu_ms();
    if (!render_all(files, request)) return -1;
    best = std::min(best, (cpu_ms() - start) / static_cast<double>(files.size()));
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("usage: image-renditions FILE...\n", stderr), 64;
  if (!imgq::image::start({})) return 70;
  std::vector<Fd> files;
  for (int i = 1; i < argc; ++i) {
    files.emplace_back(open(argv[i], O_RDONLY | O_CLOEXEC));
    if (!files.back()) return std::perror(argv[i]), 66;
  }
  const double one = measure(files, sizes({1600})),
               four = measure(files, sizes({1600, 800, 400, 200})),
               usual = measure(files, sizes({500}));
  std::printf("1600 alone %.1f ms, four sizes %.1f ms, ratio %.2f; 500 alone %.1f ms\n", one, four,
              four / one, usual);
  return one < 0 || four < 0 || usual < 0 ? 1 : 0;
}
