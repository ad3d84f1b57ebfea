#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "spool/spool.h"

// A file system can go away under an open spool: its mount process dies, its server forgets us.
// What was opened answers ENOTCONN, ESHUTDOWN, ESTALE or EIO then, also once it is mounted anew.
namespace imgq {

// Looks whether a spool is lost so, and finds it again under its path. Whoever is told `back`
// closes everything that was opened through the old root and begins anew with the new one.
class Remount {
 public:
  static constexpr std::chrono::seconds kDeadAfter{60};

  enum class Seen {
    well,  // the root answers
    away,  // it does not, and the path does not lead to the spool (yet): look again in a second
    dead,  // nor has the path for kDeadAfter, with the same answers: no mount that is made now will
           // be seen by this process, whose mount namespace is another, or which looks through a
           // mount of its own
    back,  // the path leads to the same spool, by its uuid; the root still does not
  };

  explicit Remount(const Spool& spool) : spool_(spool) {}

  // Reads from the disk. Not from two threads at once.
  Seen look();

  // Why the path does not lead there, after `away` and `dead`.
  const std::string& why() const { return why_; }

  // The spool, opened anew, once; after `back`.
  std::optional<Spool> take();

 private:
  bool is_lost() const;
  const Spool& spool_;
  std::optional<Spool> again_;
  std::string why_;
  std::optional<int64_t> dead_since_ms_;  // monotonic
};

}  // namespace imgq
