#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/cli/file_out.h"
#include "src/cli/files.h"
#include "src/run/state.h"
#include "src/util/error.h"
#include "src/util/fd.h"

// `imgq run` for one image, as a filter: a file or stdout instead of an output directory, stdin
// instead of a file.
namespace imgq::cli {

// What --output means: "-" is stdout; a directory that is there, or a name with a slash at its end,
// a directory; a name that ends like an image's a file, whatever is there; else a directory.
Goal goal_of(const std::string& output);

// The word for --format that the name of a file asks for; "" for a name of another kind, as x.gif.
std::string_view format_of(const std::string& file);

// A directory for the work on one result, with the lock of enter_output; gone when this ends. Under
// $XDG_STATE_HOME/imgq-run, where what killed ones left is removed; where nothing can be made
// there, under $TMPDIR, default /tmp.
class Workplace {
 public:
  static Result<Workplace> make();
  Workplace(Workplace&& other) noexcept
      : path_(std::exchange(other.path_, "")), lock_(std::move(other.lock_)) {}
  Workplace& operator=(Workplace&&) = delete;
  ~Workplace();
  const std::string& path() const { return path_; }

 private:
  static Result<Workplace> in_state();
  static Result<Workplace> below(const std::string& parent);
  Workplace(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  Fd lock_;
};

// Where an image from stdin is kept for the time of a run, in its output directory.
std::string saved_stdin(const std::string& output);

// Everything on stdin into a file, then opened for reading. It is the caller's to remove.
//   errors  EFBIG more than `limit` bytes; what reading and writing answer
Result<Opened> take_stdin(const std::string& path, int64_t limit);

// A finished result to the run's output. What is there and is no device or pipe must have the same
// content, unless it may be replaced.
//   errors  code 0: another file is in the way
Status hand_out(const Run& run, const std::string& result);

}  // namespace imgq::cli
