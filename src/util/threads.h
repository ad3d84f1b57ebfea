#pragma once

#include <signal.h>

#include <cstddef>
#include <functional>
#include <initializer_list>

namespace imgq {

// How many threads this process can start now, at most `wanted`: where processes are few
// (ulimit -u, pids.max) libraries end the program that asks for more.
size_t startable_threads(size_t wanted);

// This thread, and those it starts, take no signals as long as this lives: they are for others.
class NoSignals {
 public:
  NoSignals();
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;
  ~NoSignals();

 private:
  sigset_t before_;
};

// Calls work(0) to work(count - 1), each once and several at a time, at most `most`: what waits for
// a disk or a network waits less so. As many threads as can be started share it; this one is of
// them.
void in_parallel(size_t count, size_t most, const std::function<void(size_t)>& work);

// Whether any of these waits for the process, for no thread can take it now. Of a thread that takes
// none.
bool any_pending(std::initializer_list<int> signals);

}  // namespace imgq
