// A configuration file: read, or refused with a place and a reason; never an exception.
#include "src/jobs/config.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using imgq::fuzz::require;
  const imgq::Fd file = imgq::fuzz::memory_file(imgq::fuzz::text_of(data, size));
  imgq::ConfigSources sources;
  sources.file = "/proc/self/fd/" + std::to_string(file.get());
  sources.read_environment = false;
  const auto config = imgq::load_config(sources);
  if (!config) {
    require(!config.error().action.empty(), "a refusal has a reason");
  } else {
    require(!imgq::show_config(*config).empty(), "a configuration can be shown");
  }
  return 0;
}
