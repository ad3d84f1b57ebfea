#ifndef IMGQ_SRC_WEB_TURN_H_
#define IMGQ_SRC_WEB_TURN_H_

#include <atomic>
#include <optional>
#include <utility>

namespace imgq::web {

// One of so many that may be held at once, as long as it lives.
class Turn {
 public:
  // Nothing when `most` are held already.
  static std::optional<Turn> take(std::atomic<int>& count, int most) {
    if (++count <= most) return Turn(&count);
    --count;
    return std::nullopt;
  }
  Turn(Turn&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Turn& operator=(Turn&& other) noexcept {
    std::swap(count_, other.count_);
    return *this;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (count_ != nullptr) --*count_;
  }

 private:
  explicit Turn(std::atomic<int>* count) : count_(count) {}
  std::atomic<int>* count_;
};

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_TURN_H_
