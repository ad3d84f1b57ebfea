#pragma once

#include <barrier>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "spool/internal/folders.h"
#include "spool/spool.h"
#include "src/util/error.h"
#include "src/util/fd.h"
#include "src/util/sys.h"

// Where the clauses of the contract are tried (contract.h), and how long things take there.
namespace imgq::durable {

inline constexpr int64_t kSeenMs = 10'000;  // a change that is not seen after so long never is
inline constexpr std::string_view kGroundBytes = "imgq\n";

// Times that were measured.
class Times {
 public:
  void add(int64_t ms) { all_.push_back(ms); }
  int64_t most() const;
  std::string words();  // the median and the longest

 private:
  std::vector<int64_t> all_;
};

// How long it takes until a condition holds, in ms; -1 when it never does.
template <class Condition>
int64_t until(int64_t most_ms, Condition condition) {
  const int64_t start = sys::monotonic_ms();
  Patience patience(most_ms);
  while (!condition()) {
    if (!patience.again()) return -1;
  }
  return sys::monotonic_ms() - start;
}

// A folder of our own in tmp/, worked in through two mounts of one spool, and removed at the end
// with all in it. Names are relative to it; what returns int answers 0 or errno.
class Ground {
 public:
  Ground(const Spool& here, const Spool& there);
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;
  ~Ground() { clear(path_, 2); }

  // errors  code 0 the other mount does not show it
  Status make() const;

  const Spool& here() const { return here_; }
  const Spool& there() const { return there_; }
  std::string at(const std::string& name) const {
    return name.empty() ? path_ : path_ + "/" + name;
  }

  int stat(const Spool& spool, const std::string& name) const;
  int rename(const Spool& spool, const std::string& from, const std::string& to) const;
  int link(const Spool& spool, const std::string& from, const std::string& to) const;
  int remove(const Spool& spool, const std::string& name, int flags = 0) const;
  Fd open(const Spool& spool, const std::string& name, int flags) const;
  Fd put(const Spool& spool, const std::string& name) const;  // a new file with kGroundBytes in it
  bool has_whole(const Spool& spool, const std::string& name) const;  // it, as `put` left it
  bool lists(const Spool& spool, const std::string& name) const;

 private:
  void clear(const std::string& folder, int depth) const;
  const Spool& here_;
  const Spool& there_;
  std::string path_;
};

// Two calls at once, so often: `prepare` before, `judge` after each. Their answers are 0 or errno.
struct Answers {
  int here = 0, there = 0;
  int winners() const { return static_cast<int>(here == 0) + static_cast<int>(there == 0); }
};
template <class Prepare, class Here, class There, class Judge>
void race(int rounds, Prepare prepare, Here here, There there, Judge judge) {
  std::barrier meet(2);
  Answers answers;
  std::thread other([&] {
    for (int round = 0; round < rounds; ++round) {
      meet.arrive_and_wait();
      answers.there = there(round);
      meet.arrive_and_wait();
    }
  });
  for (int round = 0; round < rounds; ++round) {
    prepare(round);
    meet.arrive_and_wait();
    answers.here = here(round);
    meet.arrive_and_wait();
    judge(round, answers);
  }
  other.join();
}

}  // namespace imgq::durable
