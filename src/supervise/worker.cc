#include "src/supervise/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace imgq::supervise {
namespace {

constexpr std::chrono::seconds kStartLimit{20};
constexpr std::chrono::seconds kLeaveLimit{5};
constexpr std::chrono::seconds kHungUpLimit{1};  // how long a process takes to be seen to be dead
constexpr int kParts = 10;                       // of each limit
constexpr int kExtensions = 3;                   // of the wall limit
constexpr std::string_view kReady = R"({"ready":true})";

// Nothing of ours but what a worker needs. One malloc arena: a third of the memory. What pieces of
// less than 1 MiB took, up to so much, stays for the next image: of one of the web's 100 to 200
// pages, else given back and faulted in again. More would shift the peaks that are estimated.
std::vector<std::string> worker_environment() {
  std::vector<std::string> all = {"MALLOC_ARENA_MAX=1",
                                  "MALLOC_MMAP_THRESHOLD_=1048576",
                                  "MALLOC_TRIM_THRESHOLD_=1048576",
                                  "VIPS_CONCURRENCY=1",
                                  "LC_ALL=C.UTF-8",
                                  "PATH=/usr/bin:/bin"};
  for (const char* name :
       {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "VIPS_NOVECTOR", "IMGQ_JPEG"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set after start
    if (value != nullptr) all.push_back(std::string(name) + "=" + value);
  }
  return all;
}

struct Pair {
  Fd ours, theirs;
};

Result<Pair> make_socket() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return last_error("make a socket for a worker", "");
  }
  Pair pair{Fd(ends[0]), Fd(ends[1])};
  if (::fcntl(pair.ours.get(), F_SETFL, O_NONBLOCK) != 0) {
    return last_error("make a socket for a worker", "");
  }
  return pair;
}

// Neither end blocks: a worker that talks too much loses its words, not its time or ours. Its own
// end it sets so itself, for libuv has it block again.
Result<Pair> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return last_error("make a pipe for a worker", "");
  }
  return Pair{Fd(ends[0]), Fd(ends[1])};
}

bool something_waits(int socket) {
  char first = 0;
  return ::recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace

Worker::Worker(Loop& loop, const Limits& limits, Supervisor& supervisor, Fd socket, Fd words)
    : wall_(limits.wall_seconds),
      supervisor_(supervisor),
      socket_(std::move(socket)),
      words_(std::move(words)),
      deadline_(loop, [this] { part_passed(); }) {}

Result<std::unique_ptr<Worker>> Worker::start(Loop& loop, const std::string& program,
                                              const Limits& limits, Supervisor& supervisor) {
  auto socket = make_socket();
  if (!socket) return socket.error();
  auto words = make_pipe();
  if (!words) return words.error();
  std::unique_ptr<Worker> worker(
      new Worker(loop, limits, supervisor, std::move(socket->ours), std::move(words->ours)));
  Worker* self = worker.get();
  auto process = Process::start(loop,
                                {program,
                                 {to_json(limits)},
                                 worker_environment(),
                                 {-1, -1, words->theirs.get(), socket->theirs.get()},
                                 Process::Start::Session::own},
                                [self](ProcessEnd end) { self->ended(end); });
  if (!process) return process.error();
  worker->process_ = std::move(*process);
  worker->readable_ =
      std::make_unique<Readable>(loop, self->socket_.get(), [self] { self->read_socket(); });
  worker->allow(kStartLimit);
  return worker;
}

Status Worker::give(const wire::Order& order, const std::vector<int>& fds) {
  if (something_waits(socket_.get())) {  // it would pass for the answer to this order
    condemn(Death::Why::garbage);
    return Error{EPROTO, "send to worker", ""};
  }
  (void)read_words();  // what it said of earlier images
  auto sent = wire::send(socket_.get(), wire::encode(order), fds);
  if (!sent) return sent;
  phase_ = Phase::busy;
  busy_ = true;
  extensions_ = 0;
  cpu_before_ = process_->cpu_time();
  allow(wall_);
  return Ok{};
}

void Worker::retire() {
  if (why_ == Death::Why::itself) why_ = Death::Why::asked;
  phase_ = Phase::leaving;
  deaf_ = true;
  readable_.reset();
  socket_ = Fd();
  allow(kLeaveLimit);
}

void Worker::kill() {
  if (why_ == Death::Why::itself) why_ = Death::Why::asked;
  if (phase_ != Phase::busy) phase_ = Phase::leaving;
  deaf_ = true;
  end_reading();
}

void Worker::allow(std::chrono::milliseconds limit) {
  part_ = limit / kParts;
  parts_left_ = kParts;
  deadline_.after(part_);
}

// A limit is counted in parts that this loop saw pass: when it was held up (stopped, frozen, its
// host paused), the worker may have been held up with it, and loses one part at most. What it has
// answered meanwhile is read before it is judged.
void Worker::part_passed() {
  if (--parts_left_ > 0) {
    deadline_.after(part_);
    return;
  }
  if (hung_up_) return condemn(Death::Why::garbage);
  read_socket();
  const bool in_time = phase_ == Phase::idle || deadline_.armed();
  if (in_time) return;
  if (!starves()) return condemn(Death::Why::overdue);
  ++extensions_;
  allow(wall_);
}

bool Worker::starves() const {
  return phase_ == Phase::busy && extensions_ < kExtensions &&
         2 * (process_->cpu_time() - cpu_before_) < wall_ * (1 + extensions_);
}

// An answer may still come before the worker is dead. Of one that is overdue it counts.
void Worker::condemn(Death::Why why) {
  if (why_ == Death::Why::itself) why_ = why;
  deaf_ = deaf_ || why != Death::Why::overdue;
  end_reading();
}

void Worker::read_socket() {
  while (!deaf_) {
    auto packet = wire::receive(socket_.get());
    if (packet) {
      take(*packet);
    } else {
      const int code = packet.error().code;
      if (code == ENODATA || code == ECONNRESET) hung_up();
      if (code == EMSGSIZE) condemn(Death::Why::garbage);
      return;
    }
  }
}

// End of file: it has ended, and how is soon known; or it closed its socket and must end.
void Worker::hung_up() {
  deaf_ = true;
  readable_.reset();
  hung_up_ = true;
  allow(kHungUpLimit);
}

void Worker::take(const wire::Packet& packet) {
  if (phase_ == Phase::starting && packet.text == kReady && packet.fds.empty()) {
    deadline_.stop();
    if (dead_) return;
    phase_ = Phase::idle;
    ever_ready_ = true;
    supervisor_.ready(*this);
    return;
  }
  auto verdict = parse_verdict(packet.text);
  if (phase_ != Phase::busy || !packet.fds.empty() || !verdict) {
    condemn(Death::Why::garbage);
    return;
  }
  phase_ = dead_ ? Phase::leaving : Phase::idle;
  busy_ = false;
  ++answered_;
  deadline_.stop();
  supervisor_.answered(*this, std::move(*verdict));
}

void Worker::end_reading() {
  readable_.reset();
  process_->kill(SIGKILL);
}

void Worker::ended(ProcessEnd end) {
  dead_ = true;
  read_socket();  // an answer that was given before the end counts
  deadline_.stop();
  readable_.reset();
  supervisor_.died(*this, {end, why_, read_words(), answered_ == 0, ever_ready_,
                           extensions_});  // which may destroy this
}

// At most what a pipe holds, 64 KiB.
std::string Worker::read_words() {
  std::string words;
  std::array<char, 4096> piece{};
  ssize_t got = 0;
  while ((got = ::read(words_.get(), piece.data(), piece.size())) > 0 && words.size() < 65536) {
    words.append(piece.data(), static_cast<size_t>(got));
  }
  return words;
}

}  // namespace imgq::supervise
