#include "src/http/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "src/util/sys.h"

namespace imgq::web {
namespace {

constexpr int64_t kSlow = int64_t{16} * 1024;     // bytes a second: who is slower goes first
constexpr int64_t kHeadBlame = int64_t{1} << 40;  // who has not even asked goes before these
constexpr int64_t kIdleBlame = 2 * kHeadBlame;    // and first of all who was answered
constexpr std::string_view kEnd = "\r\n\r\n";     // of a head
constexpr int64_t kLingerBytes = 64 << 20;        // no more than an upload may have anyway

bool has_sent_more(int socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

// How much a connection deserves to be closed: nothing, or more for longer silence.
int64_t blame(const Register::Member& member, int64_t now_ms, int64_t min_age_ms) {
  const int64_t age_ms = now_ms - member.since_ms;
  const Phase phase = member.phase;
  // A request that has come and was not seen yet is not to be lost.
  if (phase == Phase::idle) return has_sent_more(member.socket) ? 0 : kIdleBlame + age_ms;
  if (age_ms < min_age_ms) return 0;
  if (phase == Phase::head) return kHeadBlame + age_ms;
  if (phase == Phase::working || phase == Phase::held) return 0;
  const int64_t rate = member.moved * 1000 / std::max<int64_t>(age_ms, 1);
  return std::max<int64_t>(kSlow - rate, 0);
}

// As long as it lives we wait for the client.
class Awaited {
 public:
  explicit Awaited(Register::Member& member) : member_(member) { member.waits_for_us_since_ms = 0; }
  Awaited(const Awaited&) = delete;
  Awaited& operator=(const Awaited&) = delete;
  ~Awaited() { member_.moves(); }

 private:
  Register::Member& member_;
};

}  // namespace

void Register::Member::moves() {
  const Phase now = phase;
  if (now != Phase::head && now != Phase::idle) waits_for_us_since_ms = sys::monotonic_ms();
}

void Register::Member::enter(Phase next) {
  since_ms = sys::monotonic_ms();
  waits_for_us_since_ms = next == Phase::head || next == Phase::idle ? 0 : since_ms.load();
  moved = 0;
  phase = next;
}

void Register::add(Member& member) {
  member.enter(Phase::head);
  const std::lock_guard lock(mutex_);
  members_.emplace(&member, false);
}

void Register::remove(Member& member) {
  const std::lock_guard lock(mutex_);
  members_.erase(&member);
}

bool Register::drop_slowest(int64_t min_age_ms) { return drop_worst(min_age_ms, 1); }

bool Register::any_idle(size_t accepted, int64_t min_age_ms) const {
  const std::lock_guard lock(mutex_);
  if (members_.size() < accepted) return true;
  const int64_t old = sys::monotonic_ms() - min_age_ms;
  return std::any_of(members_.begin(), members_.end(), [old](const auto& member) {
    const auto& [one, dropped] = member;
    const bool replied = one->phase == Phase::reply && one->since_ms > old;
    return !dropped && (one->phase == Phase::head || one->phase == Phase::idle || replied);
  });
}

void Register::drop_idle(int64_t min_age_ms) {
  while (drop_worst(min_age_ms, kHeadBlame)) {
  }
}

bool Register::drop_worst(int64_t min_age_ms, int64_t least_blame) {
  const std::lock_guard lock(mutex_);
  const int64_t now_ms = sys::monotonic_ms();
  auto worst = members_.end();
  int64_t worst_blame = least_blame - 1;
  for (auto at = members_.begin(); at != members_.end(); ++at) {
    if (at->second) continue;
    const int64_t its_blame = blame(*at->first, now_ms, min_age_ms);
    if (its_blame <= worst_blame) continue;
    worst = at;
    worst_blame = its_blame;
  }
  if (worst == members_.end()) return false;
  worst->second = true;
  (void)::shutdown(worst->first->socket, SHUT_RDWR);  // fails only when it has gone by itself
  return true;
}

void Register::drop_all() {
  const std::lock_guard lock(mutex_);
  for (auto& [member, dropped] : members_) {
    (void)::shutdown(member->socket, SHUT_RDWR);  // as above
    dropped = true;
  }
}

void Register::refuse_working(int64_t min_age_ms, std::string_view reply) {
  const std::lock_guard lock(mutex_);
  const int64_t now_ms = sys::monotonic_ms();
  for (auto& [member, dropped] : members_) {
    const int64_t since_ms = member->waits_for_us_since_ms;
    if (dropped || since_ms == 0 || now_ms - since_ms < min_age_ms) continue;
    if (member->phase != Phase::reply)
      (void)::send(member->socket, reply.data(), reply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)::shutdown(member->socket, SHUT_RDWR);  // as above
    dropped = true;
  }
}

bool Wire::wait_for(short events, int64_t deadline_ms) const {
  const Awaited awaited(member_);
  for (;;) {
    const int64_t left = deadline_ms - sys::monotonic_ms();
    if (left <= 0) return false;
    pollfd waiting{socket_, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the call that follows tells what is wrong
  }
}

Result<std::string_view> Wire::read(int64_t deadline_ms) {
  for (;;) {
    const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got >= 0) {
      member_.moved += got;
      member_.moves();
      return std::string_view(buffer_.data(), static_cast<size_t>(got));
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (error != EAGAIN) return Error{error, "receive", "connection"};
    if (!wait_for(POLLIN, deadline_ms)) return Error{ETIMEDOUT, "receive", "connection"};
  }
}

Status Wire::write(std::string_view bytes, int64_t deadline_ms) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      member_.moved += sent;
      member_.moves();
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (error != EAGAIN) return Error{error, "send", "connection"};
    if (!wait_for(POLLOUT, deadline_ms)) return Error{ETIMEDOUT, "send", "connection"};
  }
  return Ok{};
}

int64_t Wire::pace_deadline() const {
  return member_.since_ms + pace_.grace_ms + member_.moved * 1000 / pace_.min_rate;
}

int64_t Wire::head_deadline() const { return member_.since_ms + pace_.head_ms; }

void Wire::linger() {
  member_.enter(Phase::reply);         // from here on nothing is lost when it has to make room
  (void)::shutdown(socket_, SHUT_WR);  // fails only when the client has gone
  const int64_t deadline_ms = sys::monotonic_ms() + pace_.linger_ms;
  for (int64_t taken = 0; taken < kLingerBytes;) {
    const auto bytes = read(deadline_ms);
    if (!bytes || bytes->empty() || sys::monotonic_ms() >= deadline_ms) return;
    taken += static_cast<int64_t>(bytes->size());
  }
}

bool Wire::asked_again() {
  member_.enter(Phase::idle);
  if (!wait_for(POLLIN, member_.since_ms + pace_.idle_ms) || !has_sent_more(socket_)) return false;
  member_.enter(Phase::head);
  return true;
}

bool Wire::gone_within(int64_t ms) {
  const Awaited awaited(member_);
  pollfd waiting{socket_, POLLRDHUP, 0};
  return ::poll(&waiting, 1, static_cast<int>(ms)) > 0;
}

std::variant<std::monostate, Opening, Refusal> read_opening(Wire& wire, std::string come) {
  std::string text = std::move(come);
  bool may_be_blank = true;  // one empty line before a request is ignored (RFC 9112, 2.2)
  for (;;) {
    if (may_be_blank && text.size() >= 2) {
      may_be_blank = false;
      if (text.starts_with("\r\n")) text.erase(0, 2);
    }
    const size_t end = text.find(kEnd);
    if (std::min(end, text.size()) > kMaxHeadBytes) {
      return Refusal{431, "the request's head is over 32 KiB"};
    }
    if (end != std::string::npos) {
      auto read = read_head(std::string_view(text).substr(0, end + kEnd.size()));
      if (auto* refusal = std::get_if<Refusal>(&read)) return std::move(*refusal);
      return Opening{std::move(std::get<Head>(read)), text.substr(end + kEnd.size())};
    }
    const auto piece = wire.read(wire.head_deadline());
    if (!piece && piece.error().code == ETIMEDOUT && !text.empty()) {
      return Refusal{408, "the request's head did not come in time"};
    }
    if (!piece || piece->empty()) return std::monostate{};
    text += *piece;
  }
}

Status MeteredBody::begin() {
  if (begun_) return Ok{};
  begun_ = true;
  wire_.member().enter(Phase::body);
  if (!announce_) return Ok{};
  return wire_.write("HTTP/1.1 100 Continue\r\n\r\n", wire_.pace_deadline());
}

Result<std::string_view> MeteredBody::next(size_t size) {
  if (whole()) return std::string_view();
  if (const Status begun = begin(); !begun) return begun.error();
  if (rest_.empty()) {
    const auto piece = wire_.read(wire_.pace_deadline());
    if (!piece) return piece.error();
    if (piece->empty()) return Error{ECONNRESET, "body is cut short", "request"};
    rest_ = *piece;
  }
  const std::string_view out = rest_.substr(0, size);
  rest_.remove_prefix(out.size());
  if (const Status passed = guard_.pass(out); !passed) return passed.error();
  if (guard_.done()) wire_.member().enter(Phase::working);
  return out;
}

}  // namespace imgq::web
