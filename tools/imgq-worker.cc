// imgq-worker: started by imgqd and imgq, never by hand. See src/worker/serve.h.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "src/base/exit_code.h"
#include "src/worker/self_test.h"
#include "src/worker/serve.h"

namespace {

constexpr std::string_view kUsage =
    "imgq-worker is started by imgqd and imgq; it does nothing by hand.\n"
    "  imgq-worker LIMITS     serve the socket at descriptor 3 (LIMITS: a JSON object)\n"
    "  imgq-worker --self-test   show that the confinement holds on this machine\n"
    "  imgq-worker --version\n"
    "  imgq-worker --libraries   print the versions of the libraries\n";

int report(const imgq::Status& status, imgq::Exit failure) {
  if (status) return static_cast<int>(imgq::Exit::ok);
  (void)std::fprintf(stderr, "imgq-worker: %s\n", status.error().text().c_str());
  return static_cast<int>(failure);
}

int run(std::string_view argument) {
  if (argument == "--self-test") return report(imgq::worker::self_test(), imgq::Exit::some_failed);
  if (argument == "--version") {
    (void)std::puts("imgq-worker " IMGQ_VERSION);
    return static_cast<int>(imgq::Exit::ok);
  }
  if (argument == "--libraries") {
    (void)std::fputs(imgq::worker::library_versions().c_str(), stdout);
    return static_cast<int>(imgq::Exit::ok);
  }
  if (argument.empty() || argument.front() != '{') {
    (void)std::fputs(kUsage.data(), stderr);
    return static_cast<int>(imgq::Exit::usage);
  }
  return report(imgq::worker::serve(std::string(argument)), imgq::Exit::bug);
}

}  // namespace

int main(int argc, char** argv) {
  int code = static_cast<int>(imgq::Exit::bug);
  try {
    code = run(argc == 2 ? argv[1] : "");
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "imgq-worker: %s\n", error.what());
  }
  (void)std::fflush(nullptr);
  ::_exit(code);  // no destructors of libraries in a process that may not do what they want to
}
