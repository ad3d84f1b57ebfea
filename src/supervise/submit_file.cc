#include "src/supervise/submit_file.h"

#include <fcntl.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "spool/query.h"
#include "spool/room.h"
#include "spool/source.h"
#include "spool/spool.h"
#include "spool/submit.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/digest.h"

namespace imgq::supervise {
namespace {

constexpr int kMostNames = 100;  // "photo.jpg", "photo.jpg.1", ... where originals are moved to

FileMark mark_of(const struct stat& file) {
  return {file.st_size, ns_of(file.st_mtim), ns_of(file.st_ctim)};
}

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// A new name or other rights make no other file of it.
bool same_content(const struct stat& one, const struct stat& other) {
  return same_file(one, other) && one.st_size == other.st_size &&
         ns_of(one.st_mtim) == ns_of(other.st_mtim);
}

Result<Fd> open_folder(const std::string& path) {
  Fd folder(sys::open(path.c_str(), O_RDONLY | O_DIRECTORY));
  if (!folder) return last_error("open", path);
  return folder;
}

// A file of the folder on its way in.
struct Arrival {
  SubmittedFile taken;
  struct stat file{};
  std::optional<TempFile> copy;
};

// A file that is kept is the same one wherever it is copied from. One that shall go away and is met
// again was not taken away, which leaves it as it was; or it is another, put there since.
std::string key_of(const HotFolderPlan& plan, const Arrival& arrival) {
  const SubmittedFile& file = arrival.taken;
  std::string text = plan.hot_folder.directory + '\0' + plan.hot_folder.preset + '\0' + file.name +
                     '\0' + std::to_string(file.mark.size_bytes) + '\0' +
                     std::to_string(file.mark.modified_ns);
  if (plan.hot_folder.after != HotFolder::After::keep) {
    text +=
        '\0' + std::to_string(arrival.file.st_ino) + '\0' + std::to_string(file.mark.changed_ns);
  }
  return "intake:" + sha256_hex(text);
}

void refuse(Arrival& arrival, const Error& error) {
  const int code = error.code;
  const bool lasting = code == EFBIG || code == ENODATA || code == EACCES || code == EPERM;
  arrival.taken.fate = lasting ? SubmittedFile::Fate::refused : SubmittedFile::Fate::later;
  if (is_pausing(error)) arrival.taken.fate = SubmittedFile::Fate::no_room;
  arrival.taken.why = error.text();
}

// Looks at it by its name first, so that also a file that may not be opened is known again.
Result<Fd> open_file(const HotFolderPlan& plan, int folder, Arrival& arrival) {
  const std::string& name = arrival.taken.name;
  const std::string path = plan.hot_folder.directory + "/" + name;
  if (sys::fstatat(folder, name.c_str(), &arrival.file) != 0) return last_error("open", path);
  arrival.taken.mark = mark_of(arrival.file);
  if (!S_ISREG(arrival.file.st_mode)) return Error{ENOENT, "open", path};
  Fd file(sys::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!file || sys::fstat(file.get(), &arrival.file) != 0) return last_error("open", path);
  arrival.taken.mark = mark_of(arrival.file);
  if (!S_ISREG(arrival.file.st_mode)) return Error{ENOENT, "open", path};
  return file;
}

// The job that a file which is kept has become before: nothing need be copied to find that out.
std::optional<JobId> known_job(const Spool& spool, const HotFolderPlan& plan,
                               const Arrival& arrival) {
  if (plan.hot_folder.after != HotFolder::After::keep) return std::nullopt;
  const auto id = find_by_key(spool, key_of(plan, arrival));
  if (!id) return std::nullopt;
  const auto state = state_of(spool, *id);
  if (!state || *state == State::staging) return std::nullopt;  // it may have been cut short
  return *id;
}

// Copies one file into the spool; a file that changes meanwhile is not finished.
void fetch(const Spool& spool, const HotFolderPlan& plan, int folder, Arrival& arrival) {
  const auto file = open_file(plan, folder, arrival);
  if (!file) {
    const int code = file.error().code;
    arrival.taken.fate = SubmittedFile::Fate::vanished;
    if (code != ENOENT && code != ELOOP) refuse(arrival, file.error());
    return;
  }
  if (const auto known = known_job(spool, plan, arrival)) {
    arrival.taken.fate = SubmittedFile::Fate::submitted;
    arrival.taken.job = known->text();
    return;
  }
  // What waits in the folder waits safely there; in the spool it would take the room that its
  // results need.
  const auto size = static_cast<uint64_t>(arrival.taken.mark.size_bytes);
  const auto room = require_room(spool, plan.config.min_free_bytes, size);
  if (!room) return refuse(arrival, room.error());
  auto copy = copy_source(spool, file->get(), plan.config.limits.max_file_bytes);
  if (!copy) {
    return refuse(arrival, Error{copy.error().code, copy.error().action, arrival.taken.name});
  }
  struct stat after{};
  if (sys::fstat(file->get(), &after) != 0 || !same_content(after, arrival.file)) {
    arrival.taken.why = "changed while it was read";
    return;
  }
  arrival.copy = std::move(*copy);
}

Draft draft_of(const HotFolderPlan& plan, Arrival& arrival) {
  Draft draft;
  draft.name = arrival.taken.name;
  draft.request = plan.request;
  draft.key = key_of(plan, arrival);
  draft.max_attempts = plan.config.max_attempts;
  draft.source = std::move(arrival.copy);
  arrival.copy.reset();
  return draft;
}

bool is_still(int folder, const std::string& name, const Arrival& arrival) {
  struct stat now{};
  return sys::fstatat(folder, name.c_str(), &now) == 0 && same_content(now, arrival.file);
}

// Renames without replacing a file. File systems that cannot (NFS) link and unlink instead; that
// the kernel refuses for files of others that one may not write (fs.protected_hardlinks).
//   returns 0, or -1 with errno; EEXIST the name is taken
int rename_unless_there(int from, const std::string& name, int to, const std::string& as) {
  if (::renameat2(from, name.c_str(), to, as.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  if (sys::linkat(from, name.c_str(), to, as.c_str()) != 0) return -1;
  return sys::unlinkat(from, name.c_str(), 0);
}

// A name of one folder that is taken away: under which name, where.
struct Gone {
  int folder;
  std::string name;
};

Result<Gone> take_away(int from, const std::string& name, int to, const std::string& as) {
  for (int n = 0; n < kMostNames; ++n) {
    const std::string numbered = n == 0 ? as : as + "." + std::to_string(n);
    if (rename_unless_there(from, name, to, numbered) == 0) return Gone{to, numbered};
    if (errno != EEXIST) break;
  }
  return last_error("take away", name);
}

// Takes the original away, and only it: looked at where nobody replaces it any more. A newer file
// that had taken its name is put back, to become a job of its own.
Status take_only_it(const Arrival& arrival, int from, int to, const std::string& as) {
  const std::string& name = arrival.taken.name;
  const auto gone = take_away(from, name, to, as);
  if (!gone) return gone.error().code == ENOENT ? Status(Ok{}) : Status(gone.error());
  const bool removes = from == to;
  if (!is_still(gone->folder, gone->name, arrival)) {
    const auto back = take_away(gone->folder, gone->name, from, name);
    return back ? Status(Ok{}) : back.error();
  }
  if (removes && sys::unlinkat(to, gone->name.c_str(), 0) != 0) return last_error("remove", name);
  return Ok{};
}

// The job is safe; what becomes of the original. Trouble with that is said, and the file stays:
// its key keeps it from becoming a job again.
Status dispose(const HotFolderPlan& plan, int folder, const Arrival& arrival) {
  if (plan.hot_folder.after == HotFolder::After::keep) return Ok{};
  if (plan.hot_folder.after == HotFolder::After::remove) {
    return take_only_it(arrival, folder, folder, ".imgq-" + arrival.taken.job);
  }
  const auto target = open_folder(plan.hot_folder.move_to);
  if (!target) return target.error();
  Status moved = take_only_it(arrival, folder, target->get(), arrival.taken.name);
  if (moved) return moved;
  return Error{moved.error().code, "move to " + plan.hot_folder.move_to, arrival.taken.name};
}

// The file may be gone only when its image is in good hands: not when the job that it had become
// before has ended without results.
Status may_go(const Spool& spool, const HotFolderPlan& plan, const Submitted& job) {
  if (!job.existing || plan.hot_folder.after == HotFolder::After::keep) return Ok{};
  const auto state = state_of(spool, job.id);
  if (!state) return state.error();
  if (*state != State::failed && *state != State::cancelled) return Ok{};
  const std::string how(name_of(*state));
  return Error{0, "the job that it was before is " + how, job.id.text()};
}

void submit_all(const Spool& spool, const HotFolderPlan& plan, int folder,
                std::vector<Arrival>& arrivals) {
  std::vector<Draft> drafts;
  std::vector<Arrival*> fetched;
  for (Arrival& arrival : arrivals) {
    if (!arrival.copy) continue;
    drafts.push_back(draft_of(plan, arrival));
    fetched.push_back(&arrival);
  }
  if (drafts.empty()) return;
  const auto answers = submit(spool, std::move(drafts), plan.sync);
  for (size_t i = 0; i < answers.size() && i < fetched.size(); ++i) {
    Arrival& arrival = *fetched[i];
    if (!answers[i]) {
      refuse(arrival, answers[i].error());
      continue;
    }
    arrival.taken.fate = SubmittedFile::Fate::submitted;
    arrival.taken.job = answers[i]->id.text();
    Status done = may_go(spool, plan, *answers[i]);
    if (done) done = dispose(plan, folder, arrival);
    if (!done) arrival.taken.why = done.error().text();
  }
}

// The configuration's check sees no links.
bool same_directory(const std::string& one, const std::string& other) {
  struct stat a{}, b{};
  return ::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && same_file(a, b);
}

Result<Fd> open_hot_folder(const HotFolderPlan& plan) {
  auto folder = open_folder(plan.hot_folder.directory);
  if (!folder) return folder;
  if (goes_round(plan.config.hot_folders, plan.hot_folder, same_directory)) {
    return bad_data("what is moved from here would come back", plan.hot_folder.directory);
  }
  return folder;
}
struct Reading {
  int folder;
  size_t limit;
  std::vector<FoundFile> found;
};

}  // namespace

bool is_hot_folder_name(std::string_view name) {
  if (name.empty() || name.front() == '.' || name.back() == '~') return false;
  for (std::string_view ending : {".part", ".tmp", ".crdownload", ".filepart", ".download"}) {
    if (name.ends_with(ending)) return false;
  }
  return true;
}

Result<std::vector<FoundFile>> read_hot_folder(const HotFolderPlan& plan, size_t limit) {
  const auto folder = open_hot_folder(plan);
  if (!folder) return folder.error();
  Reading reading{folder->get(), limit, {}};
  const auto take = [](const char* name, void* context) {
    auto& into = *static_cast<Reading*>(context);
    struct stat file{};
    if (is_hot_folder_name(name) && sys::fstatat(into.folder, name, &file) == 0 &&
        S_ISREG(file.st_mode)) {
      into.found.push_back({name, mark_of(file)});
    }
    return into.found.size() < into.limit;
  };
  if (sys::list(folder->get(), ".", take, &reading) != 0)
    return last_error("read", plan.hot_folder.directory);
  return std::move(reading.found);
}

std::vector<SubmittedFile> submit_files(const Spool& spool, const HotFolderPlan& plan,
                                        const std::vector<std::string>& names) {
  std::vector<Arrival> arrivals(names.size());
  for (size_t i = 0; i < names.size(); ++i) arrivals[i].taken.name = names[i];
  const auto folder = open_hot_folder(plan);
  if (folder) {
    for (Arrival& arrival : arrivals) fetch(spool, plan, folder->get(), arrival);
    submit_all(spool, plan, folder->get(), arrivals);
  } else {
    for (Arrival& arrival : arrivals) arrival.taken.why = folder.error().text();
  }
  std::vector<SubmittedFile> taken;
  taken.reserve(arrivals.size());
  for (Arrival& arrival : arrivals) taken.push_back(std::move(arrival.taken));
  return taken;
}

}  // namespace imgq::supervise
