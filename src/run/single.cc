#include "src/run/single.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "src/cli/file_out.h"
#include "src/jobs/config.h"
#include "src/run/private_spool.h"
#include "src/util/digest.h"
#include "src/util/io.h"

namespace imgq::cli {
namespace {

constexpr const char* kPrefix = "single-";

// Removes the workplaces of killed runs; nobody makes one meanwhile.
void sweep_workplaces(const std::string& parent) {
  const auto names = list_names(AT_FDCWD, parent);
  if (!names) return;  // what stays is in nobody's way
  for (const std::string& name : *names) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string path = fmt::format("{}/{}", parent, name);
    const auto lock = lock_output(path, "");
    if (lock || lock.error().code != EWOULDBLOCK) (void)remove_tree(path);
  }
}

std::string temporary_directory() {
  const char* named = ::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return named != nullptr && *named != '\0' ? named : "/tmp";
}

}  // namespace

Goal goal_of(const std::string& output) {
  if (output == "-") return Goal::out;
  const bool directory = output.empty() || output.back() == '/' || directory_id(output);
  return !directory && format_with_extension(lower_extension(output)) ? Goal::file
                                                                      : Goal::directory;
}

std::string_view format_of(const std::string& file) {
  const ImageFormat* format = format_with_extension(lower_extension(file));
  return format != nullptr && format->written ? format->word : "";
}

Result<Workplace> Workplace::below(const std::string& parent) {
  std::string path = fmt::format("{}/{}XXXXXX", parent, kPrefix);
  if (::mkdtemp(path.data()) == nullptr) return last_error("make a directory", parent);
  auto lock = enter_output(path, "");
  if (!lock) return lock.error();
  return Workplace(std::move(path), std::move(lock->all));
}

// Locked before another run may look for what is left of killed ones.
Result<Workplace> Workplace::in_state() {
  const std::string parent = default_spool() + "-run";
  if (auto made = make_directories(directory_of(parent)); !made) return made.error();
  if (::mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST) {
    return last_error("make directory", parent);
  }
  const Fd order(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!order || ::flock(order.get(), LOCK_EX) != 0) return last_error("lock", parent);
  sweep_workplaces(parent);
  return below(parent);
}

Result<Workplace> Workplace::make() {
  auto place = in_state();
  return place ? std::move(place) : below(temporary_directory());
}

Workplace::~Workplace() {
  if (!path_.empty()) (void)remove_tree(path_);  // what stays is swept by the next
}

// Named so that a later run sweeps it.
std::string saved_stdin(const std::string& output) { return output + "/.imgq/.imgq-stdin"; }

Result<Opened> take_stdin(const std::string& path, int64_t limit) {
  const Fd out(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out) return last_error("write to", path);
  const auto copied = copy_bytes(STDIN_FILENO, "stdin", out.get(), path, limit);
  return copied ? open_input(path) : copied.error();
}

Status hand_out(const Run& run, const std::string& result) {
  const std::string& target = run.options.output;
  const auto opened = open_input(result);
  if (!opened) return opened.error();
  const int file = opened->file.get();
  if (run.goal == Goal::out) {
    const auto copied = copy_bytes(file, result, STDOUT_FILENO, "stdout");
    return copied ? Status(Ok{}) : copied.error();
  }
  if (is_there(target) && !is_special(target) && !run.options.overwrite) {
    const auto digest = sha256_of_file(file, result);
    if (!digest) return digest.error();
    if (has_content(target, *digest)) return Ok{};
    return Error{0, "a file is in the way: --overwrite replaces it", target};
  }
  auto out = OutFile::open(target);
  if (!out) return out.error();
  if (auto copied = out->copy(file); !copied) return copied;
  return out->commit();
}

}  // namespace imgq::cli
