#include "src/supervise/loop.h"

#include <uv.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace imgq::supervise {
namespace {

// libuv refuses these calls only for lack of memory or descriptors, or for our own mistakes.
void must(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + ::uv_strerror(result));
}

uint64_t unsigned_ms(std::chrono::milliseconds time) {
  return time.count() < 0 ? 0 : static_cast<uint64_t>(time.count());
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

Loop::Loop() : raw_(std::make_unique<uv_loop_t>()) { must(::uv_loop_init(raw_.get()), "loop"); }

Loop::~Loop() {
  ::uv_run(raw_.get(), UV_RUN_DEFAULT);  // lets closed handles go
  if (::uv_loop_close(raw_.get()) != 0) std::abort();
}

void Loop::run() { ::uv_run(raw_.get(), UV_RUN_DEFAULT); }

void Loop::stop() { ::uv_stop(raw_.get()); }

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
  while (background_ > 0) ::uv_run(raw_.get(), UV_RUN_ONCE);
}

// Each handle lives on the heap until libuv has closed it. A callback is copied before it is
// called, for it may destroy its own owner.

struct Timer::Handle {
  uv_timer_t uv{};
  std::function<void()> ring;
};

Timer::Timer(Loop& loop, std::function<void()> ring) : handle_(new Handle{{}, std::move(ring)}) {
  ::uv_timer_init(loop.raw(), &handle_->uv);
  handle_->uv.data = handle_;
}

Timer::~Timer() {
  ::uv_close(reinterpret_cast<uv_handle_t*>(&handle_->uv),
             [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

void Timer::after(std::chrono::milliseconds delay) {
  ::uv_update_time(handle_->uv.loop);
  ::uv_timer_start(
      &handle_->uv,
      [](uv_timer_t* uv) {
        const auto ring = static_cast<Handle*>(uv->data)->ring;
        ring();
      },
      unsigned_ms(delay), 0);
}

void Timer::every(std::chrono::milliseconds period) {
  after(period);
  ::uv_timer_set_repeat(&handle_->uv, unsigned_ms(period));
}

void Timer::stop() { ::uv_timer_stop(&handle_->uv); }

bool Timer::armed() const {
  return ::uv_is_active(reinterpret_cast<const uv_handle_t*>(&handle_->uv)) != 0;
}

struct Readable::Handle {
  uv_poll_t uv{};
  std::function<void()> ready;
};

Readable::Readable(Loop& loop, int fd, std::function<void()> ready)
    : handle_(new Handle{{}, std::move(ready)}) {
  must(::uv_poll_init(loop.raw(), &handle_->uv, fd), "poll");
  handle_->uv.data = handle_;
  must(::uv_poll_start(&handle_->uv, UV_READABLE,
                       [](uv_poll_t* uv, int /*status*/, int /*events*/) {
                         const auto call = static_cast<Handle*>(uv->data)->ready;
                         call();
                       }),
       "poll");
}

Readable::~Readable() {
  ::uv_close(reinterpret_cast<uv_handle_t*>(&handle_->uv),
             [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

struct SignalWatch::Handle {
  uv_signal_t uv{};
  std::function<void()> caught;
};

SignalWatch::SignalWatch(Loop& loop, int signal, std::function<void()> caught)
    : handle_(new Handle{{}, std::move(caught)}) {
  must(::uv_signal_init(loop.raw(), &handle_->uv), "signal");
  handle_->uv.data = handle_;
  must(::uv_signal_start(
           &handle_->uv,
           [](uv_signal_t* uv, int /*signal*/) {
             const auto call = static_cast<Handle*>(uv->data)->caught;
             call();
           },
           signal),
       "signal");
}

SignalWatch::~SignalWatch() {
  ::uv_close(reinterpret_cast<uv_handle_t*>(&handle_->uv),
             [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

}  // namespace imgq::supervise
