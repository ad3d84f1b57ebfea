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

Timer::Timer(Loop& loop, std::function<void()> ring) : Watch(std::move(ring)) {
  ::uv_timer_init(loop.raw(), &handle_->uv.timer);
}

void Timer::after(std::chrono::milliseconds delay) {
  ::uv_update_time(handle_->uv.timer.loop);
  ::uv_timer_start(&handle_->uv.timer, Handle::ring, unsigned_ms(delay), 0);
}

void Timer::every(std::chrono::milliseconds period) {
  after(period);
  ::uv_timer_set_repeat(&handle_->uv.timer, unsigned_ms(period));
}

void Timer::stop() { ::uv_timer_stop(&handle_->uv.timer); }

bool Timer::armed() const { return ::uv_is_active(&handle_->uv.handle) != 0; }

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
