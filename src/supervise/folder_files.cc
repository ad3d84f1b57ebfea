#include "src/supervise/folder_files.h"

#include <algorithm>
#include <utility>

namespace imgq::supervise {
namespace {

constexpr int64_t kUnheardTimes = 10;
constexpr int64_t kUnheardMs = 60'000;
constexpr int64_t kUnclosedMs = 600'000;  // then whoever writes it is taken to have gone
constexpr int64_t kTryAgainMs = 5000;

}  // namespace

void FolderFiles::change(int64_t settle_ms) {
  settle_ms_ = settle_ms;
  for (auto& [name, file] : files_) {
    if (file.fate == Fate::refused) file.fate = Fate::open;
    file.again_ms = 0;
  }
}

void FolderFiles::heard(std::string_view name, Heard what, int64_t now_ms) {
  const auto known = files_.find(std::string(name));
  if (known == files_.end() && files_.size() >= kMost) return;
  File& file = known != files_.end() ? known->second : files_[std::string(name)];
  file.heard = what;
  file.heard_at_look = looks_;
  file.since_ms = now_ms;
  file.again_ms = 0;
  file.fate = Fate::open;
  unknown_.erase(std::string(name));
  ready_.erase(std::string(name));
  if (what == Heard::moved_in) {
    ready_.emplace(name);
    moved_in_[std::string(name)] = looks_;
  }
  if (what == Heard::closed) next_due_ms_ = std::min(next_due_ms_, due_ms(file));
}

void FolderFiles::missed_some() {
  for (auto& [name, file] : files_) {
    if (file.heard == Heard::being_written) file.heard = Heard::nothing;
  }
}

int64_t FolderFiles::due_ms(const File& file) const {
  if (file.again_ms > 0) return file.again_ms;
  const bool empty = file.marked && file.mark.size_bytes == 0;
  switch (file.heard) {
    case Heard::moved_in:
      return file.since_ms;
    case Heard::closed:
      return file.since_ms + settle_ms_;
    case Heard::being_written:
      return file.since_ms + std::max(settle_ms_, kUnclosedMs);
    case Heard::nothing:
      break;
  }
  const int64_t least = empty ? kUnclosedMs : kUnheardMs;
  return file.since_ms + std::max(kUnheardTimes * settle_ms_, least);
}

void FolderFiles::seen(const std::vector<FoundFile>& found, int64_t now_ms) {
  next_due_ms_ = std::numeric_limits<int64_t>::max();
  for (const FoundFile& file : found) weigh(file, now_ms);
  // What was heard while the folder was read may be younger than the reading.
  std::erase_if(files_, [this](const auto& entry) {
    const File& file = entry.second;
    const bool here = file.seen_at_look == looks_ || file.heard_at_look == looks_;
    return !here && file.fate != Fate::under_way;
  });
  std::erase_if(moved_in_, [this](const auto& entry) { return entry.second < looks_; });
}

bool FolderFiles::came_with_its_folder(const std::string& name) const {
  const size_t slash = name.find('/');
  return slash != std::string::npos && moved_in_.count(name.substr(0, slash)) > 0;
}

// It is not as it was. When nothing was heard of that, it was written where nobody hears it: by
// another host.
void FolderFiles::note_change(const std::string& name, File& file, int64_t now_ms) {
  if (file.heard_at_look + 1 < looks_) file.heard = Heard::nothing;
  file.since_ms = now_ms;
  file.again_ms = 0;
  if (file.fate == Fate::under_way || file.fate == Fate::open) return;
  file.fate = Fate::unknown;
  unknown_.insert(name);
}

void FolderFiles::weigh(const FoundFile& found, int64_t now_ms) {
  const auto at = files_.try_emplace(found.name).first;
  File& file = at->second;
  if (file.seen_at_look < 0 && file.heard_at_look < 0) {
    file.since_ms = now_ms;
    if (came_with_its_folder(found.name)) {
      file.heard = Heard::moved_in;
    } else {
      file.fate = Fate::unknown;
      unknown_.insert(found.name);
    }
  } else if (file.marked && file.mark != found.mark) {
    note_change(found.name, file, now_ms);
  }
  file.seen_at_look = looks_;
  file.mark = found.mark;
  file.marked = true;
  if (file.fate != Fate::open) return;
  const int64_t due = due_ms(file);
  if (due <= now_ms)
    ready_.insert(found.name);
  else
    next_due_ms_ = std::min(next_due_ms_, due);
}

std::vector<WantedFile> FolderFiles::take(size_t most) {
  std::vector<WantedFile> wanted;
  for (auto* names : {&unknown_, &ready_}) {
    while (!names->empty() && wanted.size() < most) {
      std::string name = std::move(names->extract(names->begin()).value());
      const auto file = files_.find(name);
      if (file == files_.end()) continue;
      file->second.fate = Fate::under_way;
      wanted.push_back({std::move(name), names == &unknown_});
    }
  }
  return wanted;
}

void FolderFiles::became(const SubmittedFile& submitted, int64_t now_ms) {
  const auto at = files_.find(submitted.name);
  if (at == files_.end() || at->second.fate != Fate::under_way) return;  // it was heard of since
  File& file = at->second;
  file.fate = Fate::open;
  switch (submitted.fate) {
    case SubmittedFile::Fate::submitted:
      file.fate = Fate::job;
      break;
    case SubmittedFile::Fate::refused:
      file.fate = Fate::refused;
      break;
    case SubmittedFile::Fate::vanished:
      files_.erase(at);
      return;
    case SubmittedFile::Fate::new_to_us:
      return;
    case SubmittedFile::Fate::later:
    case SubmittedFile::Fate::no_room:
      file.again_ms = now_ms + kTryAgainMs;
      next_due_ms_ = std::min(next_due_ms_, file.again_ms);
      return;
  }
  file.mark = submitted.mark;
  file.marked = true;
}

}  // namespace imgq::supervise
