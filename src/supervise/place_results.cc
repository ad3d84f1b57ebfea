#include "src/supervise/place_results.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "src/jobs/result_name.h"
#include "src/supervise/original.h"
#include "src/util/digest.h"
#include "src/util/io.h"
#include "src/util/sys.h"

namespace imgq::supervise {
namespace {

constexpr int kMostResultNumber = 1'000'000;

enum class Place { free, done, taken };

// What has the name. Only a file of the same length is read.
Place place_named(int directory, const std::string& name, const ResultFile& result) {
  struct stat about{};
  if (sys::fstatat(directory, name.c_str(), &about) != 0) return Place::free;
  if (!S_ISREG(about.st_mode) || about.st_size != result.size_bytes) return Place::taken;
  const Fd file(sys::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const auto digest = file ? sha256_of_file(file.get(), name) : Result<std::string>(Error{});
  return digest && *digest == result.sha256 ? Place::done : Place::taken;
}

// A file that has no name yet, or where the file system cannot do that, one of its own.
struct NewFile {
  Fd fd;
  std::string temp = {};
};

Result<NewFile> new_file(int directory, const ResultFile& result) {
  NewFile file{Fd(sys::openat(directory, ".", O_TMPFILE | O_WRONLY, 0666))};
  if (file.fd) return file;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL) {
    return last_error("write to the folder for", result.file);
  }
  file.temp = ".imgq-" + result.file;
  (void)sys::unlinkat(directory, file.temp.c_str(), 0);  // of one that was killed
  file.fd =
      Fd(sys::openat(directory, file.temp.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0666));
  if (!file.fd) return last_error("write to the folder for", result.file);
  return file;
}

Status copy_into(int to, int from, const std::string& name) {
  std::array<char, size_t{128} * 1024> buffer{};
  while (true) {
    const ssize_t got = sys::read(from, buffer.data(), buffer.size());
    if (got < 0) return last_error("read", name);
    if (got == 0) return Ok{};
    auto wrote = write_all(to, {buffer.data(), static_cast<size_t>(got)}, name);
    if (!wrote) return wrote;
  }
}

//   returns 0, or -1 with errno; EEXIST the name is taken
int give_name(int directory, const NewFile& file, const std::string& name) {
  if (!file.temp.empty()) return rename_unless_there(directory, file.temp, directory, name);
  const std::string self = "/proc/self/fd/" + std::to_string(file.fd.get());
  return ::linkat(AT_FDCWD, self.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW);
}

Status write_result(int directory, int from, const ResultFile& result, Sync sync, NewFile& file) {
  auto fresh = new_file(directory, result);
  if (!fresh) return fresh.error();
  file = std::move(*fresh);
  auto copied = copy_into(file.fd.get(), from, result.file);
  if (!copied || sync == Sync::none || sys::fsync(file.fd.get()) == 0) return copied;
  return last_error("sync", result.file);
}

// Under the first of its names that is free. One that is given away meanwhile is looked at again.
Status name_result(int directory, const JobView& job, const ResultFile& result, NewFile& file) {
  for (int number = 1; number <= kMostResultNumber; ++number) {
    const std::string name = result_name(job.ticket, *job.outcome, result, number);
    switch (place_named(directory, name, result)) {
      case Place::done:
        return Ok{};
      case Place::taken:
        continue;
      case Place::free:
        break;
    }
    if (give_name(directory, file, name) == 0) {
      file.temp.clear();
      return Ok{};
    }
    if (errno != EEXIST) return last_error("name the result", name);
    --number;
  }
  return Error{EEXIST, "name the result", result.file};
}

bool is_placed_already(int directory, const JobView& job, const ResultFile& result) {
  for (int number = 1; number <= kMostResultNumber; ++number) {
    const std::string name = result_name(job.ticket, *job.outcome, result, number);
    const Place place = place_named(directory, name, result);
    if (place != Place::taken) return place == Place::done;
  }
  return false;
}

Status place_result(const Spool& spool, int directory, const JobView& job, const ResultFile& result,
                    Sync sync) {
  if (is_placed_already(directory, job, result)) return Ok{};
  const auto from = open_result(spool, job.ticket.id, result);
  if (!from) return from.error();
  NewFile file;
  auto done = write_result(directory, from->get(), result, sync, file);
  if (done) done = name_result(directory, job, result, file);
  if (!file.temp.empty()) (void)sys::unlinkat(directory, file.temp.c_str(), 0);  // nobody needs it
  return done;
}

}  // namespace

Status place_results(const Spool& spool, const JobView& job, const std::string& directory,
                     const std::string& folder, Sync sync) {
  if (!job.outcome) return Error{ENOENT, "place the results", job.ticket.id.text()};
  const auto top = open_folder(directory);
  if (!top) return top.error();
  const auto into = open_below(top->get(), folder, Missing::make);
  if (!into) return Error{into.error().code, "make " + folder + " in", directory};
  for (const ResultFile& result : job.outcome->results) {
    const auto placed = place_result(spool, into->get(), job, result, sync);
    if (!placed) {
      return Error{placed.error().code, placed.error().action + " in " + directory,
                   placed.error().path};
    }
  }
  if (sync != Sync::none && sys::fsync(into->get()) != 0) return last_error("sync", directory);
  return Ok{};
}

}  // namespace imgq::supervise
