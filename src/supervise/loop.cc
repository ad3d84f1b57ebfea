#include "src/supervise/loop.h"

#include <uv.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "src/util/sys.h"

namespace imgq::supervise {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMostSooner{2000};  // so often a daemon's heart beats

// libuv refuses these calls only for lack of memory or descriptors, or for our own mistakes.
void must(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + ::uv_strerror(result));
}

struct Background {
  uv_work_t request{};
  std::function<void()> work;
  std::function<void()> done;
  int* count = nullptr;
};

void work_in_background(uv_work_t* request) { static_cast<Background*>(request->data)->work(); }

void finish_background(uv_work_t* request, int /*cancelled*/) {
  const std::unique_ptr<Background> job(static_cast<Background*>(request->data));
  --*job->count;
  job->done();
}

}  // namespace

Loop::Loop() : raw_(std::make_unique<uv_loop_t>()), clock_(std::make_unique<uv_timer_t>()) {
  must(::uv_loop_init(raw_.get()), "loop");
  ::uv_timer_init(raw_.get(), clock_.get());
}

Loop::~Loop() {
  ::uv_close(reinterpret_cast<uv_handle_t*>(clock_.get()), nullptr);
  ::uv_run(raw_.get(), UV_RUN_DEFAULT);  // lets closed handles go
  if (::uv_loop_close(raw_.get()) != 0) std::abort();
}

void Loop::run() {
  while (!stopped_ && turn()) {
  }
  stopped_ = false;
}

void Loop::stop() { stopped_ = true; }

bool Loop::turn() {
  ring();
  const int64_t due_ms = next_ring_ms();
  const bool alive = wait(due_ms == Timer::kNever ? due_ms : due_ms - sys::monotonic_ms());
  return alive || next_ring_ms() != Timer::kNever;
}

// libuv's clock and ours differ by a millisecond at most. It rings again and again, for it may do
// so before uv_run waits.
bool Loop::wait(int64_t most_ms) {
  if (most_ms == Timer::kNever) {
    ::uv_timer_stop(clock_.get());
  } else if (most_ms > 0) {
    ::uv_update_time(raw_.get());
    ::uv_timer_start(
        clock_.get(), [](uv_timer_t* /*clock*/) {}, static_cast<uint64_t>(most_ms) + 1, 1);
  }
  return ::uv_run(raw_.get(), most_ms > 0 && !stopped_ ? UV_RUN_ONCE : UV_RUN_NOWAIT) != 0;
}

int64_t Loop::next_ring_ms() const {
  int64_t next = Timer::kNever;
  for (const Timer* timer : timers_) next = std::min(next, timer->due_ms_);
  return next;
}

// Each timer once, however soon it shall ring again; and whoever rings may end others.
void Loop::ring() {
  const int64_t now_ms = sys::monotonic_ms();
  if (next_ring_ms() > now_ms) return;
  errands_.together([this, now_ms] {
    for (Timer* timer : std::vector<Timer*>(timers_)) {
      const bool there = std::find(timers_.begin(), timers_.end(), timer) != timers_.end();
      if (!there || timer->from_ms_ > now_ms) continue;
      const milliseconds period = timer->period_;
      timer->stop();
      if (period.count() > 0) timer->every(period);
      const auto call = timer->ring_;  // which may destroy it
      call();
    }
  });
}

void Loop::in_background(std::function<void()> work, std::function<void()> done) {
  auto job = std::make_unique<Background>();
  job->request.data = job.get();
  job->work = std::move(work);
  job->done = std::move(done);
  job->count = &background_;
  must(::uv_queue_work(raw_.get(), &job->request, work_in_background, finish_background),
       "background work");
  ++background_;
  (void)job.release();  // finish_background owns it
}

void Loop::await_background() {
  for (; background_ > 0; stopped_ = false) turn();
}

// Lives on the heap until libuv has closed it.
struct Watch::Handle {
  uv_any_handle uv{};
  std::function<void()> call;

  // The callback is copied before it is called, for it may destroy its own owner.
  template <class Uv, class... Facts>
  static void ring(Uv* uv, Facts... /*facts*/) {
    const auto call = static_cast<Handle*>(uv->data)->call;
    call();
  }
};

Watch::Watch(std::function<void()> call) : handle_(new Handle{{}, std::move(call)}) {
  handle_->uv.handle.data = handle_;
}

Watch::~Watch() {
  if (handle_->uv.handle.type == UV_UNKNOWN_HANDLE) {  // libuv refused to make it
    delete handle_;
    return;
  }
  ::uv_close(&handle_->uv.handle, [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

Timer::Timer(Loop& loop, std::function<void()> ring) : loop_(loop), ring_(std::move(ring)) {
  loop_.timers_.push_back(this);
}

Timer::~Timer() { std::erase(loop_.timers_, this); }

void Timer::set(milliseconds sooner, milliseconds delay) {
  const int64_t now_ms = sys::monotonic_ms();
  due_ms_ = now_ms + std::max<int64_t>(delay.count(), 0);
  from_ms_ = due_ms_ - sooner.count();
}

void Timer::after(milliseconds delay) {
  period_ = milliseconds(0);
  set(milliseconds(0), delay);
}

void Timer::about(milliseconds delay) {
  period_ = milliseconds(0);
  std::uniform_int_distribution<int64_t> part(0, delay.count() / 20);
  set(std::min(delay / 4, kMostSooner), delay - milliseconds(part(loop_.random_)));
}

void Timer::every(milliseconds period) {
  about(period);
  period_ = period;
}

void Timer::stop() {
  period_ = milliseconds(0);
  from_ms_ = due_ms_ = kNever;
}

Readable::Readable(Loop& loop, int fd, std::function<void()> ready) : Watch(std::move(ready)) {
  must(::uv_poll_init(loop.raw(), &handle_->uv.poll, fd), "poll");
  must(::uv_poll_start(&handle_->uv.poll, UV_READABLE, Handle::ring), "poll");
}

SignalWatch::SignalWatch(Loop& loop, int signal, std::function<void()> caught)
    : Watch(std::move(caught)) {
  must(::uv_signal_init(loop.raw(), &handle_->uv.signal), "signal");
  must(::uv_signal_start(&handle_->uv.signal, Handle::ring, signal), "signal");
}

}  // namespace imgq::supervise
