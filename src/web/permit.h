#pragma once

#include <atomic>
#include <memory>

namespace imgq::web {

// One of so many that may be held at once, until its last copy is gone.
using Permit = std::shared_ptr<std::atomic<int>>;

// Null when `most` are held already.
inline Permit take_permit(std::atomic<int>& count, int most) {
  const bool granted = ++count <= most;
  Permit permit(&count, [](std::atomic<int>* held) { --*held; });  // also when it is not granted
  return granted ? permit : nullptr;
}

}  // namespace imgq::web
