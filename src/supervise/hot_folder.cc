#include "src/supervise/hot_folder.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "src/base/request.h"
#include "src/supervise/submit_file.h"
#include "src/supervise/watcher.h"
#include "src/util/log.h"
#include "src/util/sys.h"

namespace imgq::supervise {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMostFiles = 20'000;
constexpr size_t kBatch = 32;
constexpr milliseconds kLookAgain{2000};
constexpr int64_t kTryAgainMs = 5000;
constexpr int64_t kUnclosedMs = 600'000;  // then whoever writes it is taken to have gone

HotFolderPlan plan_for(const HotFolder& hot_folder, const Config& config, Sync sync) {
  Request request;
  const auto preset = config.presets.find(hot_folder.preset);
  if (preset != config.presets.end()) request.renditions = preset->second;
  request.preset = hot_folder.preset;
  return {hot_folder, config, to_json(request), sync};
}

}  // namespace

// One hot folder. Kept by the work it has under way, so it may be dropped at any time.
class FolderWatch : public std::enable_shared_from_this<FolderWatch> {
 public:
  FolderWatch(Loop& loop, const Spool& spool, std::shared_ptr<HotFolderGate> gate,
              HotFolderPlan plan)
      : loop_(loop),
        spool_(spool),
        gate_(std::move(gate)),
        plan_(std::make_shared<HotFolderPlan>(std::move(plan))) {}

  void start() {
    looking_.emplace(loop_, [this] { look(); });
    watch();
    look();
  }

  // Whether what it knows of its files holds for this hot_folder, too.
  bool serves(const HotFolder& hot_folder) const {
    const HotFolder& mine = plan_->hot_folder;
    return hot_folder.directory == mine.directory && hot_folder.preset == mine.preset &&
           hot_folder.after == mine.after && hot_folder.move_to == mine.move_to;
  }

  // What was refused or put off under the old plan is looked at again.
  void change(HotFolderPlan plan);

  // Its handles go now, whoever still holds it.
  void stop() {
    stopped_ = true;
    gate_->forget(this);
    watcher_.reset();
    looking_.reset();
  }

 private:
  void watch();
  void look();
  void looked(const Result<std::vector<FoundFile>>& found);
  void complain(const Result<std::vector<FoundFile>>& found);
  void weigh(const FoundFile& file, int64_t now_ms);
  int64_t patience_ms(const FoundFile& file) const;
  void note_written(std::string_view name);
  void go_on();
  void note(const SubmittedFile& file);
  void note_room(const SubmittedFile& file);

  // A file that was seen: since when it has been as it is, and what became of it.
  struct Seen {
    FileMark mark;
    int64_t since_ms = 0;
    enum class Fate { open, submitted, refused } fate = Fate::open;
  };

  Loop& loop_;
  const Spool& spool_;
  const std::shared_ptr<HotFolderGate> gate_;
  std::shared_ptr<const HotFolderPlan> plan_;  // work that is under way keeps its own
  std::map<std::string, Seen> seen_;
  std::map<std::string, int64_t> unclosed_;  // being written: as of which look
  int64_t looks_ = 0;
  std::set<std::string> ready_;
  std::set<std::string> waiting_for_room_;
  bool stopped_ = false;
  bool looking_now_ = false;
  bool taking_ = false;
  std::string complaint_;
  std::optional<Timer> looking_;
  std::unique_ptr<Watcher> watcher_;
};

void FolderWatch::watch() {
  Watcher::Calls calls;
  calls.named = [this](std::string_view name) {
    if (!is_hot_folder_name(name) || ready_.size() >= kMostFiles) return;
    seen_.erase(std::string(name));  // whatever it was, it is written anew
    unclosed_.erase(std::string(name));
    ready_.emplace(name);
    go_on();
  };
  calls.being_written = [this](std::string_view name) { note_written(name); };
  calls.unsure = [this] { unclosed_.clear(); };  // a close may be lost; it is read every 2 s
  calls.gone = [this] {
    unclosed_.clear();
    watcher_.reset();
  };
  auto watcher = Watcher::start(loop_, plan_->hot_folder.directory, Watcher::Events::written,
                                std::move(calls));
  if (watcher) watcher_ = std::move(*watcher);
}

void FolderWatch::change(HotFolderPlan plan) {
  plan_ = std::make_shared<HotFolderPlan>(std::move(plan));
  std::erase_if(seen_, [](const auto& seen) { return seen.second.fate != Seen::Fate::submitted; });
  look();
}

void FolderWatch::look() {
  if (looking_now_ || stopped_) return;
  if (!watcher_) watch();
  looking_now_ = true;
  ++looks_;
  auto answer = std::make_shared<std::optional<Result<std::vector<FoundFile>>>>();
  gate_->enter({plan_->hot_folder.directory, this,
                [plan = plan_, answer] { answer->emplace(read_hot_folder(*plan, kMostFiles)); },
                [self = shared_from_this(), answer] {
                  self->looking_now_ = false;
                  if (!self->stopped_) self->looked(**answer);
                }});
}

void FolderWatch::looked(const Result<std::vector<FoundFile>>& found) {
  looking_->after(kLookAgain);
  complain(found);
  if (!found) return;
  std::set<std::string> present;
  for (const FoundFile& file : *found) present.insert(file.name);
  std::erase_if(seen_, [&](const auto& seen) { return !present.contains(seen.first); });
  // What was noted while the folder was read may be younger than the reading.
  std::erase_if(unclosed_, [&](const auto& noted) {
    return noted.second < looks_ && !present.contains(noted.first);
  });
  for (const FoundFile& file : *found) weigh(file, sys::monotonic_ms());
  go_on();
}

void FolderWatch::note_written(std::string_view name) {
  if (!is_hot_folder_name(name) || unclosed_.size() >= kMostFiles) return;
  unclosed_[std::string(name)] = looks_;
  ready_.erase(std::string(name));  // until it is closed again
}

// Whose writing was seen, or is yet to come, is waited for until it is closed.
int64_t FolderWatch::patience_ms(const FoundFile& file) const {
  const bool unclosed = unclosed_.count(file.name) > 0 || (watcher_ && file.mark.size_bytes == 0);
  const int64_t settle_ms = plan_->hot_folder.settle_seconds * 1000LL;
  return unclosed ? std::max(settle_ms, kUnclosedMs) : settle_ms;
}

// Once for each thing that is wrong.
void FolderWatch::complain(const Result<std::vector<FoundFile>>& found) {
  std::string complaint;
  if (!found) {
    complaint = "cannot read an intake folder: " + found.error().text();
  } else if (found->size() >= kMostFiles && plan_->hot_folder.after == HotFolder::After::keep) {
    complaint = "an intake folder that keeps its files holds too many: what lay there beyond " +
                std::to_string(kMostFiles) +
                " is not looked at (after = \"move\" has no limit): " + plan_->hot_folder.directory;
  }
  if (!complaint.empty() && complaint != complaint_) log::line(log::Level::warning, complaint);
  complaint_ = complaint;
}

void FolderWatch::weigh(const FoundFile& file, int64_t now_ms) {
  const auto [at, fresh] = seen_.try_emplace(file.name, Seen{file.mark, now_ms});
  Seen& seen = at->second;
  if (!fresh && seen.mark != file.mark) seen = Seen{file.mark, now_ms};
  const bool settled = now_ms - seen.since_ms >= patience_ms(file);
  if (settled && seen.fate == Seen::Fate::open) ready_.insert(file.name);
}

void FolderWatch::go_on() {
  if (taking_ || stopped_ || ready_.empty()) return;
  std::vector<std::string> names;
  while (!ready_.empty() && names.size() < kBatch) {
    names.push_back(std::move(ready_.extract(ready_.begin()).value()));
  }
  taking_ = true;
  auto answer = std::make_shared<std::vector<SubmittedFile>>();
  gate_->enter({plan_->hot_folder.directory, this,
                [&spool = spool_, plan = plan_, names = std::move(names), answer] {
                  *answer = submit_files(spool, *plan, names);
                },
                [self = shared_from_this(), answer] {
                  self->taking_ = false;
                  for (const SubmittedFile& file : *answer) self->note(file);
                  self->go_on();
                }});
}

void FolderWatch::note(const SubmittedFile& file) {
  const std::string where = plan_->hot_folder.directory + "/" + file.name;
  note_room(file);
  switch (file.fate) {
    case SubmittedFile::Fate::submitted:
      seen_[file.name] = {file.mark, sys::monotonic_ms(), Seen::Fate::submitted};
      log::line(log::Level::info, "taken in", {{"job", file.job}, {"file", where}});
      if (!file.why.empty()) {
        log::line(log::Level::warning, "original left where it is",
                  {{"file", where}, {"error", file.why}});
      }
      return;
    case SubmittedFile::Fate::refused:
      seen_[file.name] = {file.mark, sys::monotonic_ms(), Seen::Fate::refused};
      log::line(log::Level::warning, "not taken in", {{"file", where}, {"error", file.why}});
      return;
    case SubmittedFile::Fate::vanished:
      seen_.erase(file.name);
      return;
    case SubmittedFile::Fate::later:
    case SubmittedFile::Fate::no_room:
      seen_[file.name] = {file.mark, sys::monotonic_ms() + kTryAgainMs};
      log::line(log::Level::debug, "taken in later", {{"file", where}, {"error", file.why}});
      return;
  }
}

// Said once when files begin to wait for room, and once when none does any more.
void FolderWatch::note_room(const SubmittedFile& file) {
  const bool waited = !waiting_for_room_.empty();
  if (file.fate == SubmittedFile::Fate::no_room) {
    waiting_for_room_.insert(file.name);
    if (waited) return;
    log::line(log::Level::warning, "the spool has no room for what an intake folder holds; waiting",
              {{"directory", plan_->hot_folder.directory}, {"error", file.why}});
  } else if (waiting_for_room_.erase(file.name) > 0 && waiting_for_room_.empty()) {
    log::line(log::Level::notice, "the spool has room for an intake folder again",
              {{"directory", plan_->hot_folder.directory}});
  }
}

HotFolders::HotFolders(Loop& loop, const Spool& spool)
    : loop_(loop), spool_(spool), gate_(std::make_shared<HotFolderGate>(loop)) {}

HotFolders::~HotFolders() { stop(); }

void HotFolders::change(const Config& config, Sync sync) {
  auto before = std::exchange(folders_, {});
  for (const HotFolder& hot_folder : config.hot_folders) {
    HotFolderPlan plan = plan_for(hot_folder, config, sync);
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const auto& folder) { return folder->serves(hot_folder); });
    if (same != before.end()) {
      (*same)->change(std::move(plan));
      folders_.push_back(std::move(*same));
      before.erase(same);
    } else {
      folders_.push_back(std::make_shared<FolderWatch>(loop_, spool_, gate_, std::move(plan)));
      folders_.back()->start();
    }
  }
  for (const auto& folder : before) folder->stop();
}

void HotFolders::stop() {
  for (const auto& folder : folders_) folder->stop();
  folders_.clear();
}

}  // namespace imgq::supervise
