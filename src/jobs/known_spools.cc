#include "src/jobs/known_spools.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "spool/job_id.h"
#include "src/jobs/config.h"
#include "src/util/digest.h"
#include "src/util/fd.h"
#include "src/util/io.h"

namespace imgq {
namespace {

constexpr size_t kMostBytes = 8192;  // of a uuid and a path

std::string absolute(const std::string& path) {
  std::error_code error;
  const auto found = std::filesystem::absolute(path, error);
  return (error ? std::filesystem::path(path) : found).lexically_normal().string();
}

// systemd gives several, should there be, with colons between.
std::string directory() {
  const char* given = std::getenv("STATE_DIRECTORY");  // NOLINT(concurrency-mt-unsafe): never set
  const std::string named = given == nullptr ? "" : given;
  return named.empty() ? default_spool() + "-spools" : named.substr(0, named.find(':'));
}

std::string file_of(const std::string& path) {
  return directory() + "/" + sha256_hex(absolute(path)).substr(0, 32);
}

}  // namespace

std::string known_spool(const std::string& path) {
  const std::string name = file_of(path);
  const Fd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  const auto text = file ? read_all(file.get(), name, kMostBytes) : last_error("open", name);
  const auto uuid = JobId::parse(text ? text->substr(0, text->find('\n')) : "");
  return uuid ? uuid->text() : "";
}

Status remember_spool(const std::string& path, const std::string& uuid) {
  if (known_spool(path) == uuid) return Ok{};
  std::error_code error;
  std::filesystem::create_directories(directory(), error);
  if (error) return Error{error.value(), "make the directory", directory()};
  const std::string name = file_of(path), temp = name + "." + std::to_string(::getpid());
  const Fd file(::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return last_error("create", temp);
  if (auto written = write_all(file.get(), uuid + "\n" + absolute(path) + "\n", temp); !written) {
    return written;
  }
  if (::fsync(file.get()) != 0) return last_error("sync", temp);
  if (::rename(temp.c_str(), name.c_str()) != 0) return last_error("give its name to", name);
  return Ok{};
}

}  // namespace imgq
