#pragma once

#include <cstddef>

namespace imgq {

// How many threads this process can start now, at most `wanted`: where processes are few
// (ulimit -u, pids.max) libraries end the program that asks for more.
size_t startable_threads(size_t wanted);

}  // namespace imgq
