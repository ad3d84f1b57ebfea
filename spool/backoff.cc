#include "spool/backoff.h"

#include <algorithm>

#include "src/util/random.h"

namespace imgq {

int64_t wait_ms(const Backoff& backoff, int failures) {
  const int64_t most = std::min(backoff.max_ms, kMaxDelayMs);
  int64_t wait = std::min(backoff.first_ms, most);
  for (int i = 1; i < failures && wait < most; ++i) wait = std::min(wait * 2, most);
  const auto half = static_cast<uint64_t>(std::max<int64_t>(wait / 2, 0));
  return wait - static_cast<int64_t>(random_words()[0] % (half + 1));
}

}  // namespace imgq
