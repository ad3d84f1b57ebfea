#include "src/supervise/pool.h"

#include <algorithm>
#include <utility>

#include "spool/temp_file.h"
#include "src/supervise/result_check.h"
#include "src/util/log.h"
#include "src/util/memory_limit.h"
#include "src/util/processors.h"

namespace imgq::supervise {
namespace {

constexpr int kHopeless = 5;  // starts in vain, and no worker left: give up
constexpr std::chrono::milliseconds kFirstWait{100};
constexpr std::chrono::milliseconds kLongestWait{10'000};

std::vector<int> descriptors_of(const Job& job) {
  std::vector<int> fds;
  for (const TempFile& result : job.results) fds.push_back(result.fd());
  return fds;
}

// The last line of what it said.
std::string last_line(std::string_view words) {
  while (!words.empty() && words.back() == '\n') words.remove_suffix(1);
  const size_t start = words.rfind('\n');
  if (start != std::string_view::npos) words.remove_prefix(start + 1);
  return std::string(words.substr(0, 300));
}

}  // namespace

Pool::Pool(Loop& loop, const Settings& settings, Listener& listener)
    : loop_(loop),
      settings_(settings),
      wanted_(share().workers),
      listener_(listener),
      spawning_(loop, [this] { spawn(); }) {}

MemoryShare Pool::share() const {
  return share_memory(settings_.config, memory_limit(), usable_processors());
}

void Pool::add(JobPtr job) {
  queue_.push_back(std::move(job));
  dispatch();
}

bool Pool::has_ready_worker() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) {
    const auto phase = slot.first->phase();
    return phase == Worker::Phase::idle || phase == Worker::Phase::busy;
  });
}

std::vector<Claim> Pool::claims() const {
  std::vector<Claim> all;
  for (const auto& [worker, job] : busy_) all.push_back(job->claim);
  for (const JobPtr& job : queue_) all.push_back(job->claim);
  return all;
}

// --- hiring

void Pool::spawn() {
  reaped_.clear();
  while (!closing_ && !spawning_.armed() && static_cast<int>(slots_.size()) < wanted_) spawn_one();
}

void Pool::spawn_one() {
  const Limits limits = share().limits;
  auto worker = Worker::start(loop_, settings_.worker_program, limits, *this);
  if (!worker) return spawn_failed(worker.error());
  Worker* key = worker->get();
  slots_[key] = WorkerSlot{std::move(*worker), limits, false};
}

void Pool::ready(Worker& /*worker*/) {
  in_vain_ = 0;
  dispatch();
  listener_.changed();
}

void Pool::spawn_failed(const Error& error) {
  ++fruitless_;
  log::line(log::Level::error, "cannot start a worker", {{"error", error.text()}});
  started_in_vain(error);
  if (!closing_) spawn_later();
}

// Whatever there was before: limits that were reloaded or a program that was replaced may be such
// that no worker comes up any more.
void Pool::started_in_vain(const Error& error) {
  if (++in_vain_ >= kHopeless && !has_ready_worker() && !closing_) listener_.broken(error);
}

void Pool::spawn_later() {
  const auto wait = kFirstWait * (1 << std::min(fruitless_, 7));
  spawning_.after(std::min(wait, kLongestWait));
}

// --- giving out

bool Pool::runs(Slot slot) const {
  return std::any_of(busy_.begin(), busy_.end(),
                     [slot](const auto& entry) { return entry.second->slot == slot; });
}

Worker* Pool::idle_worker() {
  for (auto& [worker, slot] : slots_) {
    if (worker->phase() == Worker::Phase::idle) return worker;
  }
  return nullptr;
}

bool Pool::may_run(const Job& job, const Worker& worker) const {
  if (job.fresh_worker && worker.answered() > 0) return false;
  if (job.slot == Slot::alone) return busy_.empty();
  return job.slot == Slot::normal || !runs(Slot::heavy);
}

// One that runs alone has its turn: nothing behind it begins before.
void Pool::dispatch() {
  while (Worker* worker = runs(Slot::alone) ? nullptr : idle_worker()) {
    const auto next = std::find_if(queue_.begin(), queue_.end(), [&](const JobPtr& job) {
      return job->slot == Slot::alone || may_run(*job, *worker);
    });
    if (next == queue_.end() || !may_run(**next, *worker)) {
      if (!queue_.empty()) make_way_for(*queue_.front());
      return;
    }
    JobPtr job = std::move(*next);
    queue_.erase(next);
    give(*worker, std::move(job));
  }
}

// A job that needs a fresh worker finds only used ones: one of these makes way.
void Pool::make_way_for(const Job& job) {
  if (!job.fresh_worker || (job.slot == Slot::alone ? !busy_.empty() : runs(Slot::heavy))) return;
  bool one_is_coming = false;
  for (auto& [worker, slot] : slots_) {
    one_is_coming = one_is_coming || worker->phase() == Worker::Phase::starting ||
                    worker->phase() == Worker::Phase::leaving;
  }
  if (one_is_coming) return;
  if (Worker* worker = idle_worker()) worker->retire();
}

void Pool::give(Worker& worker, JobPtr job) {
  std::vector<int> fds{job->source.get()};
  const auto results = descriptors_of(*job);
  fds.insert(fds.end(), results.begin(), results.end());
  wire::Order order{wire::Task::render, job->slot, job->request};
  for (const auto& [file, look] : job->watermarks) {
    fds.push_back(file.get());
    order.watermarks.push_back(look);
  }
  const auto given = worker.give(order, fds);
  if (given) {
    log::line(log::Level::debug, "given to a worker",
              {{"job", job->claim.token.id.text()}, {"pid", std::to_string(worker.pid())}});
    busy_[&worker] = std::move(job);
    return;
  }
  if (given.error().code == EMSGSIZE) {
    listener_.judged(std::move(job), {Code::bad_request, "the request is too long for a worker"});
    return;
  }
  queue_.push_front(std::move(job));  // its worker is dying: the next one
  worker.kill();
  worker.retire();
}

// --- getting back

JobPtr Pool::take_from(Worker& worker) {
  const auto at = busy_.find(&worker);
  if (at == busy_.end()) return nullptr;
  JobPtr job = std::move(at->second);
  busy_.erase(at);
  return job;
}

void Pool::retire_if_due(Worker& worker, bool wishes) {
  if (worker.phase() != Worker::Phase::idle) return;
  const WorkerSlot& slot = slots_[&worker];
  const bool spent = worker.answered() >= slot.limits.recycle_jobs;
  if (wishes || spent || closing_ || slot.outdated) worker.retire();
}

void Pool::answered(Worker& worker, Verdict verdict) {
  fruitless_ = 0;
  JobPtr job = take_from(worker);
  retire_if_due(worker, verdict.recycle || verdict.code == Code::out_of_memory);
  if (!job) return;  // dropped meanwhile
  if (verdict.heavy && job->slot == Slot::alone) {
    verdict = {Code::internal_error, "the worker asked for more than the whole memory"};
  }
  if (verdict.heavy) {
    job->slot = job->slot == Slot::normal ? Slot::heavy : Slot::alone;
    queue_.push_front(std::move(job));
  } else {
    const Limits& limits = slots_[&worker].limits;
    verdict = checked(std::move(verdict), job->request, limits, descriptors_of(*job));
    listener_.judged(std::move(job), std::move(verdict));
  }
  dispatch();
  listener_.changed();
}

void Pool::died(Worker& worker, const Death& death) {
  JobPtr job = take_from(worker);
  const auto slot = slots_.find(&worker);
  const Limits limits = slot->second.limits;
  reaped_.push_back(std::move(slot->second.worker));
  slots_.erase(slot);
  if (job) {
    judge_death(std::move(job), death, limits);
  } else if (death.why != Death::Why::asked) {
    count_idle_death(death, limits);
  }
  if (!closing_ && !spawning_.armed()) {
    if (fruitless_ > 1) {
      spawn_later();
    } else {
      spawning_.after(std::chrono::milliseconds(0));  // this worker is still in use up the stack
    }
  }
  listener_.changed();
}

void Pool::judge_death(JobPtr job, const Death& death, const Limits& limits) {
  ++fruitless_;
  Verdict verdict = verdict_on(death, limits);
  log::line(log::Level::warning, "worker died under a job",
            {{"job", job->claim.token.id.text()},
             {"verdict", std::string(name_of(verdict.code))},
             {"cause", verdict.message},
             {"words", last_line(death.last_words)}});
  if (verdict.code == Code::out_of_memory && !job->fresh_worker) {
    run_again(std::move(job));
  } else {
    listener_.judged(std::move(job), std::move(verdict));
  }
}

// Out of memory in a worker that earlier jobs had used up, or beside others: once more, with all
// there is.
void Pool::run_again(JobPtr job) {
  job->slot = Slot::alone;
  job->fresh_worker = true;
  const auto reset = reset_results(*job);
  if (reset) {
    queue_.push_front(std::move(job));
    return;
  }
  listener_.judged(std::move(job), {Code::io_error, reset.error().text()});
}

void Pool::count_idle_death(const Death& death, const Limits& limits) {
  ++fruitless_;
  const std::string words = last_line(death.last_words);
  const std::string how = verdict_on(death, limits).message;
  log::line(log::Level::error, "worker died", {{"cause", how}, {"words", words}});
  if (death.ever_ready) return;
  started_in_vain(Error{ECHILD, "keep a worker running: " + (words.empty() ? how : words),
                        settings_.worker_program});
}

// --- from outside

void Pool::drop(const JobId& id) {
  const auto waits = std::find_if(queue_.begin(), queue_.end(),
                                  [&](const JobPtr& job) { return job->claim.token.id == id; });
  if (waits != queue_.end()) {
    JobPtr job = std::move(*waits);
    queue_.erase(waits);
    listener_.dropped(std::move(job));
    return;
  }
  const auto runs = std::find_if(busy_.begin(), busy_.end(), [&](const auto& entry) {
    return entry.second->claim.token.id == id;
  });
  if (runs == busy_.end()) return;
  Worker* worker = runs->first;
  JobPtr job = take_from(*worker);
  worker->kill();
  listener_.dropped(std::move(job));
}

void Pool::drop_all() {
  auto all = take_waiting();
  while (!busy_.empty()) {
    Worker* worker = busy_.begin()->first;
    all.push_back(take_from(*worker));
    worker->kill();
  }
  for (JobPtr& job : all) listener_.dropped(std::move(job));
}

void Pool::reload() {
  wanted_ = share().workers;
  for (auto& [worker, slot] : slots_) slot.outdated = true;
  send_home_unless_busy();
  spawn();
}

void Pool::send_home_unless_busy() {
  for (auto& [worker, slot] : slots_) {
    if (worker->phase() == Worker::Phase::starting) worker->kill();
    retire_if_due(*worker, true);
  }
}

void Pool::close() {
  closing_ = true;
  spawning_.stop();
  send_home_unless_busy();
  listener_.changed();
}

}  // namespace imgq::supervise
