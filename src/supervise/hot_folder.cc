#include "src/supervise/hot_folder.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/base/request.h"
#include "src/supervise/awaited_jobs.h"
#include "src/supervise/finish_file.h"
#include "src/supervise/folder_files.h"
#include "src/supervise/folder_lock.h"
#include "src/supervise/left_out.h"
#include "src/supervise/submit_file.h"
#include "src/supervise/watcher.h"
#include "src/util/log.h"
#include "src/util/sys.h"

namespace imgq::supervise {
namespace {

using std::chrono::milliseconds;

constexpr size_t kBatch = 32;
constexpr int64_t kLookAgainMs = 2000;
constexpr int64_t kLookSoonestMs = 100;
constexpr int64_t kLooksShare = 10;  // looking takes at most this part of the time

HotFolderPlan plan_for(const HotFolder& hot_folder, const Config& config, Sync sync) {
  Request request;
  const auto preset = config.presets.find(hot_folder.preset);
  if (preset != config.presets.end()) request.renditions = preset->second;
  request.preset = hot_folder.preset;
  return {hot_folder, config, to_json(request), sync};
}

int64_t settle_ms(const HotFolderPlan& plan) { return plan.hot_folder.settle_seconds * 1000LL; }

// What became of some files.
struct Round {
  std::vector<SubmittedFile> submitted = {};
  std::vector<FinishedFile> finished = {};
};

}  // namespace

// One hot folder. Kept by the work it has under way, so it may be dropped at any time.
class FolderWatch : public std::enable_shared_from_this<FolderWatch> {
 public:
  FolderWatch(Loop& loop, const Spool& spool, HotFolderPlan plan)
      : loop_(loop),
        spool_(spool),
        plan_(std::make_shared<HotFolderPlan>(std::move(plan))),
        files_(settle_ms(*plan_)) {}

  // Once; again is nothing.
  void start() {
    if (looking_) return;
    looking_.emplace(loop_, [this] { look(); });
    watch();
    look();
  }

  // Whether what it knows of its files holds for this hot_folder, too.
  bool serves(const HotFolder& hot_folder) const {
    const HotFolder& mine = plan_->hot_folder;
    return hot_folder.directory == mine.directory && hot_folder.preset == mine.preset &&
           hot_folder.after == mine.after && hot_folder.move_to == mine.move_to &&
           hot_folder.results == mine.results && hot_folder.subfolders == mine.subfolders;
  }

  // What was refused or put off under the old plan is looked at again.
  void change(HotFolderPlan plan);

  void ended(const JobId& job) {
    awaited_.ended(job);
    go_on();
  }
  bool idle() const { return !taking_ && !awaited_.has_ended_ones(); }

  // Its handles go now, whoever still holds it.
  void stop() {
    stopped_ = true;
    loop_.errands().forget(this);
    watcher_.reset();
    looking_.reset();
    if (pieces_ == 0) lock_.release();
  }

 private:
  void watch();
  void heard(std::string_view name, FolderFiles::Heard what);
  void look();
  void looked(const FolderLook& found, int64_t took_ms);
  void seen(const FolderLook& found);
  void look_at(int64_t when_ms);
  bool stands_by(FolderLock::Held lock);
  void work(std::function<void()> piece, std::function<void()> done);
  void tell_left_out(const std::vector<LeftOut>& found);
  void complain(const Result<FolderContent>& found);
  void say_whether_watched();
  void go_on();
  void note(const SubmittedFile& file);
  void note(const FinishedFile& file);
  void note_room(const SubmittedFile& file);
  std::string path_of(const std::string& name) const {
    return plan_->hot_folder.directory + "/" + name;
  }

  Loop& loop_;
  const Spool& spool_;
  std::shared_ptr<const HotFolderPlan> plan_;  // work that is under way keeps its own
  FolderFiles files_;
  AwaitedJobs awaited_;
  LeftOutNames left_out_;
  int pieces_ = 0;   // of work, waiting or under way
  FolderLock lock_;  // theirs while there are any
  bool serving_ = false;
  bool said_standing_by_ = false;
  std::set<std::string> waiting_for_room_;
  bool stopped_ = false;
  bool looking_now_ = false;
  bool taking_ = false;
  bool put_back_ = false;  // what an earlier run left half taken away
  int64_t next_look_ms_ = 0;
  int64_t look_cost_ms_ = 0;
  std::string complaint_;
  std::optional<Timer> looking_;
  std::unique_ptr<Watcher> watcher_;
  std::optional<FolderId> watched_;  // which directory, whatever links lead to it by now
  std::string unwatched_;            // why
  bool said_watched_ = false;
  std::string said_unwatched_;
};

void FolderWatch::watch() {
  Watcher::Calls calls;
  calls.named = [this](std::string_view name) { heard(name, FolderFiles::Heard::moved_in); };
  calls.closed = [this](std::string_view name) { heard(name, FolderFiles::Heard::closed); };
  calls.being_written = [this](std::string_view name) {
    heard(name, FolderFiles::Heard::being_written);
  };
  calls.unsure = [this] { files_.missed_some(); };
  calls.gone = [this] {
    files_.missed_some();
    watcher_.reset();
  };
  const std::string& directory = plan_->hot_folder.directory;
  watched_ = folder_id(directory);
  auto watcher = Watcher::start(loop_, directory, Watcher::Events::written, std::move(calls));
  unwatched_ = watcher ? "" : watcher.error().text();
  if (watcher) watcher_ = std::move(*watcher);
}

void FolderWatch::heard(std::string_view name, FolderFiles::Heard what) {
  if (!why_not_taken(plan_->hot_folder, std::string(name)).empty()) return;
  files_.heard(name, what, sys::monotonic_ms());
  look_at(files_.next_due_ms());
  go_on();
}

void FolderWatch::change(HotFolderPlan plan) {
  plan_ = std::make_shared<HotFolderPlan>(std::move(plan));
  files_.change(settle_ms(*plan_));
  look();
}

// Not later than every two seconds; sooner when a file is due then.
void FolderWatch::look_at(int64_t when_ms) {
  if (!looking_ || looking_now_) return;
  const int64_t now = sys::monotonic_ms();
  const int64_t soonest = now + std::max(kLookSoonestMs, kLooksShare * look_cost_ms_);
  const int64_t when = std::clamp(when_ms, soonest, std::max(soonest, now + kLookAgainMs));
  if (next_look_ms_ > now && next_look_ms_ <= when) return;
  next_look_ms_ = when;
  if (when < when_ms) {
    looking_->about(milliseconds(when - now));
  } else {
    looking_->after(milliseconds(when - now));
  }
}

void FolderWatch::look() {
  if (looking_now_ || stopped_) return;
  if (!watcher_) watch();
  looking_now_ = true;
  files_.begin_look();
  struct Look {
    FolderLook found;
    int64_t took_ms = 0;  // without what it waited for others, before and after
  };
  auto answer = std::make_shared<Look>();
  work(
      [this, plan = plan_, first = put_back_ ? FirstLook::no : FirstLook::yes,
       jobs = awaited_.to_ask(sys::monotonic_ms()), answer] {
        const int64_t began = sys::monotonic_ms();
        answer->found = look_at_folder(spool_, *plan, lock_, jobs, first);
        answer->took_ms = sys::monotonic_ms() - began;
      },
      [this, answer] {
        looking_now_ = false;
        if (!stopped_) looked(answer->found, answer->took_ms);
      });
}

// On another thread; it keeps this.
void FolderWatch::work(std::function<void()> piece, std::function<void()> done) {
  ++pieces_;
  loop_.errands().enter({[self = shared_from_this(), piece = std::move(piece)] { piece(); },
                         [self = shared_from_this(), done = std::move(done)] {
                           --self->pieces_;
                           if (self->stopped_) self->lock_.release();
                           done();
                         },
                         plan_->hot_folder.directory, this});
}

// Said once when another daemon has the folder.
bool FolderWatch::stands_by(FolderLock::Held lock) {
  serving_ = lock == FolderLock::Held::yes;
  if (!serving_ && !std::exchange(said_standing_by_, true)) {
    log::line(log::Level::notice, "another daemon serves an intake folder; standing by",
              {{"directory", plan_->hot_folder.directory}});
  }
  if (serving_ && std::exchange(said_standing_by_, false)) {
    log::line(log::Level::notice, "serving an intake folder that another daemon has left",
              {{"directory", plan_->hot_folder.directory}});
  }
  return !serving_;
}

void FolderWatch::looked(const FolderLook& found, int64_t took_ms) {
  look_cost_ms_ = took_ms;
  next_look_ms_ = 0;
  for (const JobId& job : found.ended) awaited_.ended(job);
  if (!stands_by(found.lock)) {
    complain(found.content);
    if (found.content) seen(found);
  }
  look_at(files_.next_due_ms());
  go_on();
}

void FolderWatch::seen(const FolderLook& found) {
  if (!std::exchange(put_back_, true) && !found.put_back) {
    log::line(
        log::Level::warning, "an original that was half taken away stays so",
        {{"directory", plan_->hot_folder.directory}, {"error", found.put_back.error().text()}});
  }
  if (watcher_ && watched_ != found.content->id) {  // a link leads elsewhere now
    files_.missed_some();
    watcher_.reset();
    said_watched_ = false;
    watch();
  }
  say_whether_watched();
  files_.seen(found.content->files, sys::monotonic_ms());
  tell_left_out(found.content->left_out);
}

void FolderWatch::tell_left_out(const std::vector<LeftOut>& found) {
  for (const LeftOut& one : left_out_.to_tell(found, sys::monotonic_ms())) {
    log::line(log::Level::notice, "left alone", {{"file", path_of(one.name)}, {"error", one.why}});
  }
}

// Once for each thing that is wrong.
void FolderWatch::complain(const Result<FolderContent>& found) {
  std::string complaint;
  if (!found) {
    complaint = "cannot read an intake folder: " + found.error().text();
  } else if (found->files.size() >= FolderFiles::kMost) {
    complaint = "an intake folder holds too many files: what lies there beyond " +
                std::to_string(FolderFiles::kMost) +
                " is not looked at before others have gone: " + plan_->hot_folder.directory;
  }
  if (!complaint.empty() && complaint != complaint_) log::line(log::Level::warning, complaint);
  complaint_ = complaint;
}

void FolderWatch::say_whether_watched() {
  const std::string& directory = plan_->hot_folder.directory;
  if (watcher_ && !std::exchange(said_watched_, true)) {
    log::line(log::Level::info, "watching an intake folder", {{"directory", directory}});
  } else if (!watcher_ && said_unwatched_ != unwatched_) {
    log::line(log::Level::warning,
              "an intake folder is not watched: its files wait ten times as long, and at least a "
              "minute",
              {{"directory", directory}, {"error", unwatched_}});
  }
  said_watched_ = watcher_ != nullptr;
  said_unwatched_ = unwatched_;
}

void FolderWatch::go_on() {
  if (taking_ || stopped_ || !serving_) return;
  auto files = files_.take(kBatch);
  auto ended = awaited_.take(kBatch);
  if (files.empty() && ended.empty()) return;
  taking_ = true;
  auto answer = std::make_shared<Round>();
  work(
      [&spool = spool_, plan = plan_, files = std::move(files), ended = std::move(ended), answer] {
        answer->finished = finish_files(spool, *plan, ended);
        answer->submitted = submit_files(spool, *plan, files);
      },
      [this, answer] {
        taking_ = false;
        for (const FinishedFile& file : answer->finished) note(file);
        for (const SubmittedFile& file : answer->submitted) note(file);
        look_at(files_.next_due_ms());
        go_on();
      });
}

void FolderWatch::note(const SubmittedFile& file) {
  const std::string where = path_of(file.name);
  note_room(file);
  files_.became(file, sys::monotonic_ms());
  switch (file.fate) {
    case SubmittedFile::Fate::submitted:
      if (file.awaited) awaited_.add({*file.job, file.name, file.original});
      log::line(file.known ? log::Level::debug : log::Level::info,
                file.known ? "known again" : "taken in",
                {{"job", file.job->text()}, {"file", where}});
      return;
    case SubmittedFile::Fate::refused:
      log::line(log::Level::warning, "not taken in", {{"file", where}, {"error", file.why}});
      return;
    case SubmittedFile::Fate::vanished:
    case SubmittedFile::Fate::new_to_us:
      return;
    case SubmittedFile::Fate::later:
    case SubmittedFile::Fate::no_room:
      log::line(log::Level::debug, "taken in later", {{"file", where}, {"error", file.why}});
      return;
  }
}

void FolderWatch::note(const FinishedFile& file) {
  if (!awaited_.became(file, sys::monotonic_ms())) return;
  const bool done = file.fate == FinishedFile::Fate::done;
  if (done && file.why.empty()) {
    log::line(log::Level::info, "done with an original",
              {{"job", file.job.text()}, {"file", path_of(file.name)}});
  } else if (file.fate != FinishedFile::Fate::waiting) {
    const bool trouble = file.fate == FinishedFile::Fate::later;
    log::line(trouble ? log::Level::warning : log::Level::notice, "original left where it is",
              {{"job", file.job.text()}, {"file", path_of(file.name)}, {"error", file.why}});
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

HotFolders::HotFolders(Loop& loop, const Spool& spool) : loop_(loop), spool_(spool) {}

HotFolders::~HotFolders() { stop(); }

// Those that go are stopped before others begin, so that nobody stands by for them.
void HotFolders::change(const Config& config, Sync sync) {
  auto before = std::exchange(folders_, {});
  for (const HotFolder& hot_folder : config.hot_folders) {
    if (!hot_folder.spool.empty() && !same_directory(hot_folder.spool, spool_.path())) continue;
    HotFolderPlan plan = plan_for(hot_folder, config, sync);
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const auto& folder) { return folder->serves(hot_folder); });
    if (same != before.end()) {
      (*same)->change(std::move(plan));
      folders_.push_back(std::move(*same));
      before.erase(same);
    } else {
      folders_.push_back(std::make_shared<FolderWatch>(loop_, spool_, std::move(plan)));
    }
  }
  for (const auto& folder : before) folder->stop();
  before.clear();
  for (const auto& folder : folders_) folder->start();
}

void HotFolders::ended(const JobId& job) {
  for (const auto& folder : folders_) folder->ended(job);
}

bool HotFolders::idle() const {
  return std::all_of(folders_.begin(), folders_.end(),
                     [](const auto& folder) { return folder->idle(); });
}

void HotFolders::stop() {
  for (const auto& folder : folders_) folder->stop();
  folders_.clear();
}

}  // namespace imgq::supervise
