#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/util/sys.h"
#include "tests/spool/model/sim_disk.h"

// The machines around the disk: processes with descriptors, locks and pids, clocks that step,
// calls that fail, deaths at a chosen call. sim_sys.cc answers imgq::sys from the current world.
namespace imgq::sim {

// Which call; those that change the disk are the ones worth cutting at.
enum class Call {
  open,
  create,  // open with O_CREAT
  close,
  read,
  write,
  copy,
  clone,
  fsync,
  syncfs,
  stat,
  statvfs,
  chmod,
  touch,
  flock,
  link,
  rename,
  unlink,
  mkdir,
  list,
};
bool changes_the_disk(Call call);
std::string_view name_of(Call call);

// A call that goes wrong.
struct Fault {
  int64_t at = 0;  // the victim's call of this number, counted from 0 when armed
  int error = 0;
  enum class Lasts { once, until_lifted } lasts = Lasts::once;
  enum class Effect {
    undone,  // refused
    done,    // carried out, and yet an error is reported: a reply that was lost
    partly,  // read, write, copy: half of the bytes, without an error; other calls are left alone
    lied,    // fsync, syncfs: nothing was synced, without an error; other calls are left alone
  } effect = Effect::undone;
  std::optional<Call> only;  // counts, and fails, only such calls
};

struct Description {  // an open file description: what dup and fork would share
  InodePtr inode;
  size_t offset = 0;
  int flags = 0;
};

struct Process {
  sys::Identity me;
  uid_t uid = 1000;
  std::map<int, std::shared_ptr<Description>> fds;
  bool dead = false;
  bool waiting = false;   // for a lock that somebody holds
  bool sleeping = false;  // until a lock is freed, or nobody else can go on
  int64_t calls = 0;      // all
  int64_t changes = 0;    // those that change the disk
  int64_t calls_after_death = 0;
  std::optional<int64_t> dies_at;  // before its change of this number
  std::optional<Fault> fault;
  int64_t fault_calls = 0;  // calls counted by the fault
  int64_t faults = 0;       // calls failed
};

// One line of what happened, for people: printed when a test fails.
struct Trace {
  int pid;
  std::string text;
};

class World {
 public:
  explicit World(Order order);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  static World& current();  // the one that answers imgq::sys; exactly one lives at a time

  Disk disk;
  bool stale_names = false;  // rename(2) may look a name up in an old cache (network clients)
  bool reflinks = false;     // clone_range works
  bool has_syncfs = true;    // not on network file systems
  int next_fd = 100;         // never used twice, so that a mix-up between processes is EBADF
  uint64_t free_bytes = 1U << 30;
  uint64_t free_inodes = 1U << 20;

  // Starts a process and makes it the running one. Host and boot are those of the machine.
  Process& start(const std::string& host = "alpha");
  Process& running() { return *running_; }
  void run_as(Process& process) { running_ = &process; }
  bool lives(const std::string& host, int pid) const;
  void kill(Process& process);       // SIGKILL: descriptors closed, locks free
  void power_cut(Chooser& chooser);  // all processes die; each host gets a new boot id
  void end(Process& process) { kill(process); }

  // Time.
  int64_t real_ns() const { return real_ns_; }
  int64_t steady_ns() const { return steady_ns_; }
  void pass(int64_t ms) {
    real_ns_ += ms * 1'000'000;
    steady_ns_ += ms * 1'000'000;
  }
  // The same at a world's very end: the next world's clock need not be later than this.
  void pass_last(int64_t ms) {
    pass(ms);
    passed_last_ns_ += ms * 1'000'000;
  }
  void step_clock(int64_t ms) { real_ns_ += ms * 1'000'000; }

  // Called at the start of each call by sim_sys.cc.
  //   returns whether the call may go on; else errno is set and the answer is -1
  bool enter(Call call, std::string_view what);
  // Called at its end: turns a good answer into a lost one when a fault says so.
  int leave(Call call, int answer);
  // How many of `count` bytes the call just entered may move.
  size_t allowed(Call call, size_t count);
  // Whether the sync just entered only says that it was done.
  bool lies(Call call);
  void log(std::string text);

  // Set by a scheduler: gives other processes a turn.
  std::function<void()> yield;
  std::vector<Trace> trace;
  std::string story(size_t last = 60) const;

  // Locks: whole files, by description.
  std::map<const Inode*, std::vector<std::pair<const Description*, bool>>>
      locks;  // bool: exclusive
  void unlock(const Description* holder);
  void wake_all();

  // Last known targets of names that have gone, for stale look-ups.
  std::map<std::pair<const Inode*, std::string>, InodePtr> remembered;

  // Puts a name back that was removed, as a healing replica does.
  void resurrect(std::string_view dir, std::string_view name, const InodePtr& inode);
  InodePtr look_up(std::string_view path) const;  // absolute, seen from outside; null: missing
  void write_file(std::string_view path, std::string_view bytes);  // by magic, durable

 private:
  static bool strikes(const Process& me, int64_t number);

  Process* running_ = nullptr;
  std::vector<std::unique_ptr<Process>> processes_;
  std::map<std::string, int> boots_;
  int next_pid_ = 1000;
  int64_t real_ns_;
  int64_t steady_ns_ = 1'000'000'000;
  int64_t passed_last_ns_ = 0;
};

}  // namespace imgq::sim
