#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/util/error.h"
#include "src/util/fd.h"

// Files for the user: they appear under their name whole, or not at all.
namespace imgq::cli {

// What an --output that was named is: "-" is stdout.
enum class Goal { directory, file, out };

// Whether the results of so many `things` ("jobs") can go there: a file or stdout takes one, a
// terminal none.
Status check_goal(Goal goal, const std::string& output, size_t number, std::string_view things);

// Whether a file can be written in a directory before it has a name there (O_TMPFILE).
bool has_unnamed_files(const std::string& directory);

// A file being written beside its place, made there so that the kernel gives it what every new file
// of that directory gets: group, mode, ACL. It has no name until it is finished, where the file
// system can do that (O_TMPFILE), so nothing is left behind by an interruption.
class OutFile {
 public:
  //   temps  where it has a name for a moment, on the same file system: `directory` itself, or one
  //          that is swept
  static Result<OutFile> create(const std::string& directory, const std::string& temps = "");

  // A further name in `temps` for the file `path`, which is `file`, opened, and then taken from
  // there. It gets the group, mode and ACL of a new file in `directory`.
  //   errors  of link(2); EPERM it may not be given the group
  static Result<OutFile> link(const std::string& directory, const std::string& temps,
                              const std::string& path, Fd& file);

  // To be given the name `path` by commit().
  static Result<OutFile> replacing(const std::string& path);

  // For a path that the user named. What is there and is no regular file, a device or a pipe, is
  // written into; else that is replaced to which links at the end of the path lead.
  static Result<OutFile> open(const std::string& path);

  OutFile(OutFile&&) noexcept = default;
  OutFile& operator=(OutFile&&) = delete;
  ~OutFile();

  int fd() const { return fd_.get(); }
  Status write(std::string_view bytes);
  Status copy(int from);  // all of it, from where it stands

  // Gives it its name, replacing what is there.
  Status commit(const std::string& path);
  Status commit();  // of replacing() and open()

 private:
  OutFile(std::string temps, Fd fd, std::string temp)
      : temps_(std::move(temps)), fd_(std::move(fd)), temp_(std::move(temp)) {}
  std::string temps_;
  Fd fd_;
  std::string temp_;    // its name meanwhile; empty for none
  std::string target_;  // of commit(); empty for what is written in place
};

// Whether anything has that name, a link that leads nowhere too.
bool is_there(const std::string& path);

// Whether something is there that is written into instead of replaced: neither a regular file nor
// a directory, links followed.
bool is_special(const std::string& path);

// Everything from one descriptor on to another: the number of bytes. The names are for errors.
//   errors  EFBIG more than `limit` bytes; what reading and writing answer
Result<int64_t> copy_bytes(int from, std::string_view from_name, int to, std::string_view to_name,
                           int64_t limit = INT64_MAX);

// Whether a regular file of that name, no link, has the content with this SHA-256.
bool has_content(const std::string& path, const std::string& sha256);

// The directory and its parents; fine when it is there.
Status make_directories(const std::string& path);

// "a/b/c" -> "a/b"; "c" -> "."
std::string directory_of(const std::string& path);

// What files begin with that have no name of their own yet: of everybody, and of runs, beside their
// results.
inline constexpr std::string_view kTempPrefix = ".imgq-", kRunTempPrefix = ".imgq-run-";

// A name in `directory` that no other file has, nor gets elsewhere at the same time.
std::string temp_name(const std::string& directory, std::string_view prefix = kTempPrefix);

// Removes what killed processes left under such names in a directory where nobody else is at work
// with that prefix.
void sweep_temps(const std::string& directory, std::string_view prefix = kTempPrefix);

// Removes a directory with everything in it; links are removed, not followed.
Status remove_tree(const std::string& path);

}  // namespace imgq::cli
