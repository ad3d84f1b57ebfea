#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/supervise/engine.h"
#include "src/supervise/job.h"
#include "src/supervise/listener.h"
#include "src/supervise/loop.h"
#include "src/supervise/share.h"

namespace imgq::supervise {

// Finds waiting jobs and claims them, a small batch at a time, on another thread. Keeps the names
// of at most kMaxCandidates, and of as many that came back, oldest first; the folder is read again
// when they have run out and it may have changed: a hint came, or the poll interval is over. Where
// several daemons are at work each claims its share first; what another has left for a poll
// interval, once it has just been seen to wait there still, is anybody's, as is what came back, and
// all while it is not known whether the others live.
class Claimer {
 public:
  static constexpr size_t kMaxCandidates = 20'000;

  // What is changed in `settings` counts from then on.
  Claimer(Loop& loop, const Spool& spool, const Settings& settings, Listener& listener);

  void start();
  void stop();  // claims nothing more; delayed jobs stay where they are

  // A name appeared in staging/, or some may have: look.
  void hint(std::string_view name);
  void poll();

  // Which jobs come first, from now on.
  void share(Share share);

  // A job was put off until then (Unix ms); 0: none was.
  void due(int64_t when_ms);

  // Claims up to `wanted` jobs for `owner`, if there are any and no batch is under way. `warily`:
  // only when the spool takes a file of a thumbnail's size; each claim in vain uses up a number.
  void claim(const std::shared_ptr<Owner>& owner, size_t wanted, bool warily);

  size_t claiming() const { return claiming_; }  // jobs of the batch under way
  bool idle() const;                             // nothing known to wait, nothing under way

 private:
  struct Batch;
  struct Scan;
  struct FolderTime {
    int64_t mtime_ns = -1;
    int64_t since_ms = 0;  // monotonic: when it was first seen to be that
    bool settled = false;  // for so long that a further change shows
  };
  void scan();
  void scanned(const Scan& scan);
  void claimed(Batch batch);
  void set_aside(const std::vector<std::pair<Token, Error>>& stuck);
  bool is_stuck(const Token& token) const;
  void tell_stuck(const std::optional<Error>& stuck);
  void promote();

  Loop& loop_;
  const Spool& spool_;
  const Settings& settings_;
  Listener& listener_;
  // A job that comes back has waited already, and goes first.
  struct Sooner {
    bool operator()(const Token& a, const Token& b) const {
      const bool first_a = a.attempt == 1, first_b = b.attempt == 1;
      return first_a != first_b ? first_b : a < b;
    }
  };
  void add(const Token& token);
  void drop_gone(const std::vector<Token>& waiting);
  std::vector<Token> choose(size_t wanted);
  size_t known() const { return ours_.size() + theirs_.size(); }

  std::minstd_rand random_{std::random_device{}()};
  Share share_;
  std::set<Token, Sooner> ours_;
  std::map<Token, int64_t, Sooner> theirs_;  // with the poll at which each was seen first
  int64_t polls_ = 0;
  int64_t read_at_ = -1;            // the poll at which the folder was last read to its end
  std::map<Token, int64_t> stuck_;  // not before, in monotonic ms
  std::string said_stuck_;
  bool stopped_ = false;
  bool unread_ = true;  // the folder may hold more than the candidates
  bool scanning_ = false;
  bool promoting_ = false;
  size_t claiming_ = 0;
  FolderTime time_;
  int64_t seen_mtime_ns_ = -1;  // settled, when the folder was last read to its end
  int skipped_ = 0;
  Timer polling_;
  Timer promotion_;
};

}  // namespace imgq::supervise
