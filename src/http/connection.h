#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

#include "src/http/body_guard.h"
#include "src/http/head.h"
#include "src/util/error.h"

// One connection: bytes in and out of a socket, all under deadlines.
namespace imgq::web {

// How long a client may take. A body or a reply may take as long as it needs at min_rate, and
// `grace` before it is judged.
struct Pace {
  int64_t head_ms = 10'000;
  int64_t idle_ms = 20'000;  // between two requests; 0: one request a connection
  int64_t grace_ms = 15'000;
  int64_t min_rate = int64_t{4} * 1024;  // bytes a second, on average
  int64_t linger_ms = 2'000;             // for what an early reply left unread
};

// What a connection is doing. Only who keeps us waiting can be shown the door.
enum class Phase { head, body, working, reply, held, idle };

// The connections that are open, so that the slowest can be closed when there are too many and all
// of them when the server stops.
class Register {
 public:
  struct Member {
    int socket = -1;
    std::atomic<Phase> phase{Phase::head};
    std::atomic<int64_t> since_ms{0};               // of this phase, monotonic
    std::atomic<int64_t> moved{0};                  // bytes in this phase
    std::atomic<int64_t> waits_for_us_since_ms{0};  // 0: we wait for it

    void enter(Phase next);
    void moves();  // something came or went: the client waits for us from now on
  };

  void add(Member& member);
  void remove(Member& member);  // before its socket is closed

  // Shuts down the connection that deserves it most: of those between two requests the one that is
  // idle longest; of those waiting for a head the one that waits longest; else the slowest body or
  // reply under 16 KiB/s. None but the first that is younger than `min_age_ms`. False when there is
  // none.
  bool drop_slowest(int64_t min_age_ms);
  // Of so many that were accepted, somebody waits for a head, or is not here yet: to be dropped
  // once it is old enough. Or has been replied to for less than that: it may be idle in a moment.
  bool any_idle(size_t accepted, int64_t min_age_ms) const;
  // Shuts down those between two requests, and those that have waited for a head for `min_age_ms`.
  void drop_idle(int64_t min_age_ms);
  void drop_all();
  // Shuts down those that have waited for us for so long, once they were sent `reply`, which a
  // socket's buffer holds, unless one is begun.
  void refuse_working(int64_t min_age_ms, std::string_view reply);

 private:
  bool drop_worst(int64_t min_age_ms, int64_t least_blame);

  mutable std::mutex mutex_;
  std::map<Member*, bool> members_;  // true: already shut down
};

// Bytes in and out of a socket, by poll(2); never blocks beyond a deadline.
class Wire {
 public:
  Wire(int socket, Register::Member& member, const Pace& pace)
      : socket_(socket), member_(member), pace_(pace) {}

  // Some bytes, at least one, valid until the next call; empty at the end of the stream.
  //   errors  ETIMEDOUT, ECONNRESET, recv(2)
  Result<std::string_view> read(int64_t deadline_ms);

  //   errors  ETIMEDOUT, EPIPE, ECONNRESET, send(2)
  Status write(std::string_view bytes, int64_t deadline_ms);

  // The deadline by which the phase must have moved as much as it has, at the slowest pace allowed.
  int64_t pace_deadline() const;
  int64_t head_deadline() const;

  // Ends the sending side, takes in what the client still sends, within limits, so that our reply
  // is not lost to a reset. The socket can be closed after it.
  void linger();

  // Waits between two requests. False when no further one begins in time, or the client has gone.
  bool asked_again();

  // Waits up to `ms` for the client to go away; true when it has.
  bool gone_within(int64_t ms);

  Register::Member& member() { return member_; }

 private:
  bool wait_for(short events, int64_t deadline_ms) const;

  int socket_;
  Register::Member& member_;
  Pace pace_;
  std::array<char, size_t{16} * 1024> buffer_;
};

struct Opening {
  Head head;
  std::string rest;  // what came with the head, of the body and after it
};

// Reads a head. Nothing when the client went away, or was silent for too long, before it sent a
// byte.
//   come      what has come of it already, with the request before
//   refusals  431 a head over 32 KiB; 408; those of read_head
std::variant<std::monostate, Opening, Refusal> read_opening(Wire& wire, std::string come = {});

// A body as it comes over the wire, still in its coding, preceded by "100 Continue" when the client
// waits for that. Once it has come whole, the client keeps nobody waiting: we work.
class MeteredBody {
 public:
  MeteredBody(Wire& wire, const Opening& opening, int64_t limit_bytes)
      : wire_(wire),
        rest_(opening.rest),
        guard_(opening.head, limit_bytes),
        announce_(opening.head.expects_continue) {}

  // Some bytes, `size` at most, valid until the next call; empty once the body has come whole: what
  // follows it is another request, and nobody's here.
  //   errors  those of Wire::read and BodyGuard::pass; ECONNRESET at the end of the stream
  Result<std::string_view> next(size_t size);

  bool whole() const { return guard_.done(); }
  // What came and is not of the body, once it is whole.
  std::string_view after() const { return rest_; }

 private:
  Status begin();

  Wire& wire_;
  std::string_view rest_;  // what came and was not given yet
  BodyGuard guard_;
  bool announce_;
  bool begun_ = false;
};

}  // namespace imgq::web
