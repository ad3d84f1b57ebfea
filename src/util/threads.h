#pragma once

#include <signal.h>

#include <cstddef>
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

// Whether any of these waits for the process, for no thread can take it now. Of a thread that takes
// none.
bool any_pending(std::initializer_list<int> signals);

}  // namespace imgq
