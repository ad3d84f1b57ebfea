#include "src/supervise/submit_file.h"

#include <fcntl.h>
#include <fnmatch.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "spool/placed.h"
#include "spool/query.h"
#include "spool/room.h"
#include "spool/source.h"
#include "spool/spool.h"
#include "spool/submit.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/digest.h"
#include "src/util/io.h"
#include "src/util/paths.h"

namespace imgq::supervise {
namespace {

constexpr int kMostDepth = 32;
constexpr size_t kMostLeftOut = 1000;

FileMark mark_of(const struct stat& file) {
  return {file.st_size, ns_of(file.st_mtim), ns_of(file.st_ctim)};
}

// A file of the folder on its way in.
struct Arrival {
  SubmittedFile taken;
  bool only_if_known = false;
  std::string key = {};
  std::optional<TempFile> copy = {};
};

// What a file's job is known by. A file that is kept is the same one wherever it is copied from.
std::string identity_of(const HotFolderPlan& plan, const SubmittedFile& file) {
  std::string text = plan.hot_folder.directory + '\0' + plan.hot_folder.preset + '\0' + file.name +
                     '\0' + std::to_string(file.mark.size_bytes) + '\0' +
                     std::to_string(file.mark.modified_ns);
  if (plan.hot_folder.after != HotFolder::After::keep) {
    text += '\0' + std::to_string(file.original.inode);
  }
  return text;
}

std::string key_for(const std::string& identity) { return "intake:" + sha256_hex(identity); }

// The job that has the key.
struct Known {
  JobId job;
  bool whole = false;   // its submission was not cut short
  bool placed = false;  // what was to be done once it completed is done
};

std::optional<Known> known_by(const Spool& spool, const std::string& key) {
  const auto id = find_by_key(spool, key);
  if (!id) return std::nullopt;
  Known known{*id};
  const auto state = state_of(spool, *id);
  known.whole = state && *state != State::staging;  // one that waits may have been cut short
  if (state && *state == State::completed) {
    const auto placed = is_placed(spool, *id);
    known.placed = placed && *placed;
  }
  return known;
}

// Whether it is a job already, and the key by which it is or shall be one.
std::optional<Known> recognise(const Spool& spool, const HotFolderPlan& plan, Arrival& arrival) {
  const std::string identity = identity_of(plan, arrival.taken);
  arrival.key = key_for(identity);
  auto known = known_by(spool, arrival.key);
  if (plan.hot_folder.after == HotFolder::After::keep || (known && !known->placed)) return known;
  const std::string again =
      key_for(identity + '\0' + std::to_string(arrival.taken.mark.changed_ns));
  auto known_again = known_by(spool, again);
  if (known || known_again) arrival.key = again;
  return known_again;
}

void refuse(Arrival& arrival, const Error& error) {
  const int code = error.code;
  const bool lasting = code == EFBIG || code == ENODATA || code == EACCES || code == EPERM;
  arrival.taken.fate = lasting ? SubmittedFile::Fate::refused : SubmittedFile::Fate::later;
  if (is_pausing(error)) arrival.taken.fate = SubmittedFile::Fate::no_room;
  arrival.taken.why = error.text();
}

void look_at(const struct stat& file, SubmittedFile& taken) {
  taken.mark = mark_of(file);
  taken.original = original_of(file);
}

// Looks at it by its name first, so that also a file that may not be opened is known again.
Result<Fd> open_file(const HotFolderPlan& plan, int folder, SubmittedFile& taken) {
  const std::string path = plan.hot_folder.directory + "/" + taken.name;
  const auto parent = open_below(folder, folder_of(taken.name), Missing::refuse);
  if (!parent) return parent.error();
  const std::string name(base_name(taken.name));
  struct stat about{};
  if (sys::fstatat(parent->get(), name.c_str(), &about) != 0) return last_error("open", path);
  look_at(about, taken);
  if (!S_ISREG(about.st_mode)) return Error{ENOENT, "open", path};
  Fd file(sys::openat(parent->get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!file || sys::fstat(file.get(), &about) != 0) return last_error("open", path);
  look_at(about, taken);
  if (!S_ISREG(about.st_mode)) return Error{ENOENT, "open", path};
  return file;
}

void take_as(const Known& known, const HotFolderPlan& plan, SubmittedFile& taken) {
  taken.fate = SubmittedFile::Fate::submitted;
  taken.job = known.job;
  taken.known = true;
  taken.awaited = is_awaited(plan.hot_folder) && !known.placed;
}

// Copies one file into the spool; a file that changes meanwhile is not finished.
void copy(const Spool& spool, const HotFolderPlan& plan, const Fd& file, Arrival& arrival) {
  // What waits in the folder waits safely there; in the spool it would take the room that its
  // results need.
  const auto size = static_cast<uint64_t>(arrival.taken.mark.size_bytes);
  const auto room = require_room(spool, plan.config.min_free_bytes, size);
  if (!room) return refuse(arrival, room.error());
  auto copy = copy_source(spool, file.get(), plan.config.limits.max_file_bytes);
  if (!copy) {
    return refuse(arrival, Error{copy.error().code, copy.error().action, arrival.taken.name});
  }
  struct stat after{};
  if (sys::fstat(file.get(), &after) != 0 || original_of(after) != arrival.taken.original) {
    arrival.taken.why = "changed while it was read";
    return;
  }
  arrival.copy = std::move(*copy);
}

void fetch(const Spool& spool, const HotFolderPlan& plan, int folder, Arrival& arrival) {
  const auto file = open_file(plan, folder, arrival.taken);
  if (!file) {
    const int code = file.error().code;
    arrival.taken.fate = SubmittedFile::Fate::vanished;
    if (code != ENOENT && code != ELOOP && code != ENOTDIR) refuse(arrival, file.error());
    return;
  }
  const auto known = recognise(spool, plan, arrival);
  if (known && known->whole) return take_as(*known, plan, arrival.taken);
  if (!known && arrival.only_if_known) {
    arrival.taken.fate = SubmittedFile::Fate::new_to_us;
    return;
  }
  copy(spool, plan, *file, arrival);
}

Draft draft_of(const HotFolderPlan& plan, Arrival& arrival) {
  Draft draft;
  draft.name = arrival.taken.name;
  draft.request = plan.request;
  draft.key = arrival.key;
  draft.max_attempts = plan.config.max_attempts;
  draft.source = std::move(arrival.copy);
  arrival.copy.reset();
  return draft;
}

void submit_all(const Spool& spool, const HotFolderPlan& plan, std::vector<Arrival>& arrivals) {
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
    take_as({answers[i]->id}, plan, arrival.taken);
    arrival.taken.known = answers[i]->existing;
  }
}

// Reads a folder, and those below it.
class Reading {
 public:
  Reading(const HotFolder& hot_folder, size_t limit) : hot_folder_(hot_folder), limit_(limit) {
    for (const std::string& own : {hot_folder.move_to, hot_folder.results}) {
      if (const auto id = folder_id(own)) own_.push_back(*id);
    }
  }

  Status read(int folder, const std::string& path, int depth) {
    const auto names = list_names(folder, ".");
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (content.files.size() >= limit_) break;
      entry(folder, name, path.empty() ? name : path + "/" + name, depth);
    }
    return Ok{};
  }

  FolderContent content;

 private:
  void entry(int folder, const std::string& name, const std::string& path, int depth) {
    if (name.starts_with(".imgq") || is_file_servers(name)) return;
    struct stat about{};
    if (sys::fstatat(folder, name.c_str(), &about) != 0) return;  // gone
    const std::string why = why_not_taken(hot_folder_, name);
    if (!why.empty()) return leave_out(path, why, true);
    if (S_ISREG(about.st_mode)) return content.files.push_back({path, mark_of(about)});
    if (S_ISLNK(about.st_mode)) return leave_out(path, "it is a symbolic link");
    if (!S_ISDIR(about.st_mode)) return leave_out(path, "it is no regular file");
    if (!hot_folder_.subfolders) {
      return leave_out(path, "it is a folder: subfolders = true takes what is in it");
    }
    const FolderId id{about.st_dev, about.st_ino};
    if (std::find(own_.begin(), own_.end(), id) != own_.end()) return;
    if (depth >= kMostDepth) return leave_out(path, "it is too many folders deep");
    const auto below = open_below(folder, name, Missing::refuse);
    const Status read_it = below ? read(below->get(), path, depth + 1) : Status(below.error());
    if (!read_it && read_it.error().code != ENOENT) leave_out(path, read_it.error().text());
  }

  void leave_out(const std::string& path, const std::string& why, bool may_change = false) {
    if (content.left_out.size() < kMostLeftOut) content.left_out.push_back({path, why, may_change});
  }

  const HotFolder& hot_folder_;
  size_t limit_;
  std::vector<FolderId> own_;  // where originals and results go
};

}  // namespace

std::optional<FolderId> folder_id(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return std::nullopt;
  return FolderId{about.st_dev, about.st_ino};
}

bool same_directory(const std::string& one, const std::string& other) {
  const auto id = folder_id(one);
  return id && id == folder_id(other);
}

Result<Fd> open_hot_folder(const HotFolderPlan& plan) {
  auto folder = open_folder(plan.hot_folder.directory);
  if (!folder) return folder;
  // The configuration's check sees no links.
  if (goes_round(plan.config.hot_folders, plan.hot_folder, same_directory)) {
    return bad_data("what goes on from here would come back", plan.hot_folder.directory);
  }
  return folder;
}

std::string why_not_taken(const HotFolder& hot_folder, const std::string& name) {
  if (name.empty() || name.front() == '.') return "its name begins with a dot";
  for (const std::string& pattern : hot_folder.unfinished) {
    if (::fnmatch(pattern.c_str(), name.c_str(), FNM_CASEFOLD) == 0) {
      return "its name is that of an unfinished file: " + pattern;
    }
  }
  return "";
}

Result<FolderContent> read_hot_folder(const HotFolderPlan& plan, size_t limit) {
  const auto folder = open_hot_folder(plan);
  if (!folder) return folder.error();
  struct stat about{};
  if (sys::fstat(folder->get(), &about) != 0)
    return last_error("look at", plan.hot_folder.directory);
  Reading reading(plan.hot_folder, limit);
  const auto read = reading.read(folder->get(), "", 0);
  if (!read) return Error{read.error().code, "read", plan.hot_folder.directory};
  reading.content.id = {about.st_dev, about.st_ino};
  return std::move(reading.content);
}

std::vector<SubmittedFile> submit_files(const Spool& spool, const HotFolderPlan& plan,
                                        const std::vector<WantedFile>& wanted) {
  std::vector<Arrival> arrivals(wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    arrivals[i].taken.name = wanted[i].name;
    arrivals[i].only_if_known = wanted[i].only_if_known;
  }
  const auto folder = open_hot_folder(plan);
  if (folder) {
    for (Arrival& arrival : arrivals) fetch(spool, plan, folder->get(), arrival);
    submit_all(spool, plan, arrivals);
  } else {
    for (Arrival& arrival : arrivals) arrival.taken.why = folder.error().text();
  }
  std::vector<SubmittedFile> taken;
  taken.reserve(arrivals.size());
  for (Arrival& arrival : arrivals) taken.push_back(std::move(arrival.taken));
  return taken;
}

}  // namespace imgq::supervise
