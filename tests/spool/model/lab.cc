#include "tests/spool/model/lab.h"

#include <fcntl.h>

#include <algorithm>

#include "spool/fsck.h"
#include "spool/hooks.h"
#include "spool/scan.h"
#include "spool/source.h"
#include "spool/sweep.h"
#include "spool/temp_file.h"

namespace imgq::model {
namespace {

constexpr const char* kPhoto = "/home/photo.jpg";
constexpr const char* kPhotoBytes = "a photograph";
constexpr int kManyRounds = 60;

// A result as a worker would have written it.
bool add_result(const Spool& spool, Finished& finished, const std::string& rendition) {
  auto temp = TempFile::create(spool);
  if (!temp) return false;
  const std::string bytes = rendition + " of " + finished.claim.token.id.text();
  const auto size = static_cast<ssize_t>(bytes.size());
  if (sys::write(temp->fd(), bytes.data(), bytes.size()) != size) return false;
  finished.results.push_back({rendition, "jpg", std::move(*temp), R"({"width":1})"});
  return true;
}

}  // namespace

Lab::Lab(sim::Order order) : world(order) {
  world.write_file(kPhoto, kPhotoBytes);
  auto made = Spool::create(kSpool);
  if (!made) complain("cannot create: " + made.error().text());
  if (made) spools_.emplace(world.running().me.pid, std::move(*made));
  world.disk.sync_all();
}

Lab::~Lab() { daemon.reset(); }

const Spool& Lab::spool() {
  const int pid = world.running().me.pid;
  auto found = spools_.find(pid);
  if (found == spools_.end()) {
    auto opened = Spool::open(kSpool);
    if (!opened) throw std::runtime_error("cannot open the spool: " + opened.error().text());
    found = spools_.emplace(pid, std::move(*opened)).first;
  }
  found->second.owe_hooks(hooks);
  return found->second;
}

std::optional<Draft> Lab::draft(const std::string& name, const std::string& key) {
  const Fd photo(sys::open(kPhoto, O_RDONLY));
  auto source = copy_source(spool(), photo.get(), 1 << 20);
  if (!source) return std::nullopt;
  Draft draft;
  draft.name = name;
  draft.key = key;
  draft.source = std::move(*source);
  return draft;
}

std::vector<JobId> Lab::submit(const std::vector<std::string>& names, Sync sync,
                               const std::string& key, bool held) {
  std::vector<Draft> drafts;
  for (const std::string& name : names) {
    auto one = draft(name, key);
    if (!one) return {};
    one->held = held;
    drafts.push_back(std::move(*one));
  }
  std::vector<JobId> ids;
  for (const auto& answer : imgq::submit(spool(), std::move(drafts), sync)) {
    if (!answer || !alive()) continue;
    Promise& promise = ledger[answer->id];
    promise.accepted = true;
    promise.held = held;
    promise.key = key;
    ids.push_back(answer->id);
    if (!answer->existing) jobs.push_back(answer->id);
  }
  return ids;
}

void Lab::note_answer(const Outcome& outcome) {
  Promise& promise = ledger[outcome.id];
  const auto& before = promise.answered;
  const bool same =
      !before || (before->ending == outcome.ending && before->attempt == outcome.attempt &&
                  before->owner == outcome.owner);
  if (!same && !promise.may_change)
    complain(outcome.id.text() + ": was answered twice, differently");
  promise.answered = outcome;
}

Daemon::Daemon(Lab& lab) : lab_(&lab), spool_(&lab.spool()) {
  auto entered = Owner::enter(*spool_);
  if (entered) owner_ = std::move(*entered);
}

std::vector<Claim> Daemon::claim(size_t limit, Sync sync) {
  const auto tokens = scan_staging(*spool_, limit);
  if (!tokens) return {};
  auto claims = owner_->claim(*tokens, sync);
  if (!claims || !lab_->alive()) return {};
  return std::move(claims->taken);
}

// What a worker would read is what was submitted.
void Daemon::read_source(const Claim& claim) {
  const bool accepted = lab_->ledger[claim.token.id].accepted;
  const auto source = owner_->open_source(claim);
  if (!accepted || !lab_->alive()) return;
  if (!source && source.error().code == ESTALE) {
    lab_->complain(claim.token.id.text() + ": its source was cut");
  }
  if (!source) return;
  std::string bytes;
  char piece[64];
  ssize_t got = 0;
  while ((got = sys::pread(source->get(), piece, sizeof piece, static_cast<off_t>(bytes.size()))) >
         0) {
    bytes.append(piece, static_cast<size_t>(got));
  }
  if (got == 0 && bytes != kPhotoBytes) {
    lab_->complain(claim.token.id.text() + ": its source has other bytes");
  }
}

// As the supervisor does it: a job that is not ours any more is forgotten, one that cannot be ended
// now is given back as soon as the spool takes it.
template <class T>
bool Daemon::ended_well(const Claim& claim, const Result<T>& answer) {
  if (answer) return lab_->alive();
  if (answer.error().code != EEXIST) refused_.push_back(claim);
  return false;
}

void Daemon::give_back_refused() {
  for (const Claim& claim : std::exchange(refused_, {})) {
    if (!owner_->release(claim)) refused_.push_back(claim);
  }
}

void Daemon::complete(const std::vector<Claim>& claims, Sync sync, SourceAfter source) {
  std::vector<Finished> finished;
  for (const Claim& claim : claims) {
    read_source(claim);
    Finished one{claim, {}, R"({"notes":[]})"};
    const bool well = add_result(*spool_, one, "thumb") && add_result(*spool_, one, "large");
    if (well) {
      finished.push_back(std::move(one));
    } else {
      refused_.push_back(claim);
    }
  }
  const auto answers = owner_->complete(finished, sync, source);
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!ended_well(finished[i].claim, answers[i])) continue;
    Promise& promise = lab_->ledger[finished[i].claim.token.id];
    promise.completions++;
    lab_->note_answer(*answers[i]);
  }
}

void Daemon::fail(const Claim& claim, Sync sync) {
  const auto outcome = owner_->fail(claim, {"not_an_image", "no image", 0}, "{}", sync);
  if (ended_well(claim, outcome)) lab_->note_answer(*outcome);
}

void Daemon::retry_later(const Claim& claim, Sync sync) {
  const auto due = owner_->retry_later(claim, {"io_error", "cannot read", 0}, {}, sync);
  (void)ended_well(claim, due);
}

void Daemon::end_one(const Claim& claim, std::vector<Claim>& good) {
  const std::string& name = claim.ticket.name;
  const auto starts = [&](const char* word) { return name.rfind(word, 0) == 0; };
  if (starts("bad")) {
    fail(claim, Sync::batch);
  } else if (starts("hopeless") || (starts("flaky") && claim.failures == 0)) {
    retry_later(claim, Sync::batch);
  } else {
    good.push_back(claim);
  }
}

bool Daemon::run_hooks() {
  const auto ids = owed_hooks(*spool_, 100);
  bool any = false;
  for (const JobId& id : ids ? *ids : std::vector<JobId>()) {
    const auto hook = take_hook(*spool_, id);
    if (!hook || !*hook || !lab_->alive()) continue;
    lab_->ledger[id].told = (*hook)->outcome;
    any = true;
    (void)settle_hook(*spool_, **hook);
  }
  return any;
}

bool Daemon::round() {
  (void)owner_->beat();
  give_back_refused();
  (void)recover(*spool_, owner_->name(), seen_, kLease);
  const auto promoted = promote_delayed(*spool_, lab_->world.real_ns() / 1'000'000);
  const std::vector<Claim> claims = claim(100, Sync::batch);
  std::vector<Claim> good;
  for (const Claim& one : claims) end_one(one, good);
  if (!good.empty()) complete(good, Sync::batch, SourceAfter::remove);
  const bool told = lab_->hooks && run_hooks();
  lab_->world.pass(20'000);
  const bool owners_left =
      lab_->world.look_up(std::string(kSpool) + "/processing")->names.size() > 1;
  const auto own = lab_->world.look_up(kSpool + std::string("/processing/") + owner_->name());
  const bool own_left = own && own->names.size() > 1;
  return told || !claims.empty() || own_left || owners_left || !promoted || promoted->moved > 0 ||
         promoted->next_due_ms != 0;
}

void Daemon::run(int rounds) {
  while (round()) {
    if (--rounds == 0 || !lab_->alive()) return;
  }
}

namespace {

// Whether a finding is about something that was promised to somebody, or left in tmp/.
bool matters(const Lab& lab, const Finding& finding) {
  if (finding.kind == Finding::Kind::note) return false;
  if (finding.path.rfind("tmp/", 0) == 0) return true;
  return std::any_of(lab.ledger.begin(), lab.ledger.end(), [&](const auto& entry) {
    const bool counted_on = entry.second.accepted && !entry.second.may_be_gone;
    return counted_on && finding.path.find(entry.first.text()) != std::string::npos;
  });
}

// Twice: what one repair lays bare, the next one mends.
void repair(const Lab& lab, const Spool& spool, std::vector<std::string>& wrong) {
  for (int round = 0; round < 2; ++round) {
    const auto mended = fsck(spool, Repair::mend, 1);
    if (!mended) wrong.push_back("fsck fails: " + mended.error().text());
  }
  const auto last = fsck(spool, Repair::report_only, 1);
  if (!last) return wrong.push_back("fsck fails: " + last.error().text());
  for (const Finding& finding : last->findings) {
    if (matters(lab, finding)) {
      wrong.push_back("left by repair: " + finding.path + ": " + finding.what);
    }
  }
}

}  // namespace

std::string settle_and_judge(Lab& lab, Helper helper) {
  lab.world.start();
  std::vector<std::string> wrong;
  Daemon daemon(lab);
  if (!daemon.in()) return "a new daemon cannot enter\n";
  const Spool& spool = lab.spool();
  Heartbeats seen;
  (void)recover(spool, daemon.owner().name(), seen, kLease);
  (void)sweep_tmp(spool);
  if (helper == Helper::fsck) repair(lab, spool, wrong);
  daemon.run(kManyRounds);
  daemon.leave();
  // temporary files of other hosts are left alone for 36 hours
  lab.world.pass_last(int64_t{37} * 3600 * 1000);
  (void)sweep_tmp(spool);
  for (std::string& broken : judge(lab, helper)) wrong.push_back(std::move(broken));
  for (const std::string& complaint : lab.complaints) wrong.push_back(complaint);
  std::string lines;
  for (const std::string& one : wrong) lines += "  broken: " + one + "\n";
  return lines;
}

}  // namespace imgq::model
