#include "tests/spool/model/sim_world.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace imgq::sim {
namespace {

World* g_current = nullptr;
// Ids only grow within one program, also when its clock steps back: worlds follow one another.
int64_t g_last_ns = 1'795'000'000'000'000'000;
constexpr int64_t kCallNs = 10'000;
constexpr int64_t kPatienceAfterDeath = 20'000;

}  // namespace

bool changes_the_disk(Call call) {
  switch (call) {
    case Call::create:
    case Call::close:
    case Call::write:
    case Call::copy:
    case Call::clone:
    case Call::fsync:
    case Call::syncfs:
    case Call::chmod:
    case Call::touch:
    case Call::flock:
    case Call::link:
    case Call::rename:
    case Call::unlink:
    case Call::mkdir:
      return true;
    case Call::open:
    case Call::read:
    case Call::stat:
    case Call::statvfs:
    case Call::list:
      return false;
  }
  return false;
}

std::string_view name_of(Call call) {
  static constexpr std::string_view kNames[] = {
      "open",    "create", "close", "read",  "write", "copy",   "clone",  "fsync", "syncfs", "stat",
      "statvfs", "chmod",  "touch", "flock", "link",  "rename", "unlink", "mkdir", "list"};
  return kNames[static_cast<size_t>(call)];
}

World::World(Order order) : disk(order), real_ns_(g_last_ns + 1'000'000'000) {
  g_current = this;
  start();
}

World::~World() {
  g_last_ns = std::max(g_last_ns, real_ns_ - passed_last_ns_);
  g_current = nullptr;
}

World& World::current() {
  if (g_current == nullptr) std::abort();  // a system call outside any test
  return *g_current;
}

Process& World::start(const std::string& host) {
  auto process = std::make_unique<Process>();
  char boot[64];
  std::snprintf(boot, sizeof boot, "%08x-0000-4000-8000-00000000%04x",
                static_cast<unsigned>(std::hash<std::string>{}(host)),
                static_cast<unsigned>(boots_[host]));
  process->me = {host, boot, next_pid_++};
  processes_.push_back(std::move(process));
  running_ = processes_.back().get();
  return *running_;
}

bool World::lives(const std::string& host, int pid) const {
  return std::any_of(processes_.begin(), processes_.end(), [&](const auto& process) {
    return !process->dead && process->me.host == host && process->me.pid == pid;
  });
}

void World::unlock(const Description* holder) {
  size_t freed = 0;
  for (auto& [inode, held] : locks) {
    freed += std::erase_if(held, [&](const auto& one) { return one.first == holder; });
  }
  for (auto& process : processes_) process->waiting = false;
  if (freed > 0) wake_all();
}

void World::wake_all() {
  for (auto& process : processes_) process->sleeping = false;
}

void World::kill(Process& process) {
  process.dead = true;
  for (auto& [fd, description] : process.fds) unlock(description.get());
  process.fds.clear();
}

void World::power_cut(Chooser& chooser) {
  for (auto& process : processes_) kill(*process);
  for (auto& [host, boot] : boots_) boot++;
  locks.clear();
  remembered.clear();
  disk.power_cut(chooser);
  log("power cut");
}

bool World::enter(Call call, std::string_view what) {
  if (yield && !running_->dead) yield();
  Process& me = *running_;
  real_ns_ += kCallNs;
  steady_ns_ += kCallNs;
  if (!me.dead && me.dies_at && changes_the_disk(call) && me.changes == *me.dies_at) {
    log("killed before " + std::string(name_of(call)) + " " + std::string(what));
    kill(me);
  }
  if (me.dead) {
    // The rest of the program runs on in vain; it must not run for ever.
    if (++me.calls_after_death > kPatienceAfterDeath) {
      std::fprintf(stderr, "a dead process does not stop calling\n%s", story().c_str());
      std::abort();
    }
    errno = ESHUTDOWN;
    return false;
  }
  me.calls++;
  if (changes_the_disk(call)) me.changes++;
  if (!me.fault || (me.fault->only && *me.fault->only != call)) return true;
  const int64_t number = me.fault_calls++;
  if (me.fault->effect != Fault::Effect::undone || !strikes(me, number)) return true;
  me.faults++;
  log(std::string(name_of(call)) + " " + std::string(what) + " fails: errno " +
      std::to_string(me.fault->error));
  errno = me.fault->error;
  return false;
}

bool World::strikes(const Process& me, int64_t number) {
  return me.fault->lasts == Fault::Lasts::once ? number == me.fault->at : number >= me.fault->at;
}

namespace {

// A call whose reply was lost is sent again, and finds its work done: a link is there already, a
// renamed name is gone. Or the client says that it does not know.
bool may_be_said_of(Call call, int error) {
  switch (call) {
    case Call::link:
    case Call::mkdir:
      return error != ENOENT;
    case Call::rename:
    case Call::unlink:
      return error != EEXIST;
    case Call::create:
    case Call::fsync:
    case Call::syncfs:
      return error != ENOENT && error != EEXIST;
    case Call::open:
    case Call::close:
    case Call::read:
    case Call::write:
    case Call::copy:
    case Call::clone:
    case Call::stat:
    case Call::statvfs:
    case Call::chmod:
    case Call::touch:
    case Call::flock:
    case Call::list:
      return false;
  }
  return false;
}

}  // namespace

int World::leave(Call call, int answer) {
  Process& me = *running_;
  if (answer < 0 || !me.fault || me.fault->effect != Fault::Effect::done) return answer;
  if (!may_be_said_of(call, me.fault->error)) return answer;
  if (me.fault->only && *me.fault->only != call) return answer;
  if (!strikes(me, me.fault_calls - 1)) return answer;
  me.faults++;
  log(std::string(name_of(call)) + " was done, and reports errno " +
      std::to_string(me.fault->error));
  errno = me.fault->error;
  return -1;
}

size_t World::allowed(Call call, size_t count) {
  Process& me = *running_;
  if (!me.fault || me.fault->effect != Fault::Effect::partly || count < 2) return count;
  if (me.fault->only && *me.fault->only != call) return count;
  if (!strikes(me, me.fault_calls - 1)) return count;
  me.faults++;
  return count / 2;
}

bool World::lies(Call call) {
  Process& me = *running_;
  if (!me.fault || me.fault->effect != Fault::Effect::lied) return false;
  if (me.fault->only && *me.fault->only != call) return false;
  if (!strikes(me, me.fault_calls - 1)) return false;
  me.faults++;
  log(std::string(name_of(call)) + " was not done, and reports that it was");
  return true;
}

void World::log(std::string text) { trace.push_back({running_->me.pid, std::move(text)}); }

std::string World::story(size_t last) const {
  std::string lines;
  const size_t from = trace.size() > last ? trace.size() - last : 0;
  for (size_t i = from; i < trace.size(); ++i) {
    lines += "  [" + std::to_string(trace[i].pid) + "] " + trace[i].text + "\n";
  }
  return lines;
}

InodePtr World::look_up(std::string_view path) const {
  InodePtr at = disk.root();
  while (at && !path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    const auto found = at->names.find(part);
    at = found == at->names.end() ? nullptr : found->second;
  }
  return at;
}

void World::resurrect(std::string_view dir, std::string_view name, const InodePtr& inode) {
  disk.add(look_up(dir), name, inode);
}

void World::write_file(std::string_view path, std::string_view bytes) {
  const size_t slash = path.rfind('/');
  InodePtr dir = disk.root();
  for (std::string_view rest = path.substr(0, slash); !rest.empty();) {
    const size_t end = rest.find('/');
    const std::string part(rest.substr(0, end));
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
    if (part.empty()) continue;
    if (dir->names.count(part) == 0) {
      disk.add(dir, part, disk.make(S_IFDIR | 0755, running_->uid, real_ns_));
    }
    dir = dir->names.find(part)->second;
  }
  const InodePtr file = disk.make(S_IFREG | 0644, running_->uid, real_ns_);
  file->data = file->synced = std::string(bytes);
  disk.add(dir, path.substr(slash + 1), file);
  disk.sync_all();
}

}  // namespace imgq::sim
